"""Checkpoints that count: a marker is written last, after everything in the folder is on the disk."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

from engine.training.spec import sync_folder, write_durably

MARKER = "complete.json"
PREFIX = "checkpoint-"


def seal(folder: Path) -> None:
    """See every file onto the disk and then write the marker, with what there is and how long it is."""
    sizes = {}
    for path in sorted(folder.rglob("*")):
        if path.is_dir():
            sync_folder(path)
        elif path.name != MARKER:
            _sync(path)
            sizes[path.relative_to(folder).as_posix()] = path.stat().st_size
    sync_folder(folder)
    write_durably(folder / MARKER, json.dumps({"files": sizes}, indent=1).encode())
    sync_folder(folder.parent)


def is_sealed(folder: Path) -> bool:
    """Whether the marker stands and every file is there with its length."""
    try:
        sizes = json.loads((folder / MARKER).read_bytes())["files"]
        return all((folder / name).stat().st_size == size for name, size in sizes.items())
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return False


def step_of(folder: Path) -> int:
    """The step after which a checkpoint was written; -1 for another folder."""
    number = folder.name.removeprefix(PREFIX)
    return int(number) if folder.name.startswith(PREFIX) and number.isdecimal() else -1


def newest_valid(checkpoints: Path) -> Path | None:
    """The newest checkpoint that is whole."""
    if not checkpoints.is_dir():
        return None
    found = [path for path in checkpoints.iterdir() if step_of(path) >= 0 and is_sealed(path)]
    return max(found, key=step_of, default=None)


def keep_newest(checkpoints: Path) -> None:
    """Delete all but the newest whole one. Called after that one is sealed, so that there always is one."""
    newest = newest_valid(checkpoints)
    if newest is None:
        return
    for path in checkpoints.iterdir():
        if path != newest and step_of(path) >= 0:
            shutil.rmtree(path)


def discard_unsealed(checkpoints: Path) -> None:
    """Delete what a killed process left half-written, so that no trainer takes it up."""
    if checkpoints.is_dir():
        for path in checkpoints.iterdir():
            if path.is_dir() and not is_sealed(path):
                shutil.rmtree(path)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
