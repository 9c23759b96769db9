"""What tells a file from others of its name: a hash of its bytes, wherever it lies."""

from __future__ import annotations

import hashlib
from pathlib import Path


class FileMarks:
    """Marks of the files of one import, each read once, and only when somebody asks.

    A mark is the same for a copy under another path, and another one as soon as a byte differs. Reading costs a
    second or two a gigabyte.
    """

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}

    @property
    def asked(self) -> bool:
        """Whether any row needed its file to be told from others."""
        return bool(self._marks)

    def of(self, file: str) -> str:
        """16 hexadecimal digits, of a file by its path, or of a set from elsewhere as `hf` calls it (`FOLDER:SPLIT`:
        by what the folder holds; a set of the hub: by its name). Nothing for rows that are of no file."""
        if file not in self._marks:
            self._marks[file] = _digest(file)[:16] if file else ""
        return self._marks[file]


def _digest(file: str) -> str:
    path = Path(file)
    if path.is_file():
        return _digest_of(path)
    folder, _, split = file.rpartition(":")
    held = _held(Path(folder)) if folder and Path(folder).is_dir() else [file]
    return hashlib.sha256("\0".join([split, *held]).encode("utf-8", "surrogatepass")).hexdigest()


def _held(folder: Path) -> list[str]:
    """The files of a folder with their hashes. Hidden ones are no data."""
    names = {path.relative_to(folder): path for path in folder.rglob("*") if path.is_file()}
    shown = {
        name: path for name, path in names.items() if not any(part.startswith(".") for part in name.parts)
    }
    return [f"{name.as_posix()}={_digest_of(path)}" for name, path in sorted(shown.items())]


def _digest_of(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
