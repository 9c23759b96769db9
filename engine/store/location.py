"""Where the store is when nobody says: one file a user, on a local disk."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from engine.store.filesystem import filesystem_type, is_network

VARIABLE = "ARENA_TUI_STORE"
FILE_NAME = "arena.db"


def default_location(environment: Mapping[str, str] = os.environ) -> Path:
    """ARENA_TUI_STORE; else the user's data folder; else, where that lies on a network, a local folder of the user's.

    A cluster home is often NFS, where WAL does not work, so the folder is looked at and not only its name.
    """
    said = environment.get(VARIABLE)
    if said:
        return Path(said).expanduser()
    home = _data_folder(environment) / "arena-tui"
    if not is_network(filesystem_type(home)):
        return home / FILE_NAME
    return (local_folder() or home) / FILE_NAME


def local_folder() -> Path | None:
    """A folder of the user's for a store on a local disk; None where there is no such disk."""
    for folder in (Path("/var/tmp"), Path(tempfile.gettempdir())):
        if folder.is_dir() and not is_network(filesystem_type(folder)):
            return folder / f"arena-tui-{os.getuid()}"
    return None


def _data_folder(environment: Mapping[str, str]) -> Path:
    said = environment.get("XDG_DATA_HOME")
    return Path(said) if said else Path(environment.get("HOME") or Path.home()) / ".local" / "share"
