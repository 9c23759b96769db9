"""Write transactions: whole or nothing, by whoever holds the lease, in the process that opened the store."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from engine.errors import LostLease, StoreError
from engine.store import Store, open_store
from engine.store.prompts import land_set, set_names
from engine.store.sqlite import DatabaseError
from engine.store.store import Fence

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}


def take_job(store: Store, worker: str, number: int, state: str = "running") -> Fence:
    with store.write() as tx:
        tx.connection.execute(
            "INSERT OR IGNORE INTO jobs(id, digest, name, plan, state, created_at) VALUES (1,'d','n','','running',0)"
        )
        tx.connection.execute(
            "INSERT OR IGNORE INTO workers(id, host, boot_id, pid, pid_started_at, started_at, heartbeat_at)"
            " VALUES (?, 'h', 'b', 1, 0, 0, 0)",
            (worker,),
        )
        cursor = tx.connection.execute(
            "INSERT INTO attempts(job_id, number, worker_id, state, lease_until, started_at) VALUES (1, ?, ?, ?, 0, 0)",
            (number, worker, state),
        )
    assert cursor.lastrowid is not None
    return Fence(cursor.lastrowid, 1, number, worker)


def test_an_error_in_the_block_undoes_all_of_it(store: Store) -> None:
    def break_halfway() -> None:
        with store.write() as tx:
            land_set(tx, "one")
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        break_halfway()
    assert set_names(store.reader) == []
    with store.write() as tx:
        land_set(tx, "two")
    assert set_names(store.reader) == [("two", 0)]


def test_whoever_lost_the_lease_writes_nothing(store: Store) -> None:
    slept = take_job(store, "sleeper", 1)
    with store.write(slept) as tx:
        land_set(tx, "before")
        assert tx.attempt_id == slept.attempt_id
    with store.write() as tx:
        tx.connection.execute("UPDATE attempts SET state = 'lost' WHERE id = ?", (slept.attempt_id,))
    took_over = take_job(store, "other", 2)
    with pytest.raises(LostLease, match="attempt 1 of job 1"), store.write(slept) as tx:
        land_set(tx, "after")
    with store.write(took_over) as tx:
        land_set(tx, "other's")
    assert [name for name, _ in set_names(store.reader)] == ["before", "other's"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"attempt_id": 99},
        {"number": 2},
        {"worker_id": "somebody"},
    ],
)
def test_a_fence_that_fits_in_part_only_is_refused(store: Store, wrong: dict[str, object]) -> None:
    fence = take_job(store, "worker", 1)
    facts = {"attempt_id": fence.attempt_id, "job_id": 1, "number": 1, "worker_id": "worker"} | wrong
    with pytest.raises(LostLease), store.write(Fence(**facts)) as tx:  # type: ignore[arg-type]
        land_set(tx, "set")
    assert set_names(store.reader) == []


def test_a_broken_constraint_is_a_bug_and_stays_one(store: Store) -> None:
    with pytest.raises(DatabaseError) as caught, store.write() as tx:
        tx.connection.execute("INSERT INTO prompt_sets(name) VALUES ('x')")
    assert not isinstance(caught.value, StoreError)
    with pytest.raises(DatabaseError), store.write() as tx:
        tx.connection.execute("INSERT INTO games VALUES (1, 0, 1)")


def test_a_store_opened_to_read_is_not_written(store: Store) -> None:
    with open_store(store.path) as reader, pytest.raises(StoreError, match="opened to read"), reader.write():
        pass


def test_a_snapshot_sees_one_moment(store: Store) -> None:
    with store.snapshot() as seen:
        before = set_names(seen)
        with store.write() as tx:
            land_set(tx, "late")
        assert set_names(seen) == before == []
    assert set_names(store.reader) == [("late", 0)]


def test_threads_of_one_store_take_turns(store: Store) -> None:
    def add(worker: int) -> None:
        for number in range(20):
            with store.write() as tx:
                land_set(tx, f"{worker}/{number}")

    threads = [threading.Thread(target=add, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set_names(store.reader)) == 80


def test_a_store_is_not_carried_over_a_fork(store: Store) -> None:
    with store.write() as tx:
        land_set(tx, "parent's")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:  # the child says what became of it, and leaves without any clearing up
        said = []
        for attempt in (lambda: store.reader, lambda: store.write().__enter__()):
            try:
                attempt()
                said.append("went through")
            except StoreError as error:
                said.append(error.title)
        store.close()
        os.write(writing, "|".join(said).encode())
        os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    assert (
        os.read(reading, 1000).decode() == "a store was carried over a fork|a store was carried over a fork"
    )
    os.close(reading)
    with store.write() as tx:
        land_set(tx, "parent's again")
    assert len(set_names(store.reader)) == 2


WRITER = """
import sys
from pathlib import Path
from engine.store import open_store
from engine.store.prompts import land_set
with open_store(Path(sys.argv[1]), writable=True) as store:
    for number in range(60):
        with store.write() as tx:
            land_set(tx, f"{sys.argv[2]}/{number}")
            if number == 40 and sys.argv[3] == "die":
                import os, signal
                os.kill(os.getpid(), signal.SIGKILL)
"""


def test_several_processes_write_and_one_is_killed_inside_a_transaction(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    writers = [
        subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path), str(n), "die" if n == 0 else "live"], env=ENVIRONMENT
        )
        for n in range(3)
    ]
    assert [one.wait() for one in writers] == [-signal.SIGKILL, 0, 0]
    with open_store(path, writable=True) as store:
        names = {name for name, _ in set_names(store.reader)}
        assert store.reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert names == {f"{n}/{i}" for n in range(3) for i in range(40 if n == 0 else 60)}


FULL = """
import resource, sys
from pathlib import Path
from engine.errors import DiskFull
from engine.store import open_store
from engine.store.texts import intern
path = Path(sys.argv[1])
with open_store(path, writable=True) as store:
    limit = 3_000_000  # stands for a full disk: no file may grow beyond it
    import signal
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    landed = 0
    try:
        while True:
            with store.write() as tx:
                intern(tx.connection, [f"{landed}" * 50_000])
            landed += 1
    except DiskFull as error:
        print(error.title.replace(str(path), "STORE"))
    print(store.reader.execute("SELECT COUNT(*) FROM texts").fetchone()[0] == landed > 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    with store.write() as tx:
        intern(tx.connection, ["goes on"])
    print(store.reader.execute("PRAGMA integrity_check").fetchone()[0])
"""


def test_a_disk_that_fills_up_stops_the_write_and_nothing_else(tmp_path: Path) -> None:
    """A full disk is faked by a limit on the size of files."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, str(tmp_path / "arena.db")],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    title, kept, integrity = done.stdout.splitlines() or [done.stderr, "", ""]
    assert title == "the disk of STORE is full"
    assert (kept, integrity) == ("True", "ok")
