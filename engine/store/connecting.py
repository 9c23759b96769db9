"""One connection, with the pragmas that all connections have.

The path is never opened by hand: closing a second descriptor of a file drops all POSIX locks that SQLite holds on it
(https://sqlite.org/howtocorrupt.html).
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from engine.store import sqlite
from engine.store.faults import BUSY_TIMEOUT_MS

READ = "mode=ro"
READ_FILE_ALONE = "mode=ro&immutable=1"
"""The file as it stands: no lock, no -wal, nothing made beside it. Of a file that changes it may show a mix."""

BESIDE = ("-wal", "-shm", "-journal")
"""Endings of the files that SQLite keeps beside a store."""


def connect(path: Path, parameters: str, *, may_be_short: bool = False) -> sqlite.Connection:
    """A connection by the query parameters of a SQLite URI (https://sqlite.org/uri.html).

    Args:
        may_be_short: take a file that has fewer pages than it says. A checkpoint that goes on, or that a full disk
            stopped, leaves it so, with the rest in the -wal.
    """
    connection = sqlite.connect(
        f"file:{quote(os.fsencode(path.absolute()))}?{parameters}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    if may_be_short:  # first of all, since others look into the file
        connection.execute("PRAGMA writable_schema = ON")
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute("PRAGMA cache_size = -32000")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def number(connection: sqlite.Connection, query: str) -> int:
    """The one number that a query gives."""
    return int(connection.execute(query).fetchone()[0])


def beside(path: Path, ending: str) -> Path:
    """A file that SQLite keeps beside a store: `-wal`, `-shm` or `-journal`. It stands where a link leads."""
    return Path(os.path.realpath(path) + ending)


def size_of(path: Path) -> int:
    """Bytes of a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        return 0
