"""`arena-tui` alone: what there is, and what to do next."""

from __future__ import annotations

from pathlib import Path

from arena_tui.cli.running import open_for_reading, store_path
from arena_tui.output import out

_FIRST_STEPS = """\
There is no store yet at {path}.

  arena-tui --batch pocket             four tiny models battle and are rated, in seconds
  arena-tui import arena FILE          rate battle logs that you have (CSV, JSON, JSONL, Parquet)
  arena-tui plan new --help            write a plan for models of your own
  arena-tui --help                     everything else"""


def show_overview(said: Path | None) -> None:
    """The arenas of the store, or the first steps where there is none."""
    path = store_path(said)
    if not path.exists():
        out(_FIRST_STEPS.format(path=path))
        return
    from engine.ratings.stored import judges_of
    from engine.store.battles import read_arenas

    with open_for_reading(said) as store:
        out(f"store: {path}")
        for arena in read_arenas(store.reader):
            judges = judges_of(store.reader, arena.id)
            told = ", ".join(f"{battles:,} battles before {judge}" for judge, battles in judges.items())
            out(f"  arena {arena.name}: {told or 'no battles yet'}")
    out("\n  arena-tui leaderboard    arena-tui jobs list    arena-tui --help")
