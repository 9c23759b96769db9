"""Where a store may lie: not where processes cannot share a WAL, and in a folder that can be made and written."""

from __future__ import annotations

import os
import pwd
from pathlib import Path

from engine.errors import StoreError
from engine.store.filesystem import filesystem_type, is_network

ALLOW_NETWORK_VARIABLE = "ARENA_TUI_ALLOW_NETWORK_STORE"
ALLOW_NETWORK_OPTION = "--allow-network-store"


def is_network_allowed() -> bool:
    """Whether the person takes a store on a network file system, with one process at a time."""
    return os.environ.get(ALLOW_NETWORK_VARIABLE) == "1"


def lies_on_network(path: Path) -> bool:
    """Whether a store at `path` lies, or would lie, on a file system that several hosts share."""
    return is_network(filesystem_type(path if path.exists() else path.parent))


def refuse_network(path: Path) -> None:
    """
    Raises:
        StoreError: a network file system, with a local path to use.
    """
    kind = filesystem_type(path if path.exists() else path.parent)
    raise StoreError(
        f"{path} lies on a network file system ({kind}), where SQLite's WAL gets corrupted",
        mend=(
            f"Choose a local path, such as --store {_local_path(path)}\n"
            f"A copy can be kept here: --mirror {path.parent}, or once: arena-tui store backup {path}\n"
            f"One process alone may use this place: {ALLOW_NETWORK_OPTION}, or {ALLOW_NETWORK_VARIABLE}=1"
        ),
    )


def _local_path(path: Path) -> Path:
    from engine.store.location import local_folder

    return (local_folder() or Path("/var/tmp") / f"arena-tui-{os.getuid()}") / path.name


def make_folder(folder: Path) -> None:
    """
    Raises:
        StoreError: it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(
            f"the folder {folder} cannot be made",
            error.strerror or str(error),
            "Choose another with --store FILE.",
        ) from error


def refuse_unwritable(path: Path) -> None:
    """
    Raises:
        StoreError: the file is there and its modes or its disk do not let us write it, with whose it is.
    """
    if not path.exists() or os.access(path, os.W_OK):
        return
    owner = path.stat().st_uid
    whose = (
        ""
        if owner == os.geteuid()
        else f"It belongs to {_name_of(owner)}, and you are {_name_of(os.geteuid())}."
    )
    raise StoreError(
        f"{path} cannot be written",
        whose or "It is read-only.",
        "It can be read. To go on with a copy: arena-tui store backup FILE, then --store FILE.",
    )


def _name_of(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"
