"""The file that says who keeps a mirror, read as what anybody may have put into a shared folder."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import Any

from engine.errors import StoreError
from engine.store.location import FILE_NAME

OWNER_FILE = "owner.json"
MOST_BYTES = 65_536

_MOST_COUNT = 2**53
_MOST_PID = 2**31 - 1
_MOST_SECONDS = 1e12
"""Some 30,000 years: what a calendar can still tell."""


@dataclass(frozen=True, slots=True)
class Owner:
    """What owner.json says.

    Attributes:
        epoch: grows with each owner.
        worker: random id of who owns it.
        host, boot, namespace, pid, started: its process, as a worker's row has it.
        store: path of its store, on its host.
        mirror: random id of the folder, the same for all its owners.
        beat: grows while it lives.
        copied_at: when the newest copy was made, in seconds since 1970 by the clock of its host; None before the first.
        copied_from: that host.
        released: whether it is done: anybody may take over at once.
    """

    epoch: int
    worker: str
    host: str
    boot: str
    namespace: str
    pid: int
    started: float
    store: str
    mirror: str = ""
    beat: int = 0
    copied_at: float | None = None
    copied_from: str = ""
    released: bool = False


_COUNTS: Mapping[str, int] = {"epoch": _MOST_COUNT, "beat": _MOST_COUNT, "pid": _MOST_PID}
_REQUIRED = frozenset(
    field.name for field in fields(Owner) if field.default is MISSING and field.default_factory is MISSING
)


def read_owner(folder: Path) -> Owner | None:
    """Who owns a folder, or did last; None where nobody ever has.

    What a newer arena-tui says beside the known is passed over.

    Raises:
        StoreError: the file cannot be read, or is none of ours.
    """
    path = folder / OWNER_FILE
    try:
        return _owner(json.loads(_text(path)))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise StoreError(
            f"{path} cannot be read",
            str(error),
            f"Name another folder with --mirror. The copy in this one, if there is one, is a whole store:"
            f" copy {FILE_NAME} elsewhere and name it with --store.",
        ) from error


def _text(path: Path) -> str:
    """What a regular file of moderate size holds; nothing else is waited for.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no such file.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError("it is no regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            found = file.read(MOST_BYTES + 1)
    finally:
        os.close(descriptor)
    if len(found) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES:,} bytes")
    return found.decode("utf-8", errors="surrogateescape")


def _owner(said: object) -> Owner:
    """
    Raises:
        ValueError: what is missing or of a wrong type.
    """
    if not isinstance(said, dict):
        raise ValueError("it holds no JSON object")
    if missing := sorted(_REQUIRED - said.keys()):
        raise ValueError(f"it does not say {', '.join(missing)}")
    known: dict[str, Any] = {field.name: said[field.name] for field in fields(Owner) if field.name in said}
    for name, value in known.items():
        if not _fits(name, value):
            raise ValueError(f"its {name} cannot be {json.dumps(value)[:100]}")
    return Owner(**known)


def _fits(name: str, value: object) -> bool:
    match name:
        case "epoch" | "beat" | "pid":
            return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _COUNTS[name]
        case "started":
            return _is_time(value)
        case "copied_at":
            return value is None or _is_time(value)
        case "released":
            return isinstance(value, bool)
        case _:
            return isinstance(value, str)


def _is_time(value: object) -> bool:
    """Seconds that are a number, and within what a calendar can tell."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= _MOST_SECONDS


def is_mirror_copy(path: Path) -> bool:
    """Whether a file is the copy in a mirror's folder: it is replaced by a rename and never changes."""
    return path.name == FILE_NAME and (path.parent / OWNER_FILE).exists()


def owner_of_copy(path: Path) -> Owner | None:
    """Who keeps the mirror that a file is the copy of; None where it is none."""
    return read_owner(path.parent) if is_mirror_copy(path) else None


def refuse_mirror_copy(path: Path) -> None:
    """
    Raises:
        StoreError: who would write to a mirror's copy; the next copy would undo it.
    """
    owner = owner_of_copy(path)
    if owner is not None:
        raise StoreError(
            f"{path} is the copy that a mirror keeps of {owner.copied_from or owner.host}'s store: it is only read",
            mend=f"To go on from it on this machine, with a local store: --mirror {path.parent} --store FILE",
        )
