"""Names of an import found in the store: prompts, players, judges and arenas, each looked up or registered once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from engine.formats.rows import FilledPrompt, PlainRow, SetAside
from engine.records import OnCut, OutcomeRule, Prompt
from engine.store.battles import Arena, land_arena, read_arena
from engine.store.contestants import Contestant, find_by_key, land_imported_player, land_recorded_judge
from engine.store.prompts import LandedPrompt, land_prompts
from engine.store.store import Transaction

CONTRADICTS = "prompt id has another text in this store (name another set with --set-name)"
MOST_PROMPTS = 200_000
"""Prompts that are remembered at a time."""


class PromptPlaces:
    """Where the prompts of an import stand in the store.

    A prompt whose id stands for another text there is not taken, and neither is any row that is about it.

    Args:
        taken, known: counts by table, which are kept here for prompts.
    """

    def __init__(self, taken: Counter[str], known: Counter[str]) -> None:
        self._taken = taken
        self._known = known
        self._places: dict[tuple[str, str], LandedPrompt] = {}
        self._contradicting: dict[tuple[str, str], bool] = {}

    def land(self, tx: Transaction, rows: Sequence[PlainRow]) -> list[LandedPrompt | None]:
        """Land the prompts of a chunk; an id that nobody has given a text becomes a prompt without one.

        Returns:
            For each row where the prompt that it is about stands; None for rows about none, or about one that says
            otherwise than the store.
        """
        if len(self._places) > MOST_PROMPTS:
            self.forget()
        whole = {id(prompt): landed for prompt, landed in self._landed(tx, self._in_order(rows))}
        return [self._about(row, whole) for row in rows]

    def _about(self, row: PlainRow, whole: Mapping[int, LandedPrompt]) -> LandedPrompt | None:
        if isinstance(row, SetAside):
            return None
        if isinstance(row, Prompt | FilledPrompt):
            prompt = row.prompt if isinstance(row, FilledPrompt) else row
            if whole[id(prompt)].state == "contradicts":
                self._contradicting.setdefault((prompt.set_name, prompt.name), False)
            return None
        if isinstance(row.prompt, Prompt):
            landed = whole[id(row.prompt)]
            return None if landed.state == "contradicts" else landed
        place = (row.prompt.set_name, row.prompt.name)
        if place in self._contradicting:
            self._contradicting[place] = True
            return None
        return self._places[place]

    def _in_order(self, rows: Sequence[PlainRow]) -> Iterator[tuple[Prompt, bool]]:
        """The prompts of a chunk, and among them the names that came before their text, as if it were not there yet;
        and whether each one is counted."""
        met: set[tuple[str, str]] = set()
        for row in rows:
            if isinstance(row, SetAside):
                continue
            prompt = row if isinstance(row, Prompt) else row.prompt
            place = (prompt.set_name, prompt.name)
            if isinstance(row, FilledPrompt):
                yield replace(row.prompt, conversation=None), False
            if isinstance(prompt, Prompt):
                yield prompt, True
            elif place not in self._places and place not in met:
                yield Prompt(prompt.name, None, prompt.set_name), True
            met.add(place)

    def _landed(
        self, tx: Transaction, prompts: Iterable[tuple[Prompt, bool]]
    ) -> list[tuple[Prompt, LandedPrompt]]:
        by_set: dict[str, list[Prompt]] = {}
        counted: dict[int, bool] = {}
        for prompt, counts in prompts:
            by_set.setdefault(prompt.set_name, []).append(prompt)
            counted[id(prompt)] = counts
        found = [
            (prompt, landed)
            for members in by_set.values()
            for prompt, landed in zip(members, land_prompts(tx, members), strict=True)
        ]
        for prompt, landed in found:
            self._places[prompt.set_name, prompt.name] = landed
            if counted[id(prompt)]:
                self._count(prompt, landed)
        return found

    def _count(self, prompt: Prompt, landed: LandedPrompt) -> None:
        if landed.state in ("new", "filled"):
            self._taken["prompts"] += 1
        elif landed.state == "known" and prompt.conversation is not None:
            self._known["prompts"] += 1

    def contradicting(self) -> list[SetAside]:
        """Prompts that were not taken, other than those for which a row about them was set aside."""
        return [
            SetAside(CONTRADICTS, "", 0, f"{name} in {set_name}"[:500])
            for (set_name, name), told in self._contradicting.items()
            if not told
        ]

    def forget(self) -> None:
        """Look everything up anew from now on."""
        self._places.clear()


@dataclass(slots=True)
class Parties:
    """Players, judges and arenas by their names."""

    outcome_rule: OutcomeRule
    on_cut: OnCut
    _players: dict[str, Contestant] = field(default_factory=dict)
    _judges: dict[str, Contestant] = field(default_factory=dict)
    _arenas: dict[str, Arena] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    """Names that belong to others in this store, and what is shown in their place."""

    def player(self, tx: Transaction, name: str, key: str | None = None) -> Contestant:
        """The player of this key where the store has it, else the one that is known by this name alone."""
        found = self._players.get(key or name) or _of_key(tx, "players", key)
        if found is None:
            found = self._noted(name, land_imported_player(tx, name))
        self._players[key or name] = found
        return found

    def judge(self, tx: Transaction, name: str, key: str | None = None) -> Contestant:
        """The judge of this key where the store has it, else the one that is known by this name alone."""
        found = self._judges.get(key or name) or _of_key(tx, "judges", key)
        if found is None:
            found = self._noted(name, land_recorded_judge(tx, name))
        self._judges[key or name] = found
        return found

    def arena(self, tx: Transaction, name: str, rules: tuple[OutcomeRule, OnCut] | None = None) -> Arena:
        """The arena of this name, under its own rules where it exists; `rules` are those of a new one."""
        found = self._arenas.get(name)
        if found is None:
            said = rules or (self.outcome_rule, self.on_cut)
            found = read_arena(tx.connection, name) or land_arena(tx, name, *said)
            self._arenas[name] = found
        return found

    def forget(self) -> None:
        """Look everything up anew from now on."""
        for known in (self._players, self._judges, self._arenas):
            known.clear()

    def _noted(self, name: str, found: Contestant) -> Contestant:
        if found.name != name:
            self.renamed[name] = found.name
        return found


def _of_key(tx: Transaction, table: Literal["players", "judges"], key: str | None) -> Contestant | None:
    return None if key is None else find_by_key(tx.connection, table, key)
