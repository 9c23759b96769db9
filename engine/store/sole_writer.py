"""One writing process at a time, where SQLite is too old for more (see `engine.store.sqlite`).

A lock on a file beside the store, held until the process ends. Readers are not held up: they never checkpoint.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from engine.errors import StoreError
from engine.store import sqlite

_held: dict[str, int] = {}
"""Descriptor of the lock file by its path. A POSIX lock is the process's, and ends with any descriptor of its file."""


def write_alone(path: Path) -> None:
    """Make this process the only one that writes the store, until it ends.

    Raises:
        StoreError: another process is that already, or the lock file cannot be made.
    """
    beside = os.path.realpath(path) + ".writer"
    if beside in _held:
        return
    try:
        descriptor = os.open(beside, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise StoreError(f"{path} cannot be written", error.strerror or str(error)) from error
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise StoreError(
            f"another process writes {path}",
            f"SQLite {sqlite.version_text} may damage a store that several processes write.",
            "Wait for it, or install a newer SQLite: pip install pysqlite3",
        ) from error
    _held[beside] = descriptor
