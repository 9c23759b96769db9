"""Who keeps the mirror in a folder that several machines share: a file with an epoch, and a beat that moves on.

No lock of a network file system is trusted, and no clock of another machine. What is relied on: a file is made
exclusively by one of two (O_EXCL), and a rename is atomic and fails when its source is gone.
- An epoch is taken by making its file, `.epoch-N`. Of two at once one makes it, the other hears so.
- Files are written aside, then it is looked who owns the folder, then they are renamed. Whoever takes an epoch writes
  its name and then removes what others have begun: an owner that slept before its rename renames nothing.
- Whether an owner lives is seen by its beat, watched by the own clock.
"""

from __future__ import annotations

import json
import os
import re
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from engine.errors import LostLease, StoreError
from engine.store.connecting import BESIDE
from engine.store.disk import NO_ROOM
from engine.store.faults import disk_full
from engine.store.location import FILE_NAME
from engine.store.owner_file import (
    OWNER_FILE,
    Owner,
    is_mirror_copy,
    owner_of_copy,
    read_owner,
    refuse_mirror_copy,
)

BEAT_SECONDS = 15.0
WATCH_SECONDS = 60.0
"""Four beats: a network file system may show a file late (NFS caches attributes for up to 60 s, `acregmax` of nfs(5),
but looks anew when a file is opened)."""
POLL_SECONDS = 2.0

_EPOCH = ".epoch-"
_BEGUN = re.compile(
    rf"\.{re.escape(OWNER_FILE)}\.[^.]+\.[0-9a-f]{{8}}\.part"  # see _write
    rf"|\.{re.escape(FILE_NAME)}\.[0-9]+-[0-9a-f]{{8}}\.part"  # see backup.aside_of
)


@dataclass(frozen=True, slots=True)
class Watch:
    """How to find out whether another owner lives.

    Attributes:
        is_gone: whether its process is surely dead, as far as this machine can tell.
        tell: is told that it takes a while.
        now, sleep: a clock that nobody sets.
    """

    is_gone: Callable[[Owner], bool]
    tell: Callable[[str], object] = lambda text: None
    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], object] = time.sleep


class Ownership:
    """The folder is ours, until somebody takes a newer epoch."""

    def __init__(self, folder: Path, owner: Owner) -> None:
        self.folder = folder
        self.owner = owner
        self._lock = threading.Lock()  # the heart beats while copies are made

    def check(self) -> None:
        """
        Raises:
            LostLease: another process took over.
            StoreError: the folder cannot be read.
        """
        found = read_owner(self.folder)
        if found is not None and found.epoch > self.owner.epoch:
            raise LostLease(
                f"{self.folder} was taken over by process {found.pid} on {found.host}",
                "This process was believed to be dead. Its copies end here; its own store keeps what it wrote.",
                "Let the other one go on. A start with this mirror takes up the newest copy.",
            )

    def beat(self) -> None:
        """Show that we live.

        Raises:
            LostLease: another process took over.
            StoreError: the folder cannot be written.
        """
        self._put()

    def note_copy(self, at: float) -> None:
        """Say when the newest copy was made."""
        self._put(copied_at=at, copied_from=self.owner.host)

    def release(self) -> None:
        """Say that we are done."""
        self._put(released=True)

    def _put(self, **facts: Any) -> None:
        with self._lock:
            owner = replace(self.owner, beat=self.owner.beat + 1, **facts)
            self._write(owner)
            self.owner = owner

    def _write(self, owner: Owner) -> None:
        aside = self.folder / f".{OWNER_FILE}.{owner.worker}.{secrets.token_hex(4)}.part"
        try:
            _write_synced(aside, json.dumps(asdict(owner), indent=1))
            self.check()
            aside.replace(self.folder / OWNER_FILE)
        except OSError as error:
            self.check()
            raise unwritable(self.folder, error) from error
        finally:
            with suppress(OSError):
                aside.unlink(missing_ok=True)


