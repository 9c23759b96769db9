"""What every table reader yields: a record of a file, or a row set aside with a countable reason."""

from __future__ import annotations

from typing import Any, NamedTuple

from engine.formats.rows import SetAside

EXCERPT_CHARACTERS = 500
_MARK = "…"


class Record(NamedTuple):
    """One row of a file, as the file says it.

    Attributes:
        file: path of the file, as it was given.
        line: 1-based line where the row starts in CSV and JSON lines; 1-based row number in Parquet and in a
            JSON document, whose lines say little.
        value: column -> value. Cells of CSV are text; an empty cell is the empty string.
    """

    file: str
    line: int
    value: dict[str, Any]


Entry = Record | SetAside


def excerpt(text: str) -> str:
    """The first 500 characters, with a mark where text was cut."""
    return text if len(text) <= EXCERPT_CHARACTERS else text[: EXCERPT_CHARACTERS - 1] + _MARK


def refuse(record: Record, reason: str) -> SetAside:
    """Set a whole record aside, showing it as text."""
    return SetAside(reason, record.file, record.line, excerpt(shown(record.value)))


def shown(value: Any) -> str:
    """A value as a person reads it in a list of set-aside rows: text as it is, cut early."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        budget = EXCERPT_CHARACTERS
        parts: list[str] = []
        for key, item in value.items():
            part = f"{key}={shown(item)[: EXCERPT_CHARACTERS + 1]}"
            parts.append(part)
            budget -= len(part)
            if budget < 0:
                break
        return ", ".join(parts)
    if isinstance(value, list):
        return "[" + ", ".join(shown(item)[: EXCERPT_CHARACTERS + 1] for item in value[:20]) + "]"
    return str(value)
