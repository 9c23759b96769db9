"""What the program says: data on stdout, talk on stderr. With `headless`, the only module that writes to either.

Data is a table for people, or JSON, CSV or Markdown for programs. Everything but JSON and exports passes `inert`.
"""

from __future__ import annotations

import io
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, TextIO

from arena_tui.inert import inert
from engine.errors import UserError

if TYPE_CHECKING:
    from arena_tui.layout import Cell, Table

Format = Literal["table", "csv", "markdown"]
FORMATS: tuple[Format, ...] = ("table", "csv", "markdown")


class ReaderGone(Exception):
    """Whoever read our data went away, as `head` does."""


def out(text: str = "") -> None:
    """Lines of data for people."""
    _write(sys.stdout, inert(text, lines=True) + "\n")


def out_json(value: Any) -> None:
    """Data as one JSON document, exact: whatever is not ASCII is escaped."""
    _write(sys.stdout, json.dumps(value, ensure_ascii=True, allow_nan=False, indent=2) + "\n")


def out_json_line(value: Mapping[str, Any]) -> None:
    """One object on a line of its own, flushed, for streams."""
    _write(sys.stdout, json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n")


@contextmanager
def data_stream() -> Iterator[BinaryIO]:
    """Standard output for a file that is written to it: exact in a pipe or file, lines made inert on a terminal."""
    sys.stdout.flush()
    try:
        if sys.stdout.isatty():
            with _InertLines() as lines:
                yield lines
        else:
            yield sys.stdout.buffer
        sys.stdout.flush()
    except BrokenPipeError:
        raise ReaderGone from None


class _InertLines(io.BytesIO):
    """Takes lines of UTF-8 and shows each one inert, as soon as it is whole."""

    def write(self, data: Any) -> int:
        count = super().write(data)
        *whole, rest = self.getvalue().split(b"\n")
        if whole:
            out(b"\n".join(whole).decode("utf-8", "surrogatepass"))
            self.seek(0)
            self.truncate()
            super().write(rest)
        return count

    def close(self) -> None:
        if not self.closed and self.getvalue():
            out(self.getvalue().decode("utf-8", "surrogatepass"))
        super().close()


def say(text: str = "") -> None:
    """Talk: to stderr, so that stdout carries data alone. Nobody listening is no reason to stop."""
    try:
        _write(sys.stderr, inert(text, lines=True) + "\n")
    except ReaderGone:
        _forget(sys.stderr)


def say_table(table: Table) -> None:
    """A table that is talk."""
    say("\n".join(_drawn(table, sys.stderr, bold=False)))


def say_error(error: UserError) -> None:
    """A failure in three parts: what, the facts, what to do."""
    lines = [f"arena-tui: {error.title}"]
    for part in (error.text, error.mend):
        lines += [f"  {line.strip()}" for line in part.splitlines() if line.strip()]
    say("\n".join(lines))


def out_table(table: Table) -> None:
    """A table for people, fitted to the terminal."""
    bold = is_terminal(sys.stdout) and "NO_COLOR" not in os.environ
    _write(sys.stdout, "\n".join(_drawn(table, sys.stdout, bold=bold)) + "\n")


def out_markdown(table: Table) -> None:
    """The same table as Markdown."""
    _write(sys.stdout, _markdown(table))


def out_csv(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Facts as CSV: numbers in full, null as nothing, lists of names joined."""
    lines = [_csv_line(columns), *(_csv_line(map(_csv_cell, row)) for row in rows)]
    _write(sys.stdout, "".join(lines))


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at it, on a screen that can move its cursor."""
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def stdout_is_terminal() -> bool:
    """Whether data goes to a person's screen."""
    return sys.stdout.isatty()


def terminal_width(stream: TextIO) -> int | None:
    """Cells in a line of the terminal, or as COLUMNS says; None for a file or pipe, where a line has no end."""
    if not stream.isatty() and "COLUMNS" not in os.environ:
        return None
    import shutil

    return max(shutil.get_terminal_size().columns, 40)


def _drawn(table: Table, stream: TextIO, *, bold: bool) -> list[str]:
    from arena_tui.layout import draw, wrap

    width = terminal_width(stream)
    drawn = draw(table, width)
    lines = [_bold(line) if bold and i in drawn.heads else line for i, line in enumerate(drawn.lines)]
    head = [*wrap(table.title, width), ""] if table.title else []
    notes = [*table.notes]
    if drawn.cut:
        notes.append("… stands for what was cut; --json has it whole")
    if drawn.left_out:
        notes.append(f"left out for want of width: {', '.join(drawn.left_out)}")
    below = [line for note in notes for line in wrap(note, width, indent="  ")]
    return [*head, *lines, *([""] if below else []), *below]


def _bold(line: str) -> str:
    return f"\x1b[1m{line}\x1b[0m"


def _csv_line(cells: Iterable[str]) -> str:
    import csv

    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="\n").writerow([_no_formula(inert(cell)) for cell in cells])
    return buffer.getvalue()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


def _no_formula(cell: str) -> str:
    """A spreadsheet runs cells that begin so; a leading apostrophe makes them text. Numbers are left alone."""
    if cell[:1] in ("=", "+", "-", "@") and cell != "-" and not _is_number(cell):
        return f"'{cell}"
    return cell


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _markdown(table: Table) -> str:
    def line(cells: Iterable[str]) -> str:
        return "| " + " | ".join(cells) + " |\n"

    rules = ["---:" if column.right else "---" for column in table.columns]
    text = line(_escaped(column.name) for column in table.columns) + line(rules)
    text += "".join(line(_escaped(_in_short(cell)) for cell in row) for row in table.rows)
    return text + "".join(f"\n{_escaped(note)}\n" for note in table.notes)


_MARKUP = {ord(letter): f"\\{letter}" for letter in "\\`*_[]|#~"} | {ord("<"): "&lt;", ord("&"): "&amp;"}


def _in_short(cell: Cell) -> str:
    """A list of names says how many more there are; a reader of Markdown has no wide screen."""
    from arena_tui.layout import LIST

    return cell if isinstance(cell, str) else cell.fitted(2 * LIST)


def _escaped(cell: str) -> str:
    """Text that shows itself in Markdown and is no markup, link or HTML."""
    return inert(cell).translate(_MARKUP)


def _write(stream: TextIO, text: str) -> None:
    """Write and flush, so that both streams keep their order. What its encoding lacks is shown escaped."""
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except BrokenPipeError:
        raise ReaderGone from None


def _forget(stream: TextIO) -> None:
    """Send what is still said on a broken stream to nowhere; else Python complains once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)


def forget_stdout() -> None:
    """Write no more data: nobody reads it."""
    _forget(sys.stdout)
