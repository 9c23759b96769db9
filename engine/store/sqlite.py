"""The one place that chooses the SQLite module.

`pysqlite3` brings a SQLite without the WAL-reset bug (fixed in 3.51.3: https://sqlite.org/wal.html#walresetbug) and
sqlite-utils takes it up by itself; where there is no wheel, the standard library's module is used alone. Two modules
in one process would break each other's POSIX locks on the same file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import sqlite3
    from sqlite3 import Connection, Cursor, Row
else:
    try:
        from pysqlite3 import dbapi2 as sqlite3
    except ImportError:
        import sqlite3
    Connection, Cursor, Row = sqlite3.Connection, sqlite3.Cursor, sqlite3.Row

SAFE_VERSION = (3, 51, 3)

PERM, BUSY, READONLY, IOERR, CORRUPT, FULL, CANTOPEN, NOTADB = 3, 5, 8, 10, 11, 13, 14, 26
"""Result codes that a person can do something about (https://sqlite.org/rescode.html)."""

DatabaseError = sqlite3.DatabaseError
OperationalError = sqlite3.OperationalError
version: tuple[int, ...] = sqlite3.sqlite_version_info
version_text: str = sqlite3.sqlite_version
connect = sqlite3.connect


def is_wal_safe() -> bool:
    """Whether several processes may write one WAL file with this SQLite."""
    return version >= SAFE_VERSION


_BY_TEXT = {
    "database is locked": BUSY,
    "attempt to write a readonly database": READONLY,
    "disk I/O error": IOERR,
    "database disk image is malformed": CORRUPT,
    "database or disk is full": FULL,
    "unable to open database file": CANTOPEN,
    "file is not a database": NOTADB,
}


def result_code(error: BaseException) -> int | None:
    """SQLite's primary result code of an error; None where Python raised it by itself.

    `Connection.backup` leaves the code away: there SQLite's text for it tells (sqlite3_errstr).
    """
    code: int | None = getattr(error, "sqlite_errorcode", None)
    return _BY_TEXT.get(str(error)) if code is None else code & 0xFF


__all__ = [
    "BUSY",
    "CANTOPEN",
    "CORRUPT",
    "FULL",
    "IOERR",
    "NOTADB",
    "PERM",
    "READONLY",
    "SAFE_VERSION",
    "Connection",
    "Cursor",
    "DatabaseError",
    "OperationalError",
    "Row",
    "connect",
    "is_wal_safe",
    "result_code",
    "version",
    "version_text",
]
