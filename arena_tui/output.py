"""What the program says: data on stdout, talk on stderr, each in its form.

Data is a table for people, or JSON, CSV or Markdown for programs. Everything but JSON and exports passes `inert`.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, cast

from arena_tui.inert import inert
from arena_tui.streams import (
    binary_data,
    data_is_seen,
    data_is_styled,
    data_width,
    talk_width,
    write_data,
    write_talk,
)
from engine.errors import UserError

if TYPE_CHECKING:
    from arena_tui.layout import Cell, Table

Format = Literal["table", "csv", "markdown"]
FORMATS: tuple[Format, ...] = ("table", "csv", "markdown")

MOST_OF_A_LINE = 2_000
MOST_OF_A_PART = 50_000
"""Characters of an error that are said."""


def out(text: str = "") -> None:
    """Lines of data for people."""
    write_data(inert(text, lines=True) + "\n")


def out_lines(lines: Iterable[str]) -> None:
    """Lines of data for people, each of them one: a name with a line end in it begins no line of its own."""
    write_data("".join(f"{inert(line)}\n" for line in lines))


def out_json(value: Any) -> None:
    """Data as one JSON document, exact: whatever is not ASCII is escaped."""
    write_data(json.dumps(value, ensure_ascii=True, allow_nan=False, indent=2) + "\n")


def out_json_line(value: Mapping[str, Any]) -> None:
    """One object on a line of its own, for streams."""
    write_data(json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n")


def out_table(table: Table) -> None:
    """A table for people, fitted to the terminal."""
    write_data("\n".join(_drawn(table, data_width(), bold=data_is_styled())) + "\n")


def out_markdown(table: Table) -> None:
    """The same table as Markdown."""
    write_data(_markdown(table))


def out_csv(columns: Sequence[str], rows: Iterable[Iterable[Any]]) -> None:
    """Facts as CSV: numbers in full, null as nothing, lists of names joined."""
    lines = [_csv_line(columns), *(_csv_line(map(_csv_cell, row)) for row in rows)]
    write_data("".join(lines))


@contextmanager
def data_stream() -> Iterator[BinaryIO]:
    """Standard output for a file that is written to it: exact in a pipe or file, lines made inert on a terminal."""
    if data_is_seen():
        with _InertLines() as lines:
            yield cast(BinaryIO, lines)
    else:
        with binary_data() as stream:
            yield stream


class _InertLines(io.RawIOBase):
    """Takes lines of UTF-8 and shows each one inert, as soon as it is whole. Linear time, however it is cut."""

    def __init__(self) -> None:
        self._begun: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        data = bytes(data)
        end = data.rfind(b"\n")
        if end >= 0:
            self._show(data[:end])
        self._begun.append(data[end + 1 :])
        return len(data)

    def close(self) -> None:
        if not self.closed and any(self._begun):
            self._show(b"")
        super().close()

    def _show(self, rest: bytes) -> None:
        whole = b"".join([*self._begun, rest])
        self._begun.clear()
        out(whole.decode("utf-8", "surrogatepass"))


def say(text: str = "") -> None:
    """Talk: to stderr, so that stdout carries data alone."""
    write_talk(inert(text, lines=True) + "\n")


def say_table(table: Table) -> None:
    """A table that is talk."""
    say("\n".join(_drawn(table, talk_width(), bold=False)))


def say_lines(lines: Iterable[str]) -> None:
    """Lines of talk, each of them one, as `out_lines`."""
    if said := "".join(f"{inert(line)}\n" for line in lines):
        write_talk(said)


def say_error(error: UserError) -> None:
    """A failure in three parts: what, the facts, what to do. A server's page or a name without end is shortened."""
    lines = [f"arena-tui: {_bounded(error.title, MOST_OF_A_LINE)}"]
    for part in (error.text, error.mend):
        told = [line.strip() for line in _bounded(part, MOST_OF_A_PART).splitlines()]
        lines += [f"  {_bounded(line, MOST_OF_A_LINE)}" for line in told if line]
    say_lines(lines)


def _bounded(text: str, most: int) -> str:
    """At most so many characters of a text, and how many more there are."""
    return text if len(text) <= most else f"{text[:most]}… ({len(text) - most:,} more characters)"


def _drawn(table: Table, width: int | None, *, bold: bool) -> list[str]:
    from dataclasses import replace

    from arena_tui.layout import Drawn, draw, wrap

    if not table.rows and table.notes:  # what is said below says that there is nothing
        table = replace(table, columns=())
    drawn = draw(table, width) if table.columns else Drawn()
    lines = [_bold(line) if bold and i in drawn.heads else line for i, line in enumerate(drawn.lines)]
    head = [*wrap(table.title, width), ""] if table.title else []
    notes = [*table.notes]
    if drawn.cut:
        notes.append("… stands for what was cut; --json has it whole")
    if drawn.left_out:
        notes.append(f"left out for want of width: {', '.join(drawn.left_out)}")
    below = [line for note in notes for line in wrap(note, width, indent="  ")]
    return [*head, *lines, *([""] if lines and below else []), *below]


def _bold(line: str) -> str:
    return f"\x1b[1m{line}\x1b[0m"


def _csv_line(cells: Iterable[str]) -> str:
    import csv

    buffer = io.StringIO()
    shown = [_no_formula(inert(cell)) for cell in cells]
    # Some spreadsheets part cells at semicolons too, but not within quotes.
    apart = any(";" in cell for cell in shown)
    csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL if apart else csv.QUOTE_MINIMAL).writerow(
        shown
    )
    return buffer.getvalue()


def _csv_cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return value if isinstance(value, str) else json.dumps(value)


_FORMULA = (*"=+-@", *"＝＋－＠")


def _no_formula(cell: str) -> str:
    """A spreadsheet runs cells that begin so; a leading apostrophe makes them text. Numbers are left alone."""
    if cell.startswith(_FORMULA) and cell != "-" and not _is_number(cell):
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