def claim(folder: Path, owner: Owner, watch: Watch) -> Ownership:
    """Own a folder from now on, if nobody alive does.

    Args:
        owner: who we are; the epoch is found here.

    Raises:
        StoreError: another owner lives, took it at the same moment, the folder cannot be written, or holds a store
            that no mirror put there.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error
    refuse_store_of_others(folder)
    epoch = _wait_for_silence(folder, watch) + 1
    try:
        os.close(os.open(folder / f"{_EPOCH}{epoch}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        raise StoreError(
            f"another process takes over {folder} at this moment", mend="See who runs, and try again."
        ) from None
    except OSError as error:
        raise unwritable(folder, error) from error
    before = read_owner(folder) or owner
    ours = replace(
        owner,
        epoch=epoch,
        mirror=before.mirror or secrets.token_hex(8),
        copied_at=before.copied_at,
        copied_from=before.copied_from,
    )
    ownership = Ownership(folder, ours)
    _settle(ownership)
    for number in _epochs(folder):
        if number < epoch:
            (folder / f"{_EPOCH}{number}").unlink(missing_ok=True)
    return ownership


def refuse_store_of_others(folder: Path) -> None:
    """Refuse a folder in which a store stands, and no owner ever stood. Nothing is written.

    Raises:
        StoreError: what stands there.
    """
    if read_owner(folder) is not None:
        return
    for name in (FILE_NAME, *(FILE_NAME + ending for ending in BESIDE)):
        if os.path.lexists(folder / name):
            raise StoreError(
                f"{folder} holds {name}, which no mirror put there: a mirror would replace it",
                f"A mirror's copy has {OWNER_FILE} beside it.",
                f"Name an empty folder with --mirror. To work with what is there: --store {folder / FILE_NAME}",
            )


def _settle(ownership: Ownership) -> None:
    """Put our name there for good. Who began a file before it stood there may still rename it over ours; who begins
    one later sees it. So what others have begun is removed, until ours has stood through that."""
    while True:
        ownership.beat()
        _remove_begun(ownership.folder)
        if read_owner(ownership.folder) == ownership.owner:
            return


def _remove_begun(folder: Path) -> None:
    """Remove what owners have begun: owner files and copies, by the forms of their names. Others' files stay."""
    try:
        for one in folder.iterdir():
            if _BEGUN.fullmatch(one.name):
                one.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(folder, error) from error


def _wait_for_silence(folder: Path, watch: Watch) -> int:
    """The newest epoch, once its owner has released it, is gone, or has not moved for long.

    Raises:
        StoreError: it lives.
    """
    first = _state(folder)
    if _is_free(first, watch):
        return first[1]
    owner = first[0]
    who = "another process" if owner is None else f"process {owner.pid} on {owner.host}"
    watch.tell(f"{folder} was last kept by {who}: watching for {WATCH_SECONDS:g} s whether it lives")
    ends = watch.now() + WATCH_SECONDS
    while watch.now() < ends:
        watch.sleep(POLL_SECONDS)
        found = _state(folder)
        if found != first:
            if found[0] is not None and found[0].released and _is_free(found, watch):
                return found[1]
            raise StoreError(
                f"{folder} is kept by {who}, which lives",
                f"It copies {owner.store} there." if owner is not None else "",
                "One run at a time keeps a mirror: wait for it, stop it, or name another folder with --mirror.",
            )
    return first[1]


def _state(folder: Path) -> tuple[Owner | None, int]:
    """The owner, and the newest epoch that anybody has taken or is about to."""
    owner = read_owner(folder)
    return owner, max([0 if owner is None else owner.epoch, *_epochs(folder)])


def _is_free(state: tuple[Owner | None, int], watch: Watch) -> bool:
    owner, newest = state
    if owner is None:
        return newest == 0
    return owner.epoch == newest and (owner.released or watch.is_gone(owner))


def _epochs(folder: Path) -> list[int]:
    found = (one.name.removeprefix(_EPOCH) for one in folder.glob(f"{_EPOCH}*"))
    return [int(number) for number in found if number.isdecimal()]


def _write_synced(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", errors="surrogateescape") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def unwritable(folder: Path, error: OSError) -> StoreError:
    """What the system says of a mirror's folder."""
    if error.errno in NO_ROOM:
        return disk_full(folder, error.strerror or "")
    return StoreError(f"{folder} cannot be written", error.strerror or str(error), "See --mirror.")


__all__ = [
    "Owner",
    "Ownership",
    "Watch",
    "claim",
    "is_mirror_copy",
    "owner_of_copy",
    "read_owner",
    "refuse_mirror_copy",
    "refuse_store_of_others",
]
