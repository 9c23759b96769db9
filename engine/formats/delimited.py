"""CSV, TSV and their kin: a header and one record a row, cells kept exactly."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence

from engine.errors import UsageError
from engine.formats.entry import Entry, Record, excerpt, refuse
from engine.formats.exact import CSV_MARK, from_cell
from engine.formats.packed import Limits, Overlong, invalid_utf8, lines, lines_by_cr
from engine.formats.rows import SetAside

DELIMITERS = (",", "\t", ";", "|")

_FIRST_END = re.compile(rb'(?:[^"\r\n]++|"[^"]*+")*+(\r*+)(\n?)')
_MOST_GUESSED = 100_000
"""Characters of a header that its delimiter is guessed from: csv's own limit for a cell is 131,072."""


class _TextLines:
    """Feeds lines to csv.reader and remembers what was wrong with them since the last look."""

    def __init__(self, stream: io.BufferedReader, limit: int) -> None:
        self._lines = (lines_by_cr if _ends_with_cr(stream) else lines)(stream, limit)
        self.problem: str | None = None

    def __iter__(self) -> Iterator[str]:
        for line in self._lines:
            try:
                text = line.decode()
            except UnicodeDecodeError as error:
                self.problem = invalid_utf8(error)
                text = line.decode(errors="backslashreplace")
            if isinstance(line, Overlong):
                # Its rest is gone, quotes with it: only its start is shown, as one cell.
                self.problem = "line too long"
                text = text.replace('"', "'") + "\n"
            yield text

    def taken_problem(self) -> str | None:
        problem, self.problem = self.problem, None
        return problem


def _ends_with_cr(stream: io.BufferedReader) -> bool:
    """Whether the first line outside of quotes ends with a bare CR, as old Macs wrote them."""
    found = _FIRST_END.match(stream.peek().lstrip())
    return found is not None and bool(found[1]) and not found[2]


def read_delimited(stream: io.BufferedReader, file: str, delimiter: str, limits: Limits) -> Iterator[Entry]:
    """Stream the records of delimited text. The first row that is not blank is the header.

    Blank lines are no rows. Quoting is strict: text after a closing quote and a quote that is never closed
    are set aside, not guessed at.

    Raises:
        UsageError: when the header cannot be read, or names a column twice.
    """
    # The limit is one for the whole process, and csv's own (131,072) is shorter than many a response.
    csv.field_size_limit(max(csv.field_size_limit(), limits.line_bytes))
    feed = _TextLines(stream, limits.line_bytes)
    reader = csv.reader(feed, delimiter=delimiter, strict=True)
    header = _header(reader, file)
    if (problem := feed.taken_problem()) is not None:
        raise UsageError(f"{file}: the header cannot be read", problem)
    width = len(header)
    marked = CSV_MARK in header
    while True:
        line = reader.line_num + 1
        try:
            for cells in reader:
                if len(cells) == width and feed.problem is None:
                    value = dict(zip(header, cells, strict=True))
                    yield _exact(Record(file, line, value)) if marked else Record(file, line, value)
                elif cells or feed.problem is not None:
                    yield SetAside(
                        feed.taken_problem() or _wrong_width(width, cells), file, line, _joined(cells)
                    )
                line = reader.line_num + 1
            return
        except csv.Error as error:
            feed.problem = None
            yield SetAside(_reason(error), file, line, f"lines {line} to {reader.line_num}")


def delimited_columns(
    stream: io.BufferedReader, file: str, delimiter: str, limits: Limits
) -> tuple[str, ...]:
    """The header of delimited text; see `read_delimited` for what is raised."""
    csv.field_size_limit(max(csv.field_size_limit(), limits.line_bytes))
    reader = csv.reader(_TextLines(stream, limits.line_bytes), delimiter=delimiter, strict=True)
    return tuple(name for name in _header(reader, file) if name != CSV_MARK)


def _header(reader: Iterator[list[str]], file: str) -> list[str]:
    try:
        header = next((cells for cells in reader if cells), [])
    except csv.Error as error:
        raise UsageError(f"{file}: the header cannot be read", _reason(error)) from error
    twice = sorted(name for name, count in Counter(header).items() if count > 1)
    if twice:
        raise UsageError(
            f"{file}: columns named twice: {', '.join(map(repr, twice))}",
            mend="Rename one of each in the file.",
        )
    return header


def _exact(record: Record) -> Entry:
    """A row of our own export, with its texts as they were."""
    try:
        value = {name: from_cell(cell) for name, cell in record.value.items() if name != CSV_MARK}
    except ValueError:
        return refuse(record, "a cell that is not escaped by the rules of our export")
    return Record(record.file, record.line, value)


def _wrong_width(width: int, cells: Sequence[str]) -> str:
    return f"{len(cells)} cells where the header has {width}"


def _joined(cells: Sequence[str]) -> str:
    return excerpt(", ".join(cell[:501] for cell in cells[:50]))


def _reason(error: csv.Error) -> str:
    said = str(error)
    if "unexpected end of data" in said:
        return "cut: a quote is never closed"
    if "field larger" in said:
        return "cell too long, or a quote is never closed"
    if "new-line character" in said:
        return "a line end (CR or LF) inside a cell without quotes"
    return f"broken quoting: {said}"


def guess_delimiter(first_line: str) -> str:
    """The delimiter that cuts the header into most cells; a comma where none does."""
    line = first_line[:_MOST_GUESSED]
    return max(DELIMITERS, key=lambda d: len(next(csv.reader([line], delimiter=d), [])))
