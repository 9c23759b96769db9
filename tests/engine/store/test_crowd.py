"""Many processes on one store: nobody meets a lock, the -wal stays small, and no reader of a run holds it."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from engine.store import Store, open_store, sqlite
from engine.store import journal as journals
from engine.store.prompts import land_set, set_names
from engine.store.texts import intern
from tests.engine.store.places import ENVIRONMENT

WRITER = """
import sys
from pathlib import Path
from engine.store import open_store
from engine.store.texts import intern
with open_store(Path(sys.argv[1]), writable=True) as store:
    for number in range(int(sys.argv[2])):
        with store.write() as tx:
            intern(tx.connection, [f"{sys.argv[3]}/{number}/{n} " * 400 for n in range(10)])
"""

READER = """
import sys
from pathlib import Path
from engine.store import open_store
path, ended = Path(sys.argv[1]), Path(sys.argv[2])
kept = open_store(path) if sys.argv[3] == "console" else None
looks = 0
while not ended.exists():
    if kept is None:
        with open_store(path) as store, store.snapshot() as connection:
            connection.execute("SELECT COUNT(*) FROM texts").fetchone()
    else:
        with kept.snapshot() as connection:
            connection.execute("SELECT COUNT(*) FROM texts").fetchone()
    looks += 1
    if looks == 1:
        print("begun", flush=True)
print(looks)
"""
TRANSACTIONS = 80


def test_three_writers_and_eight_readers_meet_no_lock(tmp_path: Path) -> None:
    path, ended = tmp_path / "arena.db", tmp_path / "ended"
    open_store(path, writable=True).close()
    pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}

    def start(script: str, *arguments: object) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", script, str(path), *map(str, arguments)]
        return subprocess.Popen(command, env=ENVIRONMENT, **pipes)

    readers = [start(READER, ended, "console" if n % 2 else "command") for n in range(8)]
    begun = [one.stdout.readline() for one in readers if one.stdout is not None]
    writers = [start(WRITER, TRANSACTIONS, n) for n in range(3)]
    said = [one.communicate() for one in writers]
    ended.touch()
    said += [one.communicate() for one in readers]
    assert [one.returncode for one in (*writers, *readers)] == [0] * 11, [err for _, err in said if err]
    assert begun == ["begun\n"] * 8
    assert all(int(out) > 1 for out, _ in said[3:])  # beside the writers too
    with open_store(path) as store:
        assert store.reader.execute("SELECT COUNT(*) FROM texts").fetchone() == (3 * TRANSACTIONS * 10,)
        assert store.reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_readers_whose_looks_overlap_do_not_keep_the_wal_growing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is always one of two readers, for whom SQLite's own checkpoints do not wait."""
    monkeypatch.setattr(journals, "WAL_LARGE_BYTES", 1_000_000)
    monkeypatch.setattr(journals, "SHRINK_PAUSE_SECONDS", 0.0)
    path, ended, largest = tmp_path / "arena.db", threading.Event(), 0
    entered = threading.Semaphore(0), threading.Semaphore(0)

    def look(own: threading.Semaphore, other: threading.Semaphore, first: bool) -> None:
        """Stay until the other reader has begun a later look."""
        with open_store(path) as store:
            if not first:
                other.acquire()
            while not ended.is_set():
                with store.snapshot() as connection:
                    connection.execute("SELECT COUNT(*) FROM texts").fetchone()
                    own.release()
                    other.acquire()
        own.release()

    with open_store(path, writable=True) as store:
        orders = ((entered[0], entered[1], True), (entered[1], entered[0], False))
        readers = [threading.Thread(target=look, args=order) for order in orders]
        for one in readers:
            one.start()
        for number in range(60):
            with store.write() as tx:
                intern(tx.connection, [f"{number}/{n} " * 10_000 for n in range(4)])
            largest = max(largest, path.with_name("arena.db-wal").stat().st_size)
        ended.set()
        for one in readers:
            one.join()
    assert path.stat().st_size > 11_000_000
    assert largest < 7_000_000


def test_a_reader_that_stays_costs_a_writer_a_moment_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(journals, "WAL_LARGE_BYTES", 500_000)
    monkeypatch.setattr(journals, "SHRINK_WAIT_MS", 1)
    monkeypatch.setattr(journals, "SHRINK_PAUSE_SECONDS", 0.0)
    path = tmp_path / "arena.db"
    with open_store(path, writable=True) as store, open_store(path) as reader:
        with reader.snapshot() as connection:
            before = set_names(connection)
            for number in range(30):
                with store.write() as tx:
                    land_set(tx, f"{number}")
                    intern(tx.connection, [f"{number}" * 50_000])
            assert set_names(connection) == before
            assert path.with_name("arena.db-wal").stat().st_size > 500_000
        with store.write() as tx:
            land_set(tx, "last")
        assert path.with_name("arena.db-wal").stat().st_size == 0
        assert len(set_names(reader.reader)) == 31


def test_threads_of_a_process_may_read_while_one_writes(store: Store) -> None:
    failures: list[BaseException] = []

    def look() -> None:
        try:
            with open_store(store.path) as own:
                for _ in range(50):
                    set_names(own.reader)
        except sqlite.DatabaseError as error:
            failures.append(error)

    readers = [threading.Thread(target=look) for _ in range(4)]
    for one in readers:
        one.start()
    for number in range(100):
        with store.write() as tx:
            land_set(tx, f"{number}")
    for one in readers:
        one.join()
    assert failures == []
    assert len(set_names(store.reader)) == 100
