"""Whether the files that a connection has open are still those that stand under the store's name.

A store that is deleted, renamed, replaced or written over under a running process goes on for that process as if
nothing had happened, and what it writes is lost, or damages what stands there now. Looking costs two `stat` calls.
"""

from __future__ import annotations

import os
from pathlib import Path

from engine.errors import StoreError
from engine.store.connecting import beside

_MEND = "Nothing more is written. Put the store back and start again; what was committed to it is in it."


class Presence:
    """The store file and its -wal, as they are when it is made: right after they were opened."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = os.stat(path)  # noqa: PTH116  a name alone: it is asked for at every write
        self._wal_path = beside(path, "-wal")
        self._wal = self._stat_wal()

    def check(self) -> int:
        """The size of the -wal in bytes.

        Raises:
            StoreError: the store was moved, replaced or written over.
        """
        try:
            found = os.stat(self._path)  # noqa: PTH116
        except OSError as error:
            why = "" if isinstance(error, FileNotFoundError) else str(error.strerror)
            raise StoreError(f"{self._path} is gone: it was deleted or renamed", why, _MEND) from error
        if not os.path.samestat(found, self._file):
            raise StoreError(f"{self._path} is another file now: it was replaced or restored", mend=_MEND)
        if found.st_size < self._file.st_size:
            cut = f"It had {self._file.st_size:,} bytes and has {found.st_size:,}."
            raise StoreError(f"{self._path} was cut short or written over", cut, _MEND)
        self._file = found
        return self._check_wal()

    def _check_wal(self) -> int:
        if self._wal is None:
            return 0
        found = self._stat_wal()
        if found is None or not os.path.samestat(found, self._wal):
            raise StoreError(f"{self._wal_path} was deleted or replaced", mend=_MEND)
        return found.st_size

    def _stat_wal(self) -> os.stat_result | None:
        try:
            return os.stat(self._wal_path)  # noqa: PTH116
        except OSError:
            return None
