"""Which models are kin to a judge (self-preference, attack A12): the same one for certain, a family by its name."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import PurePath
from typing import Any

from engine.keys import content_hash
from engine.store.contestants import PlayerRow
from engine.store.judged import JudgeRow

_WORD = re.compile(r"[a-z]+|\d+")


@dataclass(frozen=True, slots=True)
class Kin:
    """A player that is kin to a judge.

    Attributes:
        certain: it is the very model that judges, by its identity; else only a name says so.
        families: that both names speak of; empty where only the identity is the same.
    """

    player_id: int
    player: str
    certain: bool
    families: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return {"player": self.player, "certain": self.certain, "families": list(self.families)}


def families_of(*names: str) -> tuple[str, ...]:
    """The families that names speak of, by data/flags/families.toml."""
    words = [_words(name) for name in names]
    return tuple(
        family
        for family, known in _table().items()
        if any(f" {one} " in said for one in known for said in words)
    )


def kin_of(judge: JudgeRow, players: Iterable[PlayerRow]) -> tuple[tuple[str, ...], list[Kin]]:
    """The families of a judge, and the players that are kin to it."""
    model = json.loads(judge.facts).get("model")
    identity = model if isinstance(model, dict) and "facts" in model else None
    own = families_of(judge.name, *_names_in(identity["facts"] if identity else {}))
    found = []
    for player in players:
        theirs = families_of(player.name, *_names_in(player.facts), PurePath(player.path or "").name)
        shared = tuple(family for family in own if family in theirs)
        same = identity is not None and _is_same(identity, player)
        if same or shared:
            found.append(Kin(player.id, player.name, same, shared))
    return own, found


def _is_same(identity: Mapping[str, Any], player: PlayerRow) -> bool:
    """Whether a judge's model is a player's: kind and facts, and so the weights or the endpoint, are equal."""
    theirs = {"kind": player.kind, "facts": dict(player.facts)}
    return content_hash({"kind": identity["kind"], "facts": identity["facts"]}) == content_hash(theirs)


def _names_in(facts: Mapping[str, Any]) -> list[str]:
    told = facts.get("fingerprint")
    values = [facts.get("model"), facts.get("name"), told.get("root") if isinstance(told, dict) else None]
    return [value for value in values if isinstance(value, str)]


def _words(name: str) -> str:
    """The words and numbers of a name, with blanks around; without those of benchmarks."""
    said = f" {' '.join(_WORD.findall(name.lower()))} "
    for benchmark in listed()["benchmarks"]:
        said = said.replace(f" {benchmark} ", " ")
    return said


@cache
def _table() -> dict[str, tuple[str, ...]]:
    return {family: tuple(names) for family, names in listed()["families"].items()}


@cache
def listed() -> dict[str, Any]:
    """The shipped table of families, and of names by which models speak of themselves."""
    return tomllib.loads(resources.files("data").joinpath("flags/families.toml").read_text(encoding="utf-8"))
