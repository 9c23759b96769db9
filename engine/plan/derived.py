"""Defaults that follow from other keys of the plan, filled in before its shape is checked."""

from __future__ import annotations

from typing import Any

from engine.plan.kinds import is_idle

TARGET_MODES = ("i", "ii", "iii", "iv")

REASONS = {
    ("run", "name"): "the plan's file name",
    ("run", "arena"): "run.name",
    ("run", "mode"): "a flywheel fights in mode iv",
    ("run", "target"): "the flywheel's target, or the first player",
    ("run", "opponents"): "the flywheel's opponents, or all other players by name",
    ("players", "NAME", "sampling", "seed"): "run.seed",
    ("judges", "NAME", "sampling", "seed"): "run.seed",
}
"""Where the value of a key comes from when the plan does not say it, by the key's pattern."""


def with_derived(data: Any) -> Any:
    """A plan as nested tables, with what follows from other keys filled in. The argument is not changed.

    What has the wrong shape is passed on as it is, for the models to find.
    """
    if not isinstance(data, dict) or not isinstance(data.get("run"), dict):
        return data
    run = _with_group(data)
    filled = data | {"run": run}
    for section in ("players", "judges"):
        if isinstance(data.get(section), dict):
            filled[section] = {
                name: _with_seed(section, entry, run.get("seed", 0)) for name, entry in data[section].items()
            }
    return filled


def _with_group(data: dict[str, Any]) -> dict[str, Any]:
    run, flywheel = dict(data["run"]), data.get("flywheel")
    if isinstance(flywheel, dict):
        run.setdefault("mode", "iv")
    else:
        flywheel = {}
    if isinstance(run.get("name"), str):
        run.setdefault("arena", run["name"])
    players = data.get("players")
    if isinstance(players, dict) and players and run.get("mode") in TARGET_MODES:
        target = run.get("target") or flywheel.get("target") or next(iter(players))
        run["target"] = target
        others = sorted(name for name in players if name != target)
        run["opponents"] = run.get("opponents") or flywheel.get("opponents") or others
    return run


def _with_seed(section: str, entry: Any, seed: Any) -> Any:
    if not isinstance(entry, dict) or is_idle(section, entry.get("kind"), "sampling"):
        return entry
    sampling = entry.get("sampling", {})
    if not isinstance(sampling, dict) or sampling.get("temperature") == 0 or sampling.get("seed") is not None:
        return entry
    return entry | {"sampling": sampling | {"seed": seed}}
