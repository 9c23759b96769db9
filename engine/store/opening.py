"""Opening a store: one function for a writer's connection, one for a reader's, every pragma set here.

What can be wrong with a file is found before anything is changed in it. The path is never opened by hand: closing a
second descriptor of a file drops all POSIX locks that SQLite holds on it (https://sqlite.org/howtocorrupt.html).
"""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from engine.errors import StoreError
from engine.store import sqlite
from engine.store.filesystem import filesystem_type, is_network
from engine.store.migrations import APPLICATION_ID, latest_version, migrate

BUSY_TIMEOUT_MS = 30_000
ALLOW_NETWORK_VARIABLE = "ARENA_TUI_ALLOW_NETWORK_STORE"


def open_reader(path: Path) -> sqlite.Connection:
    """A read-only connection to an existing store of our schema version.

    Raises:
        StoreError: no such file, no store of ours, older or newer than this program, not readable.
    """
    if not path.exists():
        raise StoreError(f"there is no store at {path}", mend="Start one with: arena-tui --batch pocket")
    try:
        connection = _connect(path, "ro")
        _check_header(path, connection, empty_is_fine=False)
        version = _version(connection)
    except sqlite.DatabaseError as error:
        raise explain(path, error) from error
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
        StoreError: as `open_reader`, or a folder or file that cannot be written, or a network file system.
    """
    if allow_network is None:
        allow_network = os.environ.get(ALLOW_NETWORK_VARIABLE) == "1"
    network = _refuse_network(path, allow_network)
    if not path.exists():
        if not create:
            raise StoreError(f"there is no store at {path}", mend="Start one with: arena-tui --batch pocket")
        _make_folder(path.parent)
    try:
        connection = _connect(path, "rwc" if create else "rw")
        _check_header(path, connection, empty_is_fine=True)
        _set_journal(path, connection, network)
        if _version(connection) < latest_version():
            _migrate(connection)
    except sqlite.DatabaseError as error:
        raise explain(path, error) from error
    return connection


def explain(path: Path, error: Exception) -> StoreError:
    """What SQLite said, as an error with a mend."""
    said = str(error)
    if "file is not a database" in said or "file is encrypted" in said:
        return StoreError(
            f"{path} is not an arena-tui store", said, "Name another file with --store. It was not changed."
        )
    if "readonly" in said or "unable to open" in said:
        return StoreError(
            f"{path} cannot be written",
            said,
            "Choose a folder of yours with --store FILE, or mend the permissions.",
        )
    if "disk is full" in said or "disk I/O" in said:
        return StoreError(
            f"the disk of {path} is full or failing", said, "Free some space and run it again: it goes on."
        )
    if "malformed" in said:
        return StoreError(
            f"{path} is damaged", said, f"Keep the file, and salvage it with: sqlite3 {path} .recover"
        )
    if "locked" in said:
        return StoreError(
            f"another process has held {path} for over {BUSY_TIMEOUT_MS // 1000} s",
            said,
            "Wait for it, or end it.",
        )
    return StoreError(f"{path}: {said}")


def _connect(path: Path, mode: str) -> sqlite.Connection:
    connection = sqlite.connect(
        f"file:{quote(str(path.absolute()))}?mode={mode}",
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


def _check_header(path: Path, connection: sqlite.Connection, *, empty_is_fine: bool) -> None:
    application = int(connection.execute("PRAGMA application_id").fetchone()[0])
    tables = int(connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchone()[0])
    if application != APPLICATION_ID and not (empty_is_fine and application == 0 and tables == 0):
        connection.close()
        raise StoreError(
            f"{path} is a SQLite file, but not an arena-tui store"
            if tables
            else f"{path} is empty: not a store yet",
            mend="Name another file with --store. It was not changed.",
        )
    version = _version(connection)
    if version > latest_version():
        connection.close()
        raise StoreError(
            f"{path} was made by a newer arena-tui (schema {version}, this program has {latest_version()})",
            mend="Update arena-tui: pip install -U arena-tui. The store was not changed.",
        )


def _version(connection: sqlite.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _set_journal(path: Path, connection: sqlite.Connection, network: bool) -> None:
    if network:
        connection.execute("PRAGMA locking_mode = EXCLUSIVE")
        connection.execute("PRAGMA journal_mode = DELETE")
        connection.execute("PRAGMA synchronous = FULL")
        return
    granted = connection.execute("PRAGMA journal_mode = WAL").fetchone()[0]
    if granted != "wal":
        raise StoreError(
            f"SQLite could not switch {path} to WAL (it stays '{granted}')",
            mend="The file system may not support it: choose a local path with --store FILE.",
        )
    connection.execute("PRAGMA synchronous = NORMAL")


def _migrate(connection: sqlite.Connection) -> None:
    from sqlite_utils import Database

    migrate(Database(connection))


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
