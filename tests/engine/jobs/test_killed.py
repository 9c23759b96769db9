"""kill -9 at any moment, and running again gives the same rows, with nothing asked twice that was landed."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.jobs import jobs
from engine.store import counts, open_store
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.stored import Rows, content, number
from tests.servers.loopback import LoopbackServer, Request

REPOSITORY = Path(__file__).parents[3]
PROMPTS = 6

WINDOWS = [
    ("after claim", 1),
    ("before lease", 1),
    ("before responses", 2),
    ("after responses", 3),
    ("before verdicts", 2),
    ("after verdicts", 3),
    ("before counts", 2),
    ("after battles", 3),
    ("after commit", 20),
    ("after snapshot", 1),
    ("before end", 1),
    ("after end", 1),
]
"""With how often a window is passed before the one that kills."""

CHATS = 3 * PROMPTS + 3 * PROMPTS * 2
"""Of the players, and of the judge with both orders of three pairs."""


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, loopback: LoopbackServer
) -> Iterator[dict[str, Rows]]:
    arena = Arena(tmp_path_factory.mktemp("undisturbed"), loopback, PROMPTS)
    arena.run()
    with open_store(arena.path) as store:
        yield content(store)


@pytest.fixture
def small(tmp_path: Path, loopback: LoopbackServer) -> Arena:
    return Arena(tmp_path, loopback, PROMPTS)


def start(arena: Arena, *launcher: str) -> subprocess.Popen[str]:
    """`arena-tui --batch` in a process of its own, by `launcher`."""
    plan = arena.write_plan()
    return subprocess.Popen(
        [sys.executable, "-m", *launcher, "--batch", str(plan), "--store", str(arena.path)],
        cwd=REPOSITORY,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def chats(arena: Arena) -> int:
    return arena.player_calls + len(arena.judge.chats)


def check_going_on(arena: Arena, undisturbed: dict[str, Rows]) -> None:
    """Run again what was killed: the same rows, and only what had not landed is asked once more."""
    asked = chats(arena)
    with open_store(arena.path) as store:
        landed = number(store, "SELECT COUNT(*) FROM responses") + number(
            store, "SELECT COUNT(*) FROM verdicts"
        )
    arena.run()
    assert chats(arena) - CHATS == asked - landed
    with open_store(arena.path) as store:
        assert content(store) == undisturbed
        assert counts.differences(store.reader, 1) == []
        assert jobs.read_jobs(store.reader)[0].state == "done"


@pytest.mark.parametrize(("window", "times"), WINDOWS)
def test_killed_at_a_named_window(
    small: Arena, undisturbed: dict[str, Rows], window: str, times: int
) -> None:
    process = start(small, "tests.engine.jobs.dying", window, str(times))
    said, _ = process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL, f"'{window}' was never reached:\n{said}"
    sys.stdout.write(f"killed {window}, time {times}\n")
    check_going_on(small, undisturbed)


@pytest.mark.parametrize("moment", random.Random(7).sample(range(1, CHATS), 2))
def test_killed_at_any_moment(small: Arena, undisturbed: dict[str, Rows], moment: int) -> None:
    killed: list[subprocess.Popen[str]] = []

    def kill(_: Request) -> None:
        if chats(small) == moment:
            killed[0].kill()

    for served in (*small.served.values(), small.judge):
        served.on_chat = kill
    killed.append(start(small, "arena_tui"))
    said, _ = killed[0].communicate(timeout=60)
    assert killed[0].returncode == -signal.SIGKILL, f"request {moment} never came:\n{said}"
    sys.stdout.write(f"killed at request {moment} of {CHATS}\n")
    for served in (*small.served.values(), small.judge):
        served.on_chat = None
    check_going_on(small, undisturbed)
