"""Progress as a person sees it: one line redrawn in place, and nothing of it left in the end."""

from __future__ import annotations

from collections.abc import Callable

import pyte

from tests.e2e.programs import Program, in_terminal
from tests.engine.jobs.arena_on_loopback import Arena


def screens(data: bytes, rows: int, columns: int) -> list[list[str]]:
    """The screen after each redrawing of a line."""
    screen = pyte.Screen(columns, rows)
    stream = pyte.Stream(screen)
    seen = []
    for piece in data.decode().split("\r\x1b[K"):
        stream.feed(piece)
        seen.append([line.rstrip() for line in screen.display])
        stream.feed("\r\x1b[K")
    return seen


def test_a_bar_on_a_terminal(arena: Arena) -> None:
    arguments = ("--batch", arena.folder / "plan.toml", "--store", arena.path)
    code, data = in_terminal(*arguments, size=(40, 80))
    assert code == 0
    seen = screens(data, 40, 80)
    last = [line for line in seen[-1] if line]
    bars = [line for screen in seen for line in screen if "%  " in line and "█" in line]
    assert bars
    assert all(len(bar) < 80 and "36 battles" in bar for bar in bars)
    assert not any("█" in line for line in last)
    assert last[0] == f"store: {arena.path}"[:80]
    assert last[-3:] == [
        "36 of 36 battles decided",
        last[-2],
        "See the table: arena-tui leaderboard --arena loop",
    ]
    assert last[-2].startswith("done in ")
    assert data.count(b"\x1b") == data.count(b"\r\x1b[K")  # no cursor is hidden, no mode is switched


def test_lines_in_a_pipe(arena: Arena, start: Callable[..., Program]) -> None:
    program = start("--batch", arena.folder / "plan.toml", "--store", arena.path)
    code, out, err = program.rest()
    assert (code, out) == (0, [])
    assert "\r" not in err
    assert "\x1b" not in err
    assert "36/36 battles" in err
    assert "36 of 36 battles decided" in err


def test_the_preflight_of_a_dry_run_is_data(arena: Arena, start: Callable[..., Program]) -> None:
    program = start("--batch", arena.folder / "plan.toml", "--store", arena.path, "--dry-run")
    code, out, err = program.rest()
    assert code == 0
    assert out[0].startswith("36 battles on 12 prompts; ")
    assert [line.split()[:4] for line in out if line.startswith(("player", "judge"))] == [
        ["player", "ada", "10", "2"],
        ["player", "bob", "10", "2"],
        ["player", "eve", "10", "2"],
        ["judge", "judge", "60", "12"],
    ]
    assert "Nothing more was run" in err


def test_an_import_counts_its_rows(arena: Arena) -> None:
    rows = "\n".join(f"a,b,tie,q{i}" for i in range(6000))
    log = arena.folder / "log.csv"
    log.write_text(f"model_a,model_b,winner,question_id\n{rows}\n")
    code, data = in_terminal("import", "arena", log, "--store", arena.path, size=(40, 80))
    assert code == 0
    assert b"\r\x1b[K5,000 rows in" in data
    assert any(line.startswith("6,000 rows in") for line in screens(data, 40, 80)[-1])
