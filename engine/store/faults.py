"""What SQLite says when something is wrong with a file, as errors with a mend.

Only what a person can mend is explained; a wrong statement or a broken constraint is a bug of ours and stays as it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import DiskFull, StoreError
from engine.store import sqlite
from engine.store.disk import is_full

BUSY_TIMEOUT_MS = 30_000


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite raises about a file into a StoreError.

    Raises:
        DiskFull: there is no room.
        StoreError: the file is no store, damaged, not to be written, or locked for long.
    """
    try:
        yield
    except sqlite.DatabaseError as error:
        known = explain(path, error)
        if known is None:
            raise
        raise known from error


def explain(path: Path, error: sqlite.DatabaseError) -> StoreError | None:
    """What SQLite said, with a mend; None where nobody but we can mend it."""
    code = sqlite.result_code(error)
    # Only ENOSPC gives FULL: a quota, a limit on files and an -shm that finds no room give others.
    if code == sqlite.FULL or (code in (sqlite.IOERR, sqlite.CANTOPEN) and is_full(path)):
        return disk_full(path, str(error))
    match code:
        case sqlite.NOTADB:
            return not_a_store(path, str(error))
        case sqlite.READONLY | sqlite.CANTOPEN | sqlite.PERM:
            title = f"{path} cannot be {_what_fails(path)}"
            mend = "Choose a folder of yours with --store FILE, or mend the permissions."
        case sqlite.IOERR:
            title = f"the disk of {path} is failing"
            mend = "Copy the store to another disk with: arena-tui store backup"
        case sqlite.CORRUPT:
            title = f"{path} is damaged"
            mend = f"Keep it as it is, and take what can be read: arena-tui store salvage {path} --out NEW"
        case sqlite.BUSY:
            title = f"another process has held {path} for over {BUSY_TIMEOUT_MS // 1000} s"
            mend = "Wait for it, or end it."
        case _:
            return None
    return StoreError(title, str(error), mend)


def _what_fails(path: Path) -> str:
    if not path.exists():
        return "made"
    return "written" if os.access(path, os.R_OK) else "read"


def disk_full(path: Path, text: str = "") -> DiskFull:
    """No room for what was to be written to `path`."""
    return DiskFull(f"the disk of {path} is full", text, "Free some space and run it again: it goes on.")


def not_a_store(path: Path, text: str = "") -> StoreError:
    """A file of somebody else's."""
    return StoreError(
        f"{path} is not an arena-tui store", text, "Name another file with --store. It was not changed."
    )
