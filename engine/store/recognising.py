"""Whether a file is a store of ours that this program can open, found before anything is changed in or beside it."""

from __future__ import annotations

from pathlib import Path

from engine.errors import StoreError
from engine.store import sqlite
from engine.store.connecting import READ_FILE_ALONE, connect, number
from engine.store.faults import explained, not_a_store
from engine.store.migrations import APPLICATION_ID, latest_version
from engine.store.wal import check_wal

_SMALLEST_PAGE = 512
"""SQLite takes some smaller files for empty ones (https://sqlite.org/fileformat.html: a page is at least 512 bytes)."""


def look_at(path: Path) -> None:
    """Refuse what is certainly no store of ours, or has lost the -wal that belongs to it, by the files alone.

    Raises:
        StoreError: what is wrong.
    """
    if path.is_dir():
        raise StoreError(f"{path} is a folder", mend="Name a file with --store FILE.")
    size = path.stat().st_size if path.exists() else 0
    if 0 < size < _SMALLEST_PAGE:
        raise not_a_store(path)
    if size:
        with explained(path):
            connection = connect(path, READ_FILE_ALONE, may_be_short=True)
            checked_version(path, connection, empty_is_fine=True)
            connection.close()
    check_wal(path)


def checked_version(path: Path, connection: sqlite.Connection, *, empty_is_fine: bool) -> int:
    """The schema version of a file that is ours; the connection is closed when it is not.

    Raises:
        StoreError: it is no store, an empty one, or one of a newer version.
    """
    try:
        application = number(connection, "PRAGMA application_id")
        empty = application == 0 and number(connection, "SELECT COUNT(*) FROM sqlite_master") == 0
        version = number(connection, "PRAGMA user_version")
        if empty and not empty_is_fine:
            raise StoreError(f"{path} is empty: not a store yet", mend="Start one: arena-tui --batch pocket")
        if application != APPLICATION_ID and not empty:
            raise not_a_store(path, "It is a SQLite file of another program.")
        if version > latest_version():
            raise StoreError(
                f"{path} was made by a newer arena-tui (schema {version}, this program has {latest_version()})",
                mend="Update arena-tui: pip install -U arena-tui. The store was not changed.",
            )
    except BaseException:
        connection.close()
        raise
    return version
