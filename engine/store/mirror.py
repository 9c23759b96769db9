"""A mirror: the newest copy of a store in a folder that outlives the machine, and the way back from it.

On a cluster the home is a network file system, where a store cannot work, and the local disk goes with the job. So a
run copies its store to a folder there now and then, and a start on another machine takes the newest copy up.

Which of a store and a copy is newer: each holds a mark (epoch of the owner, number of copies) for each mirror that it
had, in its `meta`, and a store is never behind the copies that were made of it.
"""

from __future__ import annotations

import json
import os
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from engine.errors import DiskFull, LostLease, StoreError
from engine.store import sqlite
from engine.store.backup import aside_of, back_up, sync
from engine.store.connecting import BESIDE, READ, READ_FILE_ALONE, beside, connect, size_of
from engine.store.disk import NO_ROOM
from engine.store.faults import disk_full, explained
from engine.store.location import FILE_NAME
from engine.store.opening import open_reader
from engine.store.owner import Ownership, is_mirror_copy
from engine.store.recognising import checked_version, look_at
from engine.store.store import Store

COPY_SECONDS = 180.0

_MARKS = "mirrors"


@dataclass(frozen=True, slots=True, order=True)
class Mark:
    """How far a store is mirrored; of two of one store the greater one is newer."""

    epoch: int = 0
    copies: int = 0


@dataclass(frozen=True, slots=True)
class TakenUp:
    """A copy that became the local store.

    Attributes:
        copied_at: when it was made, in seconds since 1970 by the clock of its host; None when that is not known.
        set_aside: where the older store that stood there is now.
    """

    host: str
    copied_at: float | None
    set_aside: Path | None


class Mirror:
    """The copy in a folder that we own."""

    def __init__(self, ownership: Ownership) -> None:
        self.ownership = ownership
        self.path = ownership.folder / FILE_NAME
        self._lock = threading.Lock()

    def mark(self, store: Store) -> None:
        """Write into the store that it is the one that goes on.

        Raises:
            StoreError: it cannot be written.
        """
        owner = self.ownership.owner
        with store.write() as tx:
            marks = _marks_of(tx.connection)
            found = marks.get(owner.mirror, Mark())
            marks[owner.mirror] = Mark(owner.epoch, found.copies + 1 if found.epoch == owner.epoch else 1)
            told = json.dumps({mirror: [mark.epoch, mark.copies] for mirror, mark in marks.items()})
            tx.connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (_MARKS, told))

    def copy(self, store: Store) -> int:
        """Put the store's present state into the folder; return its size in bytes.

        It reads through a connection of its own, so it can be called from any thread; two take turns.

        Raises:
            LostLease: another process took over.
            StoreError: the folder cannot be written, or the store not be read.
        """
        with self._lock:
            return self._copy(store)

    def _copy(self, store: Store) -> int:
        reader = open_reader(store.path)
        try:
            self._mark_for_copy(store, reader)
            count = back_up(reader, self.path, self._may_replace)
        except LostLease:
            raise
        except StoreError:
            self.ownership.check()  # it may have failed because another took over
            raise
        finally:
            reader.close()
        self.ownership.note_copy(time.time())
        return count

    def _mark_for_copy(self, store: Store, reader: sqlite.Connection) -> None:
        """A mark that stays behind only says too little; without any the copy would not be known as ours."""
        try:
            self.mark(store)
        except DiskFull:
            if self.ownership.owner.mirror not in _marks_of(reader):
                raise

    def _may_replace(self) -> None:
        if os.path.lexists(self.path):
            refuse_no_copy(self.path, self.ownership.owner.mirror)
        self.ownership.check()


def take_up(ownership: Ownership, path: Path) -> TakenUp | None:
    """Make the folder's copy the store at `path`, where there is none or an older state of the same one.

    A store that gives way is kept beside it. Nothing happens where the local one is as new.

    Raises:
        StoreError: the copy is of another store, or cannot be read; the local one is in use, or cannot be written.
    """
    owner = ownership.owner
    if not is_behind(ownership, path):
        return None
    set_aside = _set_aside(path, owner.mirror) if size_of(path) else None
    _bring(ownership.folder / FILE_NAME, path)
    return TakenUp(owner.copied_from or owner.host, owner.copied_at, set_aside)


