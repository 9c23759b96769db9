"""The store as the rest of the engine holds it: a path, a reader's connection, and fenced write transactions."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from engine.errors import LostLease, StoreError
from engine.store import sqlite
from engine.store.faults import explain, explained
from engine.store.journal import WalShrinker
from engine.store.opening import open_reader, open_writer
from engine.store.presence import Guard, Presence


@dataclass(frozen=True, slots=True)
class Fence:
    """The attempt on whose behalf something is written. It is checked inside the transaction that writes."""

    attempt_id: int
    job_id: int
    number: int
    worker_id: str


@dataclass(frozen=True, slots=True)
class Transaction:
    """An open write transaction: begun IMMEDIATE, fenced, committed when its block ends without an error.

    Attributes:
        connection: for reading and writing rows. Nothing else may commit on it.
        attempt_id, import_id: provenance of the rows that are written; at most one of both.
    """

    connection: sqlite.Connection
    attempt_id: int | None = None
    import_id: int | None = None


class Store:
    """One SQLite file. Connections belong to the process that opened them and are shared by no fork.

    A store opened to write has one writing connection, used by one thread at a time; reading goes through its own
    read-only connection, so that a long table never holds up a landing.
    """

    def __init__(self, path: Path, *, writable: bool, create: bool = True) -> None:
        self.path = path
        self._pid = os.getpid()
        self._lock = threading.Lock()
        self._writer = open_writer(path, create=create) if writable else None
        if self._writer is not None:
            self._presence = Presence(path, self._writer)
            self._shrinker = WalShrinker(path, self._writer)
            self._guard = Guard(path) if _is_wal(self._writer) else None
        self._reader: sqlite.Connection | None = None

    @property
    def writable(self) -> bool:
        """Whether it was opened to write."""
        return self._writer is not None

    @property
    def reader(self) -> sqlite.Connection:
        """A read-only connection. Each statement sees what is committed when it starts."""
        self._check_process()
        if self._reader is None:
            self._reader = self._sole_connection() or open_reader(self.path)
        return self._reader

    def _sole_connection(self) -> sqlite.Connection | None:
        """On a network file system the one connection that writes is also the only one that may read."""
        if self._writer is None or _is_wal(self._writer):
            return None
        return self._writer

    @contextmanager
    def snapshot(self) -> Iterator[sqlite.Connection]:
        """A read-only view in which several statements see one and the same state. Keep it short: it holds the WAL."""
        connection = self.reader
        # Where one connection does all, another thread's write waits for the end.
        with self._lock if connection is self._writer else nullcontext():
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                _roll_back(connection)

    @contextmanager
    def write(
        self, fence: Fence | None = None, *, import_id: int | None = None, foreign_keys: bool = True
    ) -> Iterator[Transaction]:
        """A write transaction: all of its block or nothing.

        Args:
            foreign_keys: False for who deletes much at once and checks what refers to it himself; SQLite would
                search all referring tables for each row.

        Raises:
            LostLease: the fence's attempt is not the running one of its job any more; nothing is written.
            DiskFull: there is no room. It may be there again later.
            StoreError: the file is read-only, or was moved, replaced or written over.
        """
        self._check_process()
        if self._writer is None:
            raise StoreError(f"{self.path} was opened to read")
        with self._lock, explained(self.path):
            connection = self._writer
            connection.execute(f"PRAGMA foreign_keys = {int(foreign_keys)}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                wal_bytes = self._presence.check()
                if fence is not None:
                    _check_fence(connection, fence)
                yield Transaction(connection, fence.attempt_id if fence else None, import_id)
                connection.execute("COMMIT")
            except BaseException:
                _roll_back(connection)
                raise
            self._shrinker.tend(wal_bytes)

    def close(self) -> None:
        """Close the connections. A forked child leaves them to the process that opened them.

        Where something else stands under the store's name, the -wal is left beside it and not folded in.
        """
        if os.getpid() != self._pid:
            return
        if self._reader is not None:
            self._reader.close()
        if self._writer is not None:
            closed_last: list[Guard | sqlite.Connection] = [self._writer]
            if self._guard is not None:
                closed_last.insert(1 if self._presence.is_lost() else 0, self._guard)
            for one in closed_last:
                one.close()
        self._reader = self._writer = None

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        """Close it; what SQLite found wrong with the file while it was read is raised with a mend."""
        self.close()
        if isinstance(error, sqlite.DatabaseError) and (known := explain(self.path, error)) is not None:
            raise known from error

    def _check_process(self) -> None:
        if os.getpid() != self._pid:
            raise StoreError("a store was carried over a fork", mend="Open it anew in each process.")


def open_store(path: Path, *, writable: bool = False, create: bool = True) -> Store:
    """Open a store; see `engine.store.opening` for what can be wrong with a file."""
    return Store(path, writable=writable, create=create)


def _is_wal(connection: sqlite.Connection) -> bool:
    return bool(connection.execute("PRAGMA journal_mode").fetchone()[0] == "wal")


def _roll_back(connection: sqlite.Connection) -> None:
    if connection.in_transaction:
        connection.execute("ROLLBACK")


def _check_fence(connection: sqlite.Connection, fence: Fence) -> None:
    row = connection.execute(
        "SELECT state, worker_id, number FROM attempts WHERE id = ?", (fence.attempt_id,)
    ).fetchone()
    if row is None or row[0] != "running" or row[1] != fence.worker_id or row[2] != fence.number:
        raise LostLease(
            f"attempt {fence.number} of job {fence.job_id} lost its lease: another worker may have taken over",
            mend="Nothing was written by this one. See: arena-tui jobs show",
        )
