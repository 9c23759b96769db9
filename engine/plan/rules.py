"""Rules that tie several keys of a plan together, and those that hold for all of its values.

They read nested tables that may still have the wrong shape, and pass over what the models will find, so that a
plan's mistakes of both sorts are told at once.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from engine.plan.derived import TARGET_MODES
from engine.plan.findings import Finding, nearest
from engine.plan.keypath import KeyPath, value_at
from engine.plan.kinds import idle, needed
from engine.plan.secrets import NAME_THE_VARIABLE, secret_places

_OPPONENTS = {"i": 1, "iii": 2, "iv": 3}
"""How many opponents a mode takes (arena-learning, section 5); `ii` takes any number."""


def broken_rules(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Every rule that the plan breaks, as nested tables with what is derived filled in."""
    yield from (Finding(path, NAME_THE_VARIABLE) for path in secret_places(data))
    yield from _unwritable(data, ())
    yield from _prompts(data)
    yield from _models(data, "players")
    yield from _models(data, "judges")
    yield from _numbers(data)
    yield from _group(data)
    yield from _anchor(data)
    yield from _flywheel(data)


def _unwritable(value: Any, path: KeyPath) -> Iterator[Finding]:
    """Text that no file can hold; in free tables, what JSON does not have, as it becomes part of content keys."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _unwritable(key, (*path, key))
            yield from _unwritable(item, (*path, key))
    elif isinstance(value, list | tuple):
        for place, item in enumerate(value):
            yield from _unwritable(item, (*path, place))
    elif isinstance(value, str):
        if not value.isascii() and any("\ud800" <= letter <= "\udfff" for letter in value):
            yield Finding(path, "is no valid Unicode text")
    elif _is_free(path) and not _is_json(value):
        yield Finding(path, "expected a string, a finite number, true or false, a list or a table")


def _is_free(path: KeyPath) -> bool:
    """Whether a path leads into a table that the models leave to a plug-in or a server."""
    words = [part for part in path if isinstance(part, str)]
    if words[0] in ("players", "judges"):
        return words[2:3] == ["options"] or words[2:4] == ["sampling", "extra"]
    return words[:3] == ["flywheel", "stage", "options"]


def _is_json(value: Any) -> bool:
    return isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))


def _prompts(data: Mapping[str, Any]) -> Iterator[Finding]:
    prompts = data.get("prompts")
    if isinstance(prompts, Mapping):
        given = [key for key in ("set", "file") if prompts.get(key) is not None]
        if not given:
            yield Finding(("prompts",), "needs a set or a file")
        elif len(given) == 2:
            yield Finding(("prompts", "file"), "is given beside a set: give one of them")


def _models(data: Mapping[str, Any], section: str) -> Iterator[Finding]:
    for name, entry in _table(data, section).items():
        if isinstance(entry, Mapping):
            yield from _model(section, name, entry)


def _model(section: str, name: str, entry: Mapping[str, Any]) -> Iterator[Finding]:
    kind = entry.get("kind")
    for keys in needed(section, kind):
        if not any(_is_given(entry.get(key)) for key in keys):
            yield Finding(
                (section, name, keys[0]), f"is missing: the kind '{kind}' needs {' or '.join(keys)}"
            )
    for key in idle(section, kind):
        if _is_given(entry.get(key)):
            yield Finding((section, name, key), f"does nothing for the kind '{kind}': take it out")


def _numbers(data: Mapping[str, Any]) -> Iterator[Finding]:
    if isinstance(data.get("players"), Mapping) and len(data["players"]) < 2:
        yield Finding(("players",), f"expected two players or more, found {len(data['players'])}")
    if isinstance(data.get("judges"), Mapping) and not data["judges"]:
        yield Finding(("judges",), "expected a judge, found none")


def _group(data: Mapping[str, Any]) -> Iterator[Finding]:
    run = _table(data, "run")
    mode = run.get("mode", "round-robin")
    if mode == "round-robin":
        for key in ("target", "opponents"):
            if _is_given(run.get(key)):
                yield Finding(("run", key), "does nothing in mode round-robin: give a mode of i, ii, iii, iv")
    elif mode in TARGET_MODES and len(_table(data, "players")) >= 2:
        yield from _of_players(data, ("run", "target"))
        yield from _of_players(data, ("run", "opponents"))
        yield from _opponents(mode, run.get("target"), run.get("opponents"))


def _opponents(mode: str, target: Any, opponents: Any) -> Iterator[Finding]:
    if not isinstance(opponents, list | tuple):
        return
    for place, name in enumerate(opponents):
        if name == target:
            yield Finding(("run", "opponents", place), "is the target itself")
        elif name in opponents[:place]:
            yield Finding(("run", "opponents", place), "is named twice")
    wanted = _OPPONENTS.get(mode, len(opponents))
    if len(opponents) != wanted:
        message = f"mode {mode} takes {wanted} of run.opponents, found {len(opponents)}: name them there"
        yield Finding(("run", "mode"), message)


def _anchor(data: Mapping[str, Any]) -> Iterator[Finding]:
    anchored = isinstance(_table(data, "ratings").get("anchor"), Mapping)
    yield from _of_players(data, ("ratings", "anchor", "model") if anchored else ("ratings", "anchor"))


def _flywheel(data: Mapping[str, Any]) -> Iterator[Finding]:
    flywheel = _table(data, "flywheel")
    yield from _of_players(data, ("flywheel", "target"))
    yield from _of_players(data, ("flywheel", "opponents"))
    slices, rounds = _table(flywheel, "slices"), flywheel.get("rounds", 1)
    stages = flywheel.get("stage")
    for place, stage in enumerate(stages if isinstance(stages, list | tuple) else ()):
        if isinstance(stage, Mapping):
            path = ("flywheel", "stage", place)
            yield from _names(stage.get("slices"), slices, (*path, "slices"), "slice of flywheel.slices")
            gaps = stage.get("min_gap")
            if isinstance(gaps, list | tuple) and len(gaps) not in (1, rounds):
                yield Finding((*path, "min_gap"), f"expected one gap, or one for each of {rounds} rounds")


def _of_players(data: Mapping[str, Any], path: KeyPath) -> Iterator[Finding]:
    """The names at a path have to be players of the plan."""
    try:
        given = value_at(data, path)
    except LookupError:
        return
    if players := _table(data, "players"):
        yield from _names(given, players, path, "player of this plan")


def _names(given: Any, known: Mapping[str, Any], path: KeyPath, what: str) -> Iterator[Finding]:
    if isinstance(given, str) and given not in known:
        yield Finding(path, f"is no {what} ({', '.join(known) or 'it has none'})", nearest(given, known))
    elif isinstance(given, list | tuple):
        for place, name in enumerate(given):
            yield from _names(name, known, (*path, place), what)


def _table(data: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = data.get(key)
    return value if isinstance(value, Mapping) else {}


def _is_given(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(_is_given(item) for item in value.values())
    return value is not None and value != () and value != []
