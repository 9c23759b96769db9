"""Cells of our own exports: exactly what was written, or a reason. An empty text is a text, and null is nothing."""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import Enum
from typing import Any, TypeVar

from engine.formats import fields
from engine.formats.exact import has_surrogates
from engine.formats.fields import FieldError
from engine.formats.jsons import loads

Cells = Mapping[str, Any]
Word = TypeVar("Word", bound=Enum)
_KEY = re.compile(r"[a-z]1:[0-9a-f]{32}")


def text(row: Cells, name: str) -> str:
    """A text, which may be empty."""
    return fields.text(row.get(name), name)


def maybe_text(row: Cells, name: str) -> str | None:
    """A text or nothing."""
    return None if row.get(name) is None else text(row, name)


def plain(row: Cells, name: str) -> str:
    """A text that is a word of ours, and so holds neither a NUL nor a lone surrogate."""
    said = text(row, name)
    if "\0" in said or has_surrogates(said):
        raise FieldError(f"{name} is no plain text")
    return said


def key(row: Cells, name: str, prefix: str) -> str:
    """A content key of a noun.

    Raises:
        FieldError: it is missing, or has not the form of one.
    """
    said = text(row, name)
    if not _KEY.fullmatch(said) or not said.startswith(f"{prefix}:"):
        raise FieldError(f"{name} is no content key")
    return said


def maybe_key(row: Cells, name: str, prefix: str) -> str | None:
    """A content key or nothing."""
    return None if row.get(name) is None else key(row, name, prefix)


def whole(row: Cells, name: str) -> int:
    """A whole number of at least 0. Those beyond 2**53, which a float would round, are read as they stand."""
    value = row.get(name)
    if isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 19:
        return int(value)
    if type(value) is int and 0 <= value < 1 << 63:
        return value
    return fields.whole(value, name)


def maybe_whole(row: Cells, name: str) -> int | None:
    """A whole number or nothing."""
    return None if row.get(name) is None else whole(row, name)


def maybe_number(row: Cells, name: str) -> float | None:
    """A finite number or nothing."""
    return None if row.get(name) is None else fields.number(row[name], name)


def flag(value: Any, name: str) -> bool:
    """True or false.

    Raises:
        FieldError: it is neither.
    """
    known = {"true": True, "false": False}
    said = known.get(value) if isinstance(value, str) else value
    if not isinstance(said, bool):
        raise FieldError(f"{name} is neither true nor false")
    return said


def nested(row: Cells, name: str) -> Any:
    """A value that is itself in JSON lines, and its JSON text in tables of cells; None where there is none."""
    value = row.get(name)
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except (ValueError, RecursionError) as error:
        raise FieldError(f"{name} is not JSON") from error


def word_or_nested(row: Cells, name: str) -> Any:
    """As `nested`; a text that is no JSON is a word by itself, as JSON lines have it."""
    try:
        return nested(row, name)
    except FieldError:
        return row[name]


def facts(row: Cells, name: str) -> dict[str, Any]:
    """A JSON object.

    Raises:
        FieldError: it is none.
    """
    said = nested(row, name)
    if not isinstance(said, dict):
        raise FieldError(f"{name} is no object")
    return said


def maybe_facts(row: Cells, name: str) -> dict[str, Any] | None:
    """A JSON object or nothing."""
    return None if row.get(name) is None else facts(row, name)


def word(row: Cells, name: str, kind: type[Word]) -> Word:
    """One of a few words.

    Raises:
        FieldError: another one.
    """
    try:
        return kind(text(row, name))
    except ValueError as error:
        raise error if isinstance(error, FieldError) else FieldError(f"unknown {name}") from error