def is_behind(ownership: Ownership, path: Path) -> bool:
    """Whether the folder holds a copy, and the store at `path` is missing or an older state of the same one.

    Raises:
        StoreError: the copy is of another store, or none of this mirror's, or one of them cannot be read.
    """
    folder, mirror = ownership.folder, ownership.owner.mirror
    if not os.path.lexists(copy := folder / FILE_NAME):
        return False
    refuse_no_copy(copy, mirror)
    theirs, copy_mark = _read_mark(copy, mirror)
    if not size_of(path):
        return True
    ours, mark = _read_mark(path, mirror)
    if ours != theirs:
        raise StoreError(
            f"{folder} mirrors another store than {path}",
            f"It holds a copy of store {theirs}, and this is {ours}.",
            "Name another folder with --mirror, or another file with --store.",
        )
    return mark < copy_mark


def refuse_no_copy(path: Path, mirror: str) -> None:
    """Refuse what stands in a mirror's folder and is no copy that this mirror made: one file, that holds its mark.

    Raises:
        StoreError: it is somebody's store, or no store; it is only read.
    """
    alone = path.is_file() and not path.is_symlink() and not any(beside(path, end).exists() for end in BESIDE)
    if not alone or mirror not in _read_marks(path)[1]:
        raise StoreError(
            f"{path} is no copy that this mirror made: it is not replaced, and not taken up",
            mend="Name another folder with --mirror, or move that file and what is named like it away.",
        )


def _read_mark(path: Path, mirror: str) -> tuple[str, Mark]:
    """Id of a store, and its mark for a mirror."""
    store_id, marks = _read_marks(path)
    return store_id, marks.get(mirror, Mark())


def _read_marks(path: Path) -> tuple[str, dict[str, Mark]]:
    look_at(path)
    with explained(path):
        connection = connect(path, READ_FILE_ALONE if is_mirror_copy(path) else READ)
        checked_version(path, connection, empty_is_fine=False)
        try:
            (store_id,) = connection.execute("SELECT value FROM meta WHERE name = 'store_id'").fetchone()
            return str(store_id), _marks_of(connection)
        finally:
            connection.close()


def _marks_of(connection: sqlite.Connection) -> dict[str, Mark]:
    row = connection.execute("SELECT value FROM meta WHERE name = ?", (_MARKS,)).fetchone()
    return {} if row is None else {mirror: Mark(*mark) for mirror, mark in json.loads(row[0]).items()}


def _set_aside(path: Path, mirror: str) -> Path:
    """Keep a store that gives way, as one file.

    Raises:
        StoreError: another process has it open.
    """
    connection = connect(path, "mode=rw")
    try:
        epoch = _marks_of(connection).get(mirror, Mark()).epoch
        connection.execute("PRAGMA busy_timeout = 1000")
        with explained(path):
            connection.execute(
                "PRAGMA journal_mode = DELETE"
            )  # takes in its -wal; only when nobody else has it open
    except StoreError as error:
        raise StoreError(
            f"{path} is older than the mirror's copy, and cannot give way to it",
            error.text,
            "End the processes that use it.",
        ) from error
    finally:
        connection.close()
    kept = path.with_name(f"{path.name}.epoch{epoch}")
    number = 1
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.name}.epoch{epoch}.{number}")
    return path.rename(kept)


def _bring(copy: Path, path: Path) -> None:
    """Copy a file of nobody else's: whole, or not at all."""
    aside = aside_of(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(copy, aside)
        sync(aside)
        for ending in BESIDE:
            beside(path, ending).unlink(missing_ok=True)
        aside.replace(path)
        sync(path.parent)
    except OSError as error:
        if error.errno in NO_ROOM:
            raise disk_full(path) from error
        raise StoreError(f"{copy} cannot be taken up at {path}", error.strerror or str(error)) from error
    finally:
        with suppress(OSError):
            aside.unlink(missing_ok=True)
