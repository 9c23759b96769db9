"""`--set a.b=c`: values of the command line that stand above those of the file."""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from typing import Any

from engine.errors import Problem
from engine.plan.catalogue import keys_by_pattern, pattern_of
from engine.plan.document import SET, Document, Origin
from engine.plan.keypath import KeyPath, parse, spell


def apply_sets(document: Document, sets: Sequence[str]) -> list[Problem]:
    """Put each setting into the document, in order; what cannot be put is told and left out.

    `KEY=VALUE` with the value as in TOML (`2`, `0.7`, `["a", "b"]`, `{model = "x"}`), or else a plain text, as it
    is too for a key that takes nothing but text. With nothing behind the equals sign the key is taken out.
    """
    problems = []
    for text in sets:
        key, equals, value = text.partition("=")
        try:
            if not equals:
                raise ValueError("expected KEY=VALUE")
            path = parse(key.strip())
        except ValueError as error:
            problems.append(Problem("", str(error), source=SET))
            continue
        try:
            _put(document, path, value.strip())
        except ValueError as error:
            problems.append(Problem(spell(path), str(error), source=SET))
    return problems


def toml_value(text: str) -> Any:
    """The value that a text is in TOML; the text itself where it is none."""
    try:
        read = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return read["value"] if len(read) == 1 else text


def _put(document: Document, path: KeyPath, text: str) -> None:
    table = _table_for(document, path)
    last = path[-1]
    document.origins = {known: o for known, o in document.origins.items() if known[: len(path)] != path}
    if not text and isinstance(table, dict):
        table.pop(last, None)
        return
    value = toml_value(text)
    table[last] = text if _takes_text(path) and not isinstance(value, str) else value
    _note(document, path, value)


def _takes_text(path: KeyPath) -> bool:
    key = keys_by_pattern().get(pattern_of(path))
    return key is not None and key.type == "text"


def _table_for(document: Document, path: KeyPath) -> Any:
    """The table or list that holds the last part of a path; tables on the way are made."""
    held: Any = document.data
    for place, part in enumerate(path):
        if isinstance(part, int):
            if not isinstance(held, list) or part >= len(held):
                raise ValueError(f"there is no item {part} to set")
        elif not isinstance(held, dict):
            raise ValueError(f"{spell(path[:place])} is no table that could hold it")
        if place == len(path) - 1:
            return held
        if isinstance(held, dict) and part not in held:
            held[str(part)] = {}
            document.origins[path[: place + 1]] = Origin(SET)
        held = held[part]
    return held


def _note(document: Document, path: KeyPath, value: Any) -> None:
    document.origins[path] = Origin(SET)
    if isinstance(value, dict):
        for key, item in value.items():
            _note(document, (*path, key), item)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _note(document, (*path, place), item)
