"""What the program says: data on stdout, talk on stderr. The only module that writes to either.

Data is a table for people, or JSON, CSV or Markdown for programs. Everything but JSON passes `inert`.
"""

from __future__ import annotations

import csv
import io
import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from arena_tui.inert import inert
from engine.errors import UserError

Format = Literal["table", "json", "csv", "markdown"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, and how its cells are aligned."""

    name: str
    right: bool = False
    keep: bool = False
    """Never squeezed: numbers, and names that tell rows apart."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table for people, and the same rows for CSV and Markdown. Cells are texts; numbers come formatted."""

    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    title: str = ""
    notes: Sequence[str] = ()


def out(text: str = "") -> None:
    """A line of data for people."""
    _write(sys.stdout, inert(text, lines=True) + "\n")


def out_json(value: Any) -> None:
    """Data as one JSON document, exact: whatever is not ASCII is escaped."""
    _write(sys.stdout, json.dumps(value, ensure_ascii=True, allow_nan=False, indent=2) + "\n")


def out_json_line(value: Mapping[str, Any]) -> None:
    """One object on a line of its own, flushed, for streams."""
    _write(sys.stdout, json.dumps(value, ensure_ascii=True, allow_nan=False) + "\n")


def out_raw(text: str) -> None:
    """Data that is a format of its own (CSV, a plan), as it is: only for text that this program made."""
    _write(sys.stdout, text)


def say(text: str = "") -> None:
    """Talk: to stderr, so that stdout carries data alone."""
    _write(sys.stderr, inert(text, lines=True) + "\n")


def say_error(error: UserError) -> None:
    """A failure in three parts: what, the facts, what to do."""
    lines = [f"arena-tui: {error.title}"]
    lines += [line for part in (error.text, error.mend) if part for line in part.splitlines()]
    say("\n".join([lines[0], *(f"  {line.strip()}" for line in lines[1:])]))


def out_table(table: Table, form: Format = "table") -> None:
    """A table in the wanted form (`json` is not one of them: its facts come from elsewhere)."""
    if form == "csv":
        out_raw(_csv(table))
    elif form == "markdown":
        out_raw(_markdown(table))
    else:
        _print_table(table)


def _csv(table: Table) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow([column.name for column in table.columns])
    writer.writerows([[_no_formula(inert(cell)) for cell in row] for row in table.rows])
    return buffer.getvalue()


def _no_formula(cell: str) -> str:
    """A spreadsheet runs cells that begin so; a leading apostrophe makes them text. Numbers are left alone."""
    if cell[:1] in ("=", "+", "-", "@") and not _is_number(cell):
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
        return (
            "| " + " | ".join(inert(cell).replace("|", "\\|").replace("<", "&lt;") for cell in cells) + " |\n"
        )

    rule = ["---:" if column.right else "---" for column in table.columns]
    head = line(column.name for column in table.columns) + "| " + " | ".join(rule) + " |\n"
    notes = "".join(f"\n{inert(note)}\n" for note in table.notes)
    return head + "".join(line(row) for row in table.rows) + notes


def _print_table(table: Table) -> None:
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    if table.title:
        out(table.title)
    drawn = RichTable(
        box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, header_style="bold", padding=(0, 1)
    )
    for column in table.columns:
        drawn.add_column(
            Text(column.name),
            justify="right" if column.right else "left",
            no_wrap=True,
            overflow="ellipsis",
            min_width=len(column.name) if column.keep or column.right else None,
        )
    for row in table.rows:
        drawn.add_row(*(Text(inert(cell[:2000]), no_wrap=True) for cell in row))
    console = _console()
    console.print(drawn, soft_wrap=False)
    for note in table.notes:
        console.print(Text(inert(note, lines=True)), soft_wrap=not sys.stdout.isatty())


def _console() -> Any:
    from rich.console import Console

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else 200
    return Console(file=sys.stdout, highlight=False, markup=False, emoji=False, width=width)


def _write(stream: Any, text: str) -> None:
    """Write and flush, so that both streams keep their order; a reader that went away is no error of ours."""
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        stream.write(text.encode("ascii", "backslashreplace").decode("ascii"))
        stream.flush()
