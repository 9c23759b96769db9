"""`arena-tui` alone: what there is, and what to do next."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from arena_tui.cli.running import open_for_reading, store_path
from arena_tui.output import out, out_json
from arena_tui.words import counted

_FIRST_STEPS = """\
{found}

  arena-tui --batch pocket             four tiny models battle and are rated, in seconds
  arena-tui import arena FILE          rate battle logs that you have (CSV, JSON, JSONL, Parquet)
  arena-tui plan new --help            write a plan for models of your own
  arena-tui --help                     everything else"""


def show_overview(said: Path | None, *, as_json: bool = False) -> None:
    """The arenas of the store, or the first steps where there is none."""
    path = store_path(said)
    arenas = _arenas(said) if path.exists() else None
    if as_json:
        out_json({"store": str(path), "exists": arenas is not None, "arenas": arenas or []})
    elif arenas is None:
        out(_FIRST_STEPS.format(found=f"There is no store yet at {path}."))
    elif not arenas:
        out(_FIRST_STEPS.format(found=f"The store {path} holds no battles yet."))
    else:
        out("\n".join([f"store: {path}", "", *map(_line, arenas)]))
        out("\narena-tui leaderboard · arena-tui jobs list · arena-tui --help")


def _arenas(said: Path | None) -> list[dict[str, Any]]:
    from engine.ratings.views import judges_of
    from engine.store.battles import read_arenas

    with open_for_reading(said) as store:
        return [
            {"arena": arena.name, "judges": judges_of(store.reader, arena.id)}
            for arena in read_arenas(store.reader)
        ]


def _line(facts: dict[str, Any]) -> str:
    told = ", ".join(f"{counted(n, 'battle')} judged by {judge}" for judge, n in facts["judges"].items())
    return f"  arena {facts['arena']}: {told or 'no battles yet'}"
