"""Whether the files that a connection has open are still those that stand under the store's name.

A store that is deleted, renamed, replaced or written over under a running process goes on for that process as if
nothing had happened, and what it writes is lost, or damages what stands there now: SQLite folds the -wal into whatever
the file holds by then. Looking costs two `stat` calls, and a look into the file when it has changed: a checkpoint of
any process leaves the marks in it as they are, another store or a backup has others. A plain copy of the same store
that is as large or larger has the same, and is not noticed.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import StoreError
from engine.store import sqlite
from engine.store.connecting import READ, READ_FILE_ALONE, beside, connect

_MEND = "Nothing more is written. Put the store back and start again; what was committed to it is in it."

_OVER = (
    "Nothing more is written. To keep what was restored, move the -wal and -shm beside it away before anything"
    " opens it."
)


class Guard:
    """Keeps the -wal from being folded in when the writer closes: a connection that only reads, and closes last.

    SQLite folds it in where nobody else has the store open, and a connection that only reads never does.
    """

    def __init__(self, path: Path) -> None:
        self._connection = connect(path, READ)
        self._connection.execute(
            "PRAGMA schema_version"
        ).fetchone()  # takes the lock, which it holds until closed

    def close(self) -> None:
        """A second time it does nothing."""
        self._connection.close()


def _marks(connection: sqlite.Connection) -> list[tuple[object, ...]]:
    rows = connection.execute(
        "SELECT name, value FROM meta WHERE name IN ('store_id', 'copy_id') ORDER BY name"
    )
    return [tuple(row) for row in rows]


class Presence:
    """The store file and its -wal, as they are when it is made: right after they were opened."""

    def __init__(self, path: Path, connection: sqlite.Connection) -> None:
        self._path = path
        self._marks = _marks(connection)
        self._file = os.stat(path)  # noqa: PTH116  a name alone: it is asked for at every write
        self._wal_path = beside(path, "-wal")
        self._wal = self._stat_wal()

    def check(self) -> int:
        """The size of the -wal in bytes.

        Raises:
            StoreError: the store was moved, replaced or written over.
        """
        try:
            found = os.stat(self._path)  # noqa: PTH116
        except OSError as error:
            why = "" if isinstance(error, FileNotFoundError) else str(error.strerror)
            raise StoreError(f"{self._path} is gone: it was deleted or renamed", why, _MEND) from error
        if not os.path.samestat(found, self._file):
            raise StoreError(f"{self._path} is another file now: it was replaced or restored", mend=_MEND)
        if found.st_size < self._file.st_size:
            cut = f"It had {self._file.st_size:,} bytes and has {found.st_size:,}."
            raise StoreError(f"{self._path} was cut short or written over", cut, _OVER)
        if self._wal is not None and found.st_mtime_ns != self._file.st_mtime_ns:
            self._check_marks()
        self._file = found
        return self._check_wal()

    def _check_marks(self) -> None:
        # Never opened by hand: SQLite keeps its locks when a second connection of its own closes.
        try:
            connection = connect(self._path, READ_FILE_ALONE, may_be_short=True)
            try:
                found = _marks(connection)
            finally:
                connection.close()
        except sqlite.DatabaseError as error:
            if sqlite.result_code(error) != sqlite.NOTADB:
                return  # a checkpoint that goes on, or that has not yet brought the table
            found = []
        if found != self._marks:
            raise StoreError(
                f"{self._path} was written over: another store or a copy was restored", mend=_OVER
            )

    def is_lost(self) -> bool:
        """Whether `check` finds the store gone."""
        try:
            self.check()
        except StoreError:
            return True
        return False

    def _check_wal(self) -> int:
        if self._wal is None:
            return 0
        found = self._stat_wal()
        if found is None or not os.path.samestat(found, self._wal):
            raise StoreError(f"{self._wal_path} was deleted or replaced", mend=_MEND)
        return found.st_size

    def _stat_wal(self) -> os.stat_result | None:
        try:
            return os.stat(self._wal_path)  # noqa: PTH116
        except OSError:
            return None
