"""Opening a store: one function for a writer's connection, one for a reader's.

What can be wrong with a file is found before anything is changed in it.
"""

from __future__ import annotations

from pathlib import Path

from engine.errors import StoreError
from engine.store import sqlite
from engine.store.connecting import READ, READ_FILE_ALONE, beside, connect, size_of
from engine.store.faults import explained
from engine.store.journal import set_journal
from engine.store.migrations import latest_version, migrate
from engine.store.owner import is_mirror_copy, refuse_mirror_copy
from engine.store.placement import (
    is_network_allowed,
    lies_on_network,
    make_folder,
    refuse_network,
    refuse_unwritable,
)
from engine.store.recognising import checked_version, look_at
from engine.store.sole_writer import write_alone

_UNSHARED = (sqlite.CANTOPEN, sqlite.READONLY, sqlite.IOERR, sqlite.FULL)
"""What SQLite says where it cannot lock, or make an -shm: a place that is read-only, full or shared by hosts."""


class OlderStore(StoreError):
    """It was made by an older program: whoever writes to it brings it up to date."""


def open_reader(path: Path) -> sqlite.Connection:
    """A read-only connection to an existing store of our schema version.

    Where nothing can be written (a read-only mount, another user's folder, a full disk) it shows the state at the
    last checkpoint, which is all there is when no worker is running. A mirror's copy, and a still one that hosts
    share, are read without locks.

    Raises:
        StoreError: no such file, no store of ours, older or newer than this program, not readable, damaged.
    """
    look_at(path)
    if not path.exists():
        raise _no_store(path)
    with explained(path):
        connection, version = _connect_reader(path)
    if version < latest_version():
        connection.close()
        raise OlderStore(
            f"{path} was made by an older arena-tui (schema {version}, this program has {latest_version()})",
            mend="Any command that writes brings it up to date, for example: arena-tui store info --migrate",
        )
    return connection


def _connect_reader(path: Path) -> tuple[sqlite.Connection, int]:
    if is_mirror_copy(path) or (_is_still(path) and lies_on_network(path)):
        return _connect_and_check(path, READ_FILE_ALONE)
    try:
        return _connect_and_check(path, READ)
    except sqlite.OperationalError as error:
        if sqlite.result_code(error) not in _UNSHARED or not _is_still(path):
            raise
    return _connect_and_check(path, READ_FILE_ALONE)


def _connect_and_check(path: Path, parameters: str) -> tuple[sqlite.Connection, int]:
    connection = connect(path, parameters)
    return connection, checked_version(path, connection, empty_is_fine=False)


def _is_still(path: Path) -> bool:
    """Whether no changes stand beside the file that are not in it yet."""
    return not any(size_of(beside(path, ending)) for ending in ("-wal", "-journal"))


def open_writer(path: Path, *, create: bool = True, allow_network: bool | None = None) -> sqlite.Connection:
    """A connection that writes, to a store brought up to this program's schema; made new where there is none.

    Args:
        allow_network: take a network file system with a rollback journal and one process at a time; None asks
            the environment (ARENA_TUI_ALLOW_NETWORK_STORE=1).

    Raises:
        DiskFull: there is no room for it.
        StoreError: as `open_reader`, or a folder or file that cannot be written, or a network file system, or
            another writing process where SQLite is too old for two.
    """
    refuse_mirror_copy(path)
    alone = lies_on_network(path)
    if alone and not (is_network_allowed() if allow_network is None else allow_network):
        refuse_network(path)
    look_at(path)
    refuse_unwritable(path)
    if not path.exists():
        if not create:
            raise _no_store(path)
        make_folder(path.parent)
    if not sqlite.is_wal_safe():
        write_alone(path)
    with explained(path):
        connection = connect(path, "mode=rwc" if create else "mode=rw")
        try:
            version = checked_version(path, connection, empty_is_fine=True)
            set_journal(path, connection, alone=alone)
            if version < latest_version():
                _migrate(path, connection, version, alone=alone)
        except BaseException:
            connection.close()
            raise
    return connection


def _migrate(path: Path, connection: sqlite.Connection, version: int, *, alone: bool) -> None:
    """Bring it up to date, copied first; then put the schema into the file itself, so that a -wal that is lost never
    leaves an empty store."""
    from sqlite_utils import Database

    if alone:  # nobody else comes in, a second connection of ours neither
        _copy_aside(path, connection, version)
        migrate(Database(connection))
    else:
        migrate(Database(connection), lambda version: _copy_beside_a_writer(path, version))
        connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def _copy_beside_a_writer(path: Path, version: int) -> None:
    """SQLite backs nothing up through a connection that has begun to write."""
    reader = connect(path, READ)
    try:
        _copy_aside(path, reader, version)
    finally:
        reader.close()


def _copy_aside(path: Path, connection: sqlite.Connection, version: int) -> None:
    from engine.store.backup import back_up

    if version:
        back_up(connection, path.with_name(f"{path.name}.schema{version}"))


def _no_store(path: Path) -> StoreError:
    return StoreError(f"there is no store at {path}", mend="Start one with: arena-tui --batch pocket")
