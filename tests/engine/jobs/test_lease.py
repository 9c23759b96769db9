"""One attempt at a job at a time: leases that hold, requests that are heard, and a worker that lost its own."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import LostLease
from engine.jobs import attempts, jobs, workers
from engine.jobs.lease import kept_lease
from engine.jobs.worker import Batch, run_batch
from engine.plan import read_plan
from engine.store import Store, open_store
from engine.store.store import Fence
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.stored import content, number
from tests.servers.loopback import Request


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.db", writable=True) as opened:
        yield opened


@pytest.fixture
def quick_heart(monkeypatch: pytest.MonkeyPatch) -> threading.Event:
    """Heartbeats follow closely; the event is set after each."""
    beaten = threading.Event()
    beat = attempts.heartbeat

    def beating(store: Store, fence: Fence) -> None:
        beat(store, fence)
        beaten.set()

    monkeypatch.setattr(attempts, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(attempts, "heartbeat", beating)
    return beaten


def claim(store: Store, digest: str = "d") -> Fence:
    with store.write() as tx:
        return attempts.claim(tx, jobs.submit(tx, digest, "loop", ""), workers.register_worker(tx))


def take_over(path: Path) -> Fence:
    """What a second worker does when the lease of the first has run out."""
    with open_store(path, writable=True) as other, other.write() as tx:
        (job_id,) = tx.connection.execute("SELECT job_id FROM attempts WHERE state = 'running'").fetchone()
        tx.connection.execute("UPDATE attempts SET lease_until = 0, lease_boot = 0")
        return attempts.claim(tx, job_id, workers.register_worker(tx))


def test_a_busy_event_loop_does_not_starve_the_lease(store: Store, quick_heart: threading.Event) -> None:
    fence = claim(store)

    async def busy() -> None:
        async with kept_lease(store, fence):
            for _ in range(3):
                quick_heart.clear()
                assert quick_heart.wait(30), "no heartbeat while the loop was busy"

    asyncio.run(busy())


def test_a_block_ends_when_its_lease_is_lost(store: Store, quick_heart: threading.Event) -> None:
    fence = claim(store)

    async def work() -> None:
        async with kept_lease(store, fence):
            take_over(store.path)
            await asyncio.Event().wait()

    with pytest.raises(LostLease, match="another worker may have taken over"):
        asyncio.run(work())


def test_what_the_block_raises_comes_out_by_itself(store: Store) -> None:
    fence = claim(store)

    async def work() -> None:
        async with kept_lease(store, fence):
            raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        asyncio.run(work())
    assert not [one for one in threading.enumerate() if one.name == "heartbeat"]


def run(arena: Arena, on_chat: Callable[[Request], None]) -> None:
    arena.judge.on_chat = on_chat
    plan = arena.write_plan()
    with arena.open() as store:
        asyncio.run(run_batch(Batch(store, read_plan(plan), arena.events.append), asyncio.Event()))


def once_at(arena: Arena, chat: int, act: Callable[[], object]) -> Callable[[Request], None]:
    """Act when the judge is asked for the so manyth time."""

    def on_chat(_: Request) -> None:
        if len(arena.judge.chats) == chat:
            act()

    return on_chat


def test_a_worker_that_lost_its_lease_writes_nothing_more_and_says_so(arena: Arena) -> None:
    left: dict[str, object] = {}

    def lose() -> None:
        take_over(arena.path)
        with open_store(arena.path) as store:
            left["content"] = content(store)
            left["events"] = number(store, "SELECT COUNT(*) FROM events")

    with pytest.raises(LostLease) as lost:
        run(arena, once_at(arena, 30, lose))
    assert lost.value.exit_code == 1
    with open_store(arena.path) as store:
        assert content(store) == left["content"]
        assert number(store, "SELECT COUNT(*) FROM events") == left["events"]
        (job,) = jobs.read_jobs(store.reader)
        assert job.state == "running"  # by the second worker
        states = [(one["number"], one["state"]) for one in attempts.read_attempts(store.reader, job.id)]
        assert states == [(1, "lost"), (2, "running")]


def test_a_heartbeat_waits_for_a_snapshot_where_one_connection_does_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a network file system, whose type is faked here."""
    monkeypatch.setattr("engine.store.placement.filesystem_type", lambda path: "nfs4")
    monkeypatch.setenv("ARENA_TUI_ALLOW_NETWORK_STORE", "1")
    failures: list[BaseException] = []

    def beat() -> None:
        try:
            attempts.heartbeat(store, fence)
        except BaseException as error:  # noqa: BLE001 - for the assertion
            failures.append(error)

    with open_store(tmp_path / "a.db", writable=True) as store:
        fence = claim(store)
        heart = threading.Thread(target=beat)
        with store.snapshot() as connection:
            heart.start()
            heart.join(0.2)  # it may come to its end here only by failing
            connection.execute("SELECT COUNT(*) FROM jobs").fetchone()
        heart.join()
        assert failures == []
        assert number(store, "SELECT COUNT(*) FROM attempts WHERE state = 'running'") == 1


def test_a_killed_worker_that_nobody_buried_is_gone_and_a_living_one_is_not(store: Store) -> None:
    process = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    first = claim(store)
    with store.write() as tx:
        tx.connection.execute(
            "UPDATE workers SET pid = ?, pid_started_at = ?",
            (process.pid, workers.process_start(process.pid)),
        )
    with pytest.raises(attempts.JobBusy):
        claim(store)
    process.kill()
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)  # it is dead, and still has its pid
    assert claim(store).number == first.number + 1
    process.communicate()


def test_a_pid_that_another_process_has_by_now_is_no_living_worker(store: Store) -> None:
    first = claim(store)
    with store.write() as tx:
        tx.connection.execute("UPDATE workers SET pid_started_at = pid_started_at - 60")
    assert claim(store).number == first.number + 1


def test_of_another_machine_only_the_lease_tells(store: Store) -> None:
    claim(store)
    with store.write() as tx:
        tx.connection.execute(
            "UPDATE workers SET host = 'elsewhere', boot_id = 'other', pid = 1, pid_started_at = 0"
        )
    with pytest.raises(attempts.JobBusy, match="is being run already"):
        claim(store)
    with store.write() as tx:
        tx.connection.execute("UPDATE attempts SET lease_until = 0, lease_boot = 0")
    assert claim(store).number == 2
