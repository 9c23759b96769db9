"""How a store keeps what is being written: WAL on a local disk, a rollback journal where one process is alone.

A checkpoint can start the -wal anew only when no reader stands in it, and SQLite's own (after every 1,000 pages) does
not wait for that: eight readers whose looks overlap keep it growing for ever. So above a size a writer waits a moment
for them, while new readers already read the file alone (https://sqlite.org/wal.html, Avoiding Excessively Large WAL
Files).
"""

from __future__ import annotations

import time
from pathlib import Path

from engine.errors import StoreError
from engine.store import sqlite
from engine.store.connecting import beside, size_of
from engine.store.faults import BUSY_TIMEOUT_MS

WAL_LARGE_BYTES = 32 << 20
"""From here on a writer waits for readers, and starts the -wal anew; one that SQLite starts anew is cut to this."""

SHRINK_WAIT_MS = 2_500
"""No reader of ours looks at one state for over a second. One that began before the checkpoint is waited for, and then
one that began before all of it was in the file."""

SHRINK_PAUSE_SECONDS = 30.0
"""Until it is tried again after a reader that stayed, such as a long export."""


def set_journal(path: Path, connection: sqlite.Connection, *, alone: bool) -> None:
    """Set the journal of a writer.

    Args:
        alone: the store lies where processes cannot share a WAL; this one locks all others out.

    Raises:
        StoreError: WAL cannot be had.
    """
    if alone:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        return
    granted = _switch_to_wal(connection)
    if granted != "wal":
        raise StoreError(
            f"SQLite could not switch {path} to WAL (it stays '{granted}')",
            mend="The file system may not support it: choose a local path with --store FILE.",
        )
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA journal_size_limit = {WAL_LARGE_BYTES}")


def _switch_to_wal(connection: sqlite.Connection) -> str:
    """The journal mode that the store has now.

    A store that is being switched by two at a time gives one of them BUSY at once, without the busy timeout: SQLite
    does not wait where it might be waited for. So the wait is ours.
    """
    deadline = time.monotonic() + BUSY_TIMEOUT_MS / 1000
    while True:
        try:
            return str(connection.execute("PRAGMA journal_mode = WAL").fetchone()[0])
        except sqlite.OperationalError as error:
            if "locked" not in str(error) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


class WalShrinker:
    """Starts a large -wal anew behind a commit."""

    def __init__(self, path: Path, connection: sqlite.Connection) -> None:
        self._wal = beside(path, "-wal")
        self._connection = connection
        self._next_at = 0.0

    def tend(self, wal_bytes: int) -> None:
        """Call it outside of any transaction, with the size that the -wal had; costs nothing while that is small."""
        if wal_bytes < WAL_LARGE_BYTES or time.monotonic() < self._next_at:
            return
        if size_of(self._wal) < WAL_LARGE_BYTES:
            return  # another writer has done it meanwhile
        if not self._start_anew():
            self._next_at = time.monotonic() + SHRINK_PAUSE_SECONDS

    def _start_anew(self) -> bool:
        """False where it cannot be had soon: a reader stays, or the disk is full."""
        self._connection.execute(f"PRAGMA busy_timeout = {SHRINK_WAIT_MS}")
        try:
            is_busy, frames, _ = self._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            return not is_busy or frames < 0  # another writer is at it
        except sqlite.OperationalError as error:
            # The commit stands: another's checkpoint, or a disk too full for one, only leaves the -wal as it is.
            if sqlite.result_code(error) not in (sqlite.BUSY, sqlite.FULL, sqlite.IOERR):
                raise
            return sqlite.result_code(error) == sqlite.BUSY
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
