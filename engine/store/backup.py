"""A consistent copy of a store at any time, also while workers write: SQLite's backup API, aside, then renamed.

`cp` of a running store is no copy: what stands in the -wal file beside it is missing, or fits no longer.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import StoreError
from engine.store import sqlite
from engine.store.faults import explained


def back_up(connection: sqlite.Connection, target: Path) -> int:
    """Copy the store behind a connection to `target`: one file, without a -wal beside it.

    It is one snapshot: what is committed while it is made is not in it.

    Returns:
        The size of the copy in bytes.

    Raises:
        StoreError: the copy cannot be written, or would be the store itself; what stood there is untouched.
    """
    if target.exists() and target.samefile(_file_of(connection)):
        raise StoreError(f"{target} is the store itself", mend="Name another file for the copy.")
    aside = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with explained(target):
            _copy(connection, aside)
        _sync(aside)
        aside.replace(target)
        _sync(target.parent)
    except OSError as error:
        raise StoreError(f"{target} cannot be written", error.strerror or str(error)) from error
    finally:
        aside.unlink(missing_ok=True)
    return target.stat().st_size


def _file_of(connection: sqlite.Connection) -> str:
    return str(connection.execute("PRAGMA database_list").fetchone()[2])


def _copy(connection: sqlite.Connection, aside: Path) -> None:
    copy = sqlite.connect(os.fspath(aside), isolation_level=None)
    try:
        connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()


def _sync(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
