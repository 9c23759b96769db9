"""Where an importer's records come from: a file, or whatever else has columns and a first look."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol

from engine.errors import UsageError
from engine.formats.entry import Entry, Record
from engine.formats.tables import first_look, read


class Source(Protocol):
    """Records with names for their columns.

    Attributes:
        name: what it is called in errors.
        stem: what sets, arenas and judges are named after where nobody named them.
        columns: column names, in order.
        first: the first records, for finding out a layout; at most 100.
    """

    name: str
    stem: str
    columns: tuple[str, ...]
    first: tuple[Record, ...]

    def entries(self) -> Iterator[Entry]:
        """All records, and rows set aside, in order. Can be had again."""


class TableFile:
    """One file on disk.

    Raises:
        UsageError: it cannot be read, or none of its first rows can.
    """

    def __init__(self, path: Path, bare: str | None = None) -> None:
        self._path = path
        self._bare = bare
        self.name = str(path)
        self.stem = stem_of(path)
        look = first_look(path, bare=bare)
        entries = look.entries
        self.first = tuple(entry for entry in entries if isinstance(entry, Record))
        self.columns = look.columns
        if entries and not self.first:
            reasons = dict.fromkeys(entry.reason for entry in entries if not isinstance(entry, Record))
            raise UsageError(
                f"none of the first rows of {path} can be read",
                "\n".join(f"  {r}" for r in list(reasons)[:5]),
            )

    def entries(self) -> Iterator[Entry]:
        return read(self._path, bare=self._bare)


def stem_of(path: Path) -> str:
    """The file's name without what says its kind: `battles` of battles.jsonl.gz."""
    name = path.name
    for suffix in (".gz", ".zst", ".csv", ".tsv", ".json", ".jsonl", ".ndjson", ".parquet", ".txt"):
        if name.lower().endswith(suffix) and len(name) > len(suffix):
            name = name[: -len(suffix)]
    return name
