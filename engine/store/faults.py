"""What SQLite says when something is wrong with a file, as errors with a mend.

Only what a person can mend is explained; a wrong statement or a broken constraint is a bug of ours and stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from engine.errors import StoreError
from engine.store import sqlite

BUSY_TIMEOUT_MS = 30_000


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn what SQLite raises about a file into a StoreError.

    Raises:
        StoreError: the file is no store, damaged, not to be written, locked for long, or its disk is full.
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
    match sqlite.result_code(error):
        case sqlite.NOTADB:
            return not_a_store(path, str(error))
        case sqlite.READONLY | sqlite.CANTOPEN | sqlite.PERM:
            title = f"{path} cannot be written" if path.exists() else f"{path} cannot be made"
            mend = "Choose a folder of yours with --store FILE, or mend the permissions."
        case sqlite.FULL:
            title, mend = f"the disk of {path} is full", "Free some space and run it again: it goes on."
        case sqlite.IOERR:
            title = f"the disk of {path} is failing, or full"
            mend = "Free some space, or copy the store to another disk with: arena-tui store backup"
        case sqlite.CORRUPT:
            title, mend = f"{path} is damaged", f"Keep the file, and salvage it with: sqlite3 {path} .recover"
        case sqlite.BUSY:
            title = f"another process has held {path} for over {BUSY_TIMEOUT_MS // 1000} s"
            mend = "Wait for it, or end it."
        case _:
            return None
    return StoreError(title, str(error), mend)


def not_a_store(path: Path, text: str = "") -> StoreError:
    """A file of somebody else's."""
    return StoreError(
        f"{path} is not an arena-tui store", text, "Name another file with --store. It was not changed."
    )
