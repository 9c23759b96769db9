"""Opening a store: one function for a writer's connection, one for a reader's, every pragma set here.

What can be wrong with a file is found before anything is changed in it. The path is never opened by hand: closing a
second descriptor of a file drops all POSIX locks that SQLite holds on it (https://sqlite.org/howtocorrupt.html).
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from urllib.parse import quote

from engine.errors import StoreError
from engine.store import sqlite
from engine.store.backup import back_up
from engine.store.faults import BUSY_TIMEOUT_MS, explained, not_a_store
from engine.store.filesystem import filesystem_type, is_network
from engine.store.migrations import APPLICATION_ID, latest_version, migrate
from engine.store.sole_writer import write_alone

_SMALLEST_PAGE = 512
"""SQLite takes some smaller files for empty ones (https://sqlite.org/fileformat.html: a page is at least 512 bytes)."""

ALLOW_NETWORK_VARIABLE = "ARENA_TUI_ALLOW_NETWORK_STORE"


def open_reader(path: Path) -> sqlite.Connection:
    """A read-only connection to an existing store of our schema version.

    In a folder where nothing can be written (a read-only mount, another user's) it shows the state at the last
    checkpoint, which is all there is when no worker is running.

    Raises:
        StoreError: no such file, no store of ours, older or newer than this program, not readable.
    """
    _look_at(path)
    if not path.exists():
        raise _no_store(path)
    with explained(path):
        try:
            connection = _connect(path, "mode=ro")
            version = _checked_version(path, connection, empty_is_fine=False)
        except sqlite.OperationalError as error:
            if sqlite.result_code(error) not in (sqlite.CANTOPEN, sqlite.READONLY) or _has_wal(path):
                raise
            connection = _connect(path, "mode=ro&immutable=1")
            version = _checked_version(path, connection, empty_is_fine=False)
    if version < latest_version():
        connection.close()
        raise StoreError(
            f"{path} was made by an older arena-tui (schema {version}, this program has {latest_version()})",
            mend="Any command that writes brings it up to date, for example: arena-tui store info --migrate",
        )
    return connection


def open_writer(path: Path, *, create: bool = True, allow_network: bool | None = None) -> sqlite.Connection:
    """A connection that writes, to a store brought up to this program's schema; made new where there is none.

    Args:
        allow_network: take a network file system with a rollback journal and one process at a time; None asks
            the environment (ARENA_TUI_ALLOW_NETWORK_STORE=1).

    Raises:
        StoreError: as `open_reader`, or a folder or file that cannot be written, or a network file system, or
            another writing process where SQLite is too old for two.
    """
    if allow_network is None:
        allow_network = os.environ.get(ALLOW_NETWORK_VARIABLE) == "1"
    network = _refuse_network(path, allow_network)
    _look_at(path)
    if not path.exists():
        if not create:
            raise _no_store(path)
        _make_folder(path.parent)
    if not sqlite.is_wal_safe():
        write_alone(path)
    with explained(path):
        connection = _connect(path, "mode=rwc" if create else "mode=rw")
        try:
            version = _checked_version(path, connection, empty_is_fine=True)
            _set_journal(path, connection, network)
            if version < latest_version():
                _migrate(path, connection, version)
        except BaseException:
            connection.close()
            raise
    return connection


def _connect(path: Path, parameters: str) -> sqlite.Connection:
    connection = sqlite.connect(
        f"file:{quote(os.fsencode(path.absolute()))}?{parameters}",
        uri=True,
        isolation_level=None,
        check_same_thread=False,
    )
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA mmap_size = 0")
    connection.execute("PRAGMA cache_size = -32000")
    connection.execute("PRAGMA temp_store = MEMORY")
    return connection


def _look_at(path: Path) -> None:
    """Refuse what is certainly no store of ours, by the file alone: no lock, no journal, nothing made beside it."""
    if path.is_dir():
        raise StoreError(f"{path} is a folder", mend="Name a file with --store FILE.")
    size = path.stat().st_size if path.exists() else 0
    if size == 0:
        return
    if size < _SMALLEST_PAGE:
        raise not_a_store(path)
    with explained(path):
        connection = _connect(path, "mode=ro&immutable=1")
        try:
            _checked_version(path, connection, empty_is_fine=True)
        finally:
            connection.close()


def _checked_version(path: Path, connection: sqlite.Connection, *, empty_is_fine: bool) -> int:
    """The schema version of a file that is ours; the connection is closed when it is not."""
    try:
        application = _number(connection, "PRAGMA application_id")
        empty = application == 0 and _number(connection, "SELECT COUNT(*) FROM sqlite_master") == 0
        version = _number(connection, "PRAGMA user_version")
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


def _number(connection: sqlite.Connection, query: str) -> int:
    return int(connection.execute(query).fetchone()[0])


def _has_wal(path: Path) -> bool:
    """Whether changes stand beside the file that are not in it yet."""
    wal = path.with_name(f"{path.name}-wal")
    return wal.exists() and wal.stat().st_size > 0


def _set_journal(path: Path, connection: sqlite.Connection, network: bool) -> None:
    if network:
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


def _migrate(path: Path, connection: sqlite.Connection, version: int) -> None:
    from sqlite_utils import Database

    if version > 0:
        back_up(connection, path.with_name(f"{path.name}.schema{version}"))
    migrate(Database(connection))


def _no_store(path: Path) -> StoreError:
    return StoreError(f"there is no store at {path}", mend="Start one with: arena-tui --batch pocket")


def _refuse_network(path: Path, allow: bool) -> bool:
    kind = filesystem_type(path if path.exists() else path.parent)
    if not is_network(kind):
        return False
    if not allow:
        raise StoreError(
            f"{path} lies on a network file system ({kind}), where SQLite's WAL gets corrupted",
            mend=(
                "Choose a local path with --store FILE, such as /var/tmp/$USER/arena.db; `arena-tui store backup` "
                f"copies it here safely. One process alone may use this place: {ALLOW_NETWORK_VARIABLE}=1"
            ),
        )
    return True


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder {folder} cannot be made",
            error.strerror or str(error),
            "Choose another with --store FILE.",
        ) from error
