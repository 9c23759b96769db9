"""One door to tables on disk: CSV, TSV, JSON, JSON lines and Parquet, packed with gzip or zstd or not.

The kind is found from the content; the name of the file decides only where the content could be two things.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path

from engine.errors import UsageError
from engine.formats.binary import binary_kind
from engine.formats.delimited import delimited_columns, guess_delimiter, read_delimited
from engine.formats.entry import Entry, Record, excerpt, refuse, shown
from engine.formats.jsons import loads, read_json_document, read_json_lines, read_json_list
from engine.formats.packed import LIMITS, DamagedFileError, Limits, open_source
from engine.formats.parquet import parquet_columns, read_parquet
from engine.formats.rows import SetAside

__all__ = [
    "Entry",
    "FirstLook",
    "Kind",
    "Limits",
    "Record",
    "columns",
    "detect",
    "excerpt",
    "first_look",
    "head",
    "read",
    "refuse",
    "shown",
]

_LINE_SUFFIXES = (".jsonl", ".ndjson", ".jsonlines")


class Kind(StrEnum):
    """What a file holds, whatever it is called."""

    CSV = "csv"
    JSON_LINES = "jsonl"
    JSON_LIST = "json list"
    JSON_DOCUMENT = "json"
    PARQUET = "parquet"


def read(path: Path, *, bare: str | None = None, limits: Limits = LIMITS) -> Iterator[Entry]:
    """Stream the records of one file in file order, with bounded memory.

    Args:
        bare: the column that a row becomes which is only a string (JSON lines of strings); None sets it
            aside.

    Raises:
        UsageError: when nothing of the file can be read: it is missing, empty, of no known kind, or names a
            column twice. Everything that concerns one row is a SetAside instead.
    """
    kind = detect(path, limits)
    file = str(path)
    if kind is Kind.PARQUET:
        yield from read_parquet(path)
        return
    last = 0
    with open_source(path, limits) as stream:
        entries: Iterator[Entry]
        if kind is Kind.CSV:
            entries = read_delimited(stream, file, guess_delimiter(_first_line(stream.peek())), limits)
        elif kind is Kind.JSON_LINES:
            entries = read_json_lines(stream, file, limits, bare)
        elif kind is Kind.JSON_LIST:
            entries = read_json_list(stream, file, limits, bare)
        else:
            entries = read_json_document(stream, file, limits, bare)
        try:
            for entry in entries:
                last = entry.line
                yield entry
        except DamagedFileError as error:
            yield SetAside("packed file is cut or damaged", file, last + 1, excerpt(str(error)))


@dataclass(frozen=True, slots=True)
class FirstLook:
    """What a file shows at its start.

    Attributes:
        columns: names in the order met: the header or schema, or all keys of the first rows of JSON.
        entries: the first rows.
    """

    columns: tuple[str, ...]
    entries: tuple[Entry, ...]


def first_look(path: Path, rows: int = 100, *, bare: str | None = None) -> FirstLook:
    """Look at the first rows of a file, for finding out its layout. Raises as `read`."""
    with closing(read(path, bare=bare)) as opened:  # type: ignore[type-var]
        entries = tuple(islice(opened, rows))
    kind = detect(path)
    if kind is Kind.PARQUET:
        return FirstLook(parquet_columns(path), entries)
    if kind is Kind.CSV:
        with open_source(path) as stream:
            delimiter = guess_delimiter(_first_line(stream.peek()))
            return FirstLook(delimited_columns(stream, str(path), delimiter, LIMITS), entries)
    records = (entry for entry in entries if isinstance(entry, Record))
    return FirstLook(tuple(dict.fromkeys(name for record in records for name in record.value)), entries)


def head(path: Path, rows: int = 100, *, bare: str | None = None) -> tuple[Entry, ...]:
    """The first rows of a file."""
    return first_look(path, rows, bare=bare).entries


def columns(path: Path, *, bare: str | None = None) -> tuple[str, ...]:
    """Column names; see `FirstLook`."""
    return first_look(path, bare=bare).columns


def detect(path: Path, limits: Limits = LIMITS) -> Kind:
    """Find out what a file holds from its first megabyte.

    Raises:
        UsageError: when it is missing, empty, or binary of no known kind.
    """
    with open_source(path, limits) as stream:
        start = stream.peek()
    if start.startswith(b"PAR1"):
        return Kind.PARQUET
    text = start.lstrip()
    if not text:
        raise UsageError(f"{path} is empty")
    if text.startswith(b"["):
        return Kind.JSON_LIST
    if text.startswith(b"{"):
        return _kind_of_object(path, text)
    if text.startswith(b'"') and _is_json(_first_line(text)) and _names_json(path):
        return Kind.JSON_LINES
    if (binary := binary_kind(start)) is not None:
        raise UsageError(
            f"{path} is binary, of no kind that is read",
            f"It is {binary}." if binary else "",
            "Give CSV, TSV, JSON, JSON lines or Parquet.",
        )
    return Kind.CSV


def _kind_of_object(path: Path, text: bytes) -> Kind:
    line, newline, rest = text.partition(b"\n")
    if not newline:  # one line, or one longer than what was looked at
        return Kind.JSON_DOCUMENT if path.suffix == ".json" else Kind.JSON_LINES
    if line.rstrip().endswith(b"}"):
        alone = not rest.strip() and path.suffix == ".json"
        return Kind.JSON_DOCUMENT if alone else Kind.JSON_LINES
    return Kind.JSON_LINES if path.suffix in _LINE_SUFFIXES else Kind.JSON_DOCUMENT


def _is_json(text: str) -> bool:
    try:
        loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _names_json(path: Path) -> bool:
    return any(suffix in (*_LINE_SUFFIXES, ".json") for suffix in path.suffixes)


def _first_line(start: bytes) -> str:
    """Up to a line end, an old Mac's bare CR too."""
    return re.split(rb"[\r\n]", start.lstrip(), maxsplit=1)[0].decode(errors="replace")
