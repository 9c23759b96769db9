"""One attempt at a job at a time: leases that hold, requests that are heard, and a worker that lost its own."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.errors import DiskFull, LostLease
from engine.jobs import attempts, jobs, workers
from engine.jobs.lease import kept_lease
from engine.jobs.worker import Batch, run_batch
from engine.plan import read_plan
from engine.store import Store, open_store
from engine.store.leases import Moment
from engine.store.store import Fence
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.claims import claim, die
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


def test_a_full_disk_does_not_end_a_block_whose_heart_cannot_be_written(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """This process's files may not grow for a while, which SQLite takes for a full disk."""
    fence, failed, beaten = claim(store), threading.Event(), threading.Event()
    heartbeat = attempts.heartbeat

    def beating(store: Store, fence: Fence) -> None:
        try:
            heartbeat(store, fence)
        except DiskFull:
            failed.set()
            raise
        beaten.set()

    monkeypatch.setattr(attempts, "HEARTBEAT_SECONDS", 0.01)
    monkeypatch.setattr(attempts, "heartbeat", beating)
    wal = store.path.with_name(f"{store.path.name}-wal")
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    async def work() -> None:
        async with kept_lease(store, fence):
            resource.setrlimit(resource.RLIMIT_FSIZE, (wal.stat().st_size, limits[1]))
            try:
                assert failed.wait(30)
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)
            beaten.clear()
            assert beaten.wait(30)
            await asyncio.sleep(0)

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
    die(store)
    assert claim(store).number == first.number + 1


def test_a_pid_of_another_container_tells_nothing(store: Store) -> None:
    """The same pid there is another process, and none of ours is missing."""
    claim(store)
    with store.write() as tx:
        tx.connection.execute("UPDATE workers SET pid = 999999999, pid_namespace = 'pid:[1]'")
    with pytest.raises(attempts.JobBusy):
        claim(store)


def test_who_is_at_a_job_is_told_by_id_process_machine_and_time(store: Store) -> None:
    fence = claim(store)
    with pytest.raises(attempts.JobBusy) as busy:
        claim(store)
    assert f"by process {os.getpid()} on {socket.gethostname()}, since 2" in busy.value.text
    assert f"(worker {fence.worker_id})" in busy.value.text


def test_workers_of_one_process_are_not_one(store: Store) -> None:
    first, second = claim(store, "d"), claim(store, "e")
    assert first.worker_id != second.worker_id


DAY = 86_400.0


def later(seconds: float, jump: float = 0.0) -> Moment:
    """A moment on this machine so many seconds from now, with its wall clock set by `jump`."""
    now = Moment.now()
    return Moment(now.wall + seconds + jump, now.boot, now.seconds + seconds)


@pytest.mark.parametrize("jump", [-DAY, 0.0, DAY])
def test_a_clock_that_jumps_neither_ends_a_lease_nor_lets_it_live_for_ever(store: Store, jump: float) -> None:
    claim(store, now=later(0))
    with pytest.raises(attempts.JobBusy):
        claim(store, now=later(29, jump))
    assert claim(store, now=later(31, jump)).number == 2


@pytest.mark.parametrize("jump", [-DAY, DAY])
def test_a_lease_that_was_renewed_after_a_jump_holds_as_long_as_any(store: Store, jump: float) -> None:
    fence = claim(store, now=later(0))
    attempts.heartbeat(store, fence, later(10, jump))
    with pytest.raises(attempts.JobBusy):
        claim(store, now=later(39))
    assert claim(store, now=later(41)).number == 2


@pytest.mark.parametrize(
    ("jump", "holds"), [(0.0, True), (60.0, False), (-60.0, True), (-DAY, False), (DAY, False)]
)
def test_of_another_machine_only_the_lease_by_wall_time_tells(store: Store, jump: float, holds: bool) -> None:
    """Clocks of machines may differ by minutes. A lease that lies a day ahead is no lease, else it held for a day."""
    claim(store, now=later(0))
    with store.write() as tx:
        tx.connection.execute("UPDATE workers SET host = 'elsewhere', boot_id = 'other', pid = 1")
    if holds:
        with pytest.raises(attempts.JobBusy, match="is being run already"):
            claim(store, now=later(1, jump))
    else:
        assert claim(store, now=later(1, jump)).number == 2


def test_a_worker_of_an_earlier_boot_of_this_machine_is_gone(store: Store) -> None:
    claim(store)
    with store.write() as tx:
        tx.connection.execute("UPDATE workers SET boot_id = 'earlier'")
    assert claim(store).number == 2


def test_the_start_of_a_process_does_not_move_with_the_clock() -> None:
    """It is told in seconds since the machine started, as the kernel counts them (proc_pid_stat(5))."""
    now = Moment.now()
    assert 0 < workers.process_start(os.getpid()) <= now.seconds
    with pytest.raises(ProcessLookupError):
        workers.process_start(2**22 + 1)  # above the largest pid
