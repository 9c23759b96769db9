"""A worker that sleeps past its lease (a closed laptop, here SIGSTOP) and wakes when another has taken over."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from engine.store import counts, open_store, sqlite
from tests.e2e.programs import environment
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.stored import Rows, content, rows
from tests.servers.loopback import Connection, Request

REPOSITORY = Path(__file__).parents[2]
AWAKE = 20
"""Questions that the judge answers before the worker falls asleep."""

TABLES = ("jobs", "attempts", "workers", "events", "units", "rating_snapshots")


@contextmanager
def worker(arena: Arena) -> Iterator[subprocess.Popen[str]]:
    """A batch in a process of its own, with two questions to the judge at a time."""
    options = [f"--set=judges.judge.options.player.{key}=2" for key in ("concurrency", "start")]
    command = [sys.executable, "-P", "-m", "tests.e2e.drowsy", "--batch", arena.folder / "plan.toml"]
    process = subprocess.Popen(
        [*command, "--store", arena.path, *options],
        cwd=REPOSITORY,
        env=environment(PYTHONPATH=str(REPOSITORY)),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def lull(arena: Arena, process: subprocess.Popen[str]) -> None:
    """Stop a process when it does not write: one that is stopped within a transaction holds up everybody."""
    while True:
        process.send_signal(signal.SIGSTOP)
        connection = sqlite.connect(str(arena.path), timeout=0.2, isolation_level=None)
        try:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
            return
        except sqlite.OperationalError:
            process.send_signal(signal.SIGCONT)
        finally:
            connection.close()


def take_over(arena: Arena) -> None:
    """Run the plan again as soon as the sleeper's lease has ended."""
    for _ in range(20):
        with worker(arena) as second:
            _, err = second.communicate(timeout=60)
        if "is being run already" not in err:
            assert second.returncode == 0, err
            return
    raise AssertionError("the lease never ended")


def everything(arena: Arena) -> tuple[dict[str, Rows], dict[str, Rows]]:
    with open_store(arena.path) as store:
        return content(store), {table: rows(store, f"SELECT * FROM {table}") for table in TABLES}


@pytest.mark.timeout(120)
def test_a_sleeper_that_wakes_writes_nothing_and_says_so(arena: Arena) -> None:
    held, released, quiet = [0], asyncio.Event(), threading.Event()
    scored = arena.judge.choose
    assert scored is not None

    async def hold(request: Request, connection: Connection) -> None:
        """Answer when the sleeper is asleep: its answers wait for it in its sockets."""
        held[0] += 1
        if held[0] == 2:
            quiet.set()
        await released.wait()
        behave = scored(request)
        assert behave is not None
        await behave(request, connection)

    arena.judge.choose = lambda request: hold if len(arena.judge.chats) > AWAKE else scored(request)
    with worker(arena) as sleeper:
        assert quiet.wait(60)
        lull(arena, sleeper)
        arena.judge.choose = scored
        arena.loopback.call(released.set)
        take_over(arena)
        left = everything(arena)
        sleeper.send_signal(signal.SIGCONT)
        _, err = sleeper.communicate(timeout=60)
    assert sleeper.returncode == 1
    assert "lost its lease" in err
    assert "Traceback" not in err
    assert everything(arena) == left
    with open_store(arena.path) as store:
        assert counts.differences(store.reader, 1) == []
        assert rows(store, "SELECT state, COUNT(*) FROM battles GROUP BY state") == [("decided", 36)]
        assert rows(store, "SELECT number, state FROM attempts ORDER BY number") == [
            (1, "lost"),
            (2, "ended"),
        ]
        assert rows(store, "SELECT COUNT(*) FROM units") == [(0,)]
