"""A consistent copy of a store at any time, also while workers write: SQLite's backup API, aside, then renamed.

`cp` of a running store is no copy: what stands in the -wal file beside it is missing, or fits no longer.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from engine.errors import StoreError
from engine.store import sqlite
from engine.store.connecting import READ_FILE_ALONE, connect, size_of
from engine.store.disk import NO_ROOM
from engine.store.faults import disk_full, explained


def back_up(
    connection: sqlite.Connection, target: Path, may_replace: Callable[[], object] = lambda: None
) -> int:
    """Copy the store behind a connection to `target`: one file, without a -wal beside it.

    It is one snapshot: what is committed while it is made is not in it.

    Returns:
        The size of the copy in bytes.

    Args:
        may_replace: is called when the copy is whole, right before it takes the name; what it raises stops that.

    Raises:
        DiskFull: there is no room for the copy.
        StoreError: the copy cannot be written, or would be the store itself; what stood there is untouched.
    """
    if target.exists() and target.samefile(file_of(connection)):
        raise StoreError(f"{target} is the store itself", mend="Name another file for the copy.")
    aside = aside_of(target)
    try:
        with explained(target):
            _copy(connection, aside)
        sync(aside)
        may_replace()
        aside.replace(target)
        sync(target.parent)
        return target.stat().st_size
    except OSError as error:
        if error.errno in NO_ROOM:
            raise disk_full(target) from error
        raise StoreError(f"{target} cannot be written", error.strerror or str(error)) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)


def refuse_other_files(connection: sqlite.Connection, target: Path) -> None:
    """Refuse a target that holds anything but a copy of the same store. A missing or an empty file holds nothing.

    Raises:
        StoreError: what stands there; it is only read.
    """
    if not target.exists() or (target.is_file() and size_of(target) == 0):
        return
    theirs = _id_in(target) if target.is_file() else None
    if theirs is None:
        raise StoreError(
            f"{target} is there already, and is no copy of a store",
            "Only an earlier copy of the same store is replaced.",
            "Name another file, or move that one away.",
        )
    ours = _id_of(connection)
    if theirs != ours:
        raise StoreError(
            f"{target} is there already, and is another store",
            f"It is store {theirs}, and this is {ours}. Only an earlier copy of the same store is replaced.",
            "Name another file, or move that one away.",
        )


def _id_of(connection: sqlite.Connection) -> str:
    """Random, made with a store and kept by its copies."""
    return str(connection.execute("SELECT value FROM meta WHERE name = 'store_id'").fetchone()[0])


def _id_in(path: Path) -> str | None:
    """The id of the store in a file; None where there is none to be read."""
    try:
        connection = connect(path, READ_FILE_ALONE, may_be_short=True)
    except sqlite.DatabaseError:
        return None
    try:
        return _id_of(connection)
    except (sqlite.DatabaseError, TypeError):
        return None
    finally:
        connection.close()


def aside_of(target: Path) -> Path:
    """Where a file is written before it takes its name: beside it, and like no other's, of whatever machine."""
    return target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}.part")


def file_of(connection: sqlite.Connection) -> Path:
    """The file that a connection has open."""
    return Path(connection.execute("PRAGMA database_list").fetchone()[2])


def _copy(connection: sqlite.Connection, aside: Path) -> None:
    """Nobody else knows the name yet, so nothing is locked: some network file systems know no locks."""
    copy = connect(aside, "mode=rwc&vfs=unix-none")
    try:
        copy.execute("PRAGMA locking_mode = EXCLUSIVE")
        copy.execute("PRAGMA synchronous = OFF")
        copy.execute("PRAGMA journal_mode = OFF")
        connection.backup(copy)
        # A mark of its own: a run sees by it that a copy was put over its store.
        copy.execute("INSERT OR REPLACE INTO meta VALUES ('copy_id', ?)", (secrets.token_hex(8),))
        copy.execute("PRAGMA journal_mode = DELETE")
    finally:
        copy.close()


def sync(path: Path) -> None:
    """Make sure that a file, or the names in a folder, are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
