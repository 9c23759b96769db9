"""Streaming the rows of a table, with a bounded number of them in memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from engine.errors import UsageError
from engine.store.export.names import Names
from engine.store.export.table import Row
from engine.store.export.tables import TABLES
from engine.store.rows import encode
from engine.store.sqlite import Connection

Filters = Mapping[str, str | Sequence[str]]

COLUMNS: dict[str, dict[str, str]] = {name: table.columns for name, table in TABLES.items()}
"""By table, its columns with their kinds: text, integer, number, boolean or json (nested)."""

_AT_A_TIME = 500


def table_rows(connection: Connection, table: str, filters: Filters | None = None) -> Iterator[Row]:
    """The rows of a table, column by name, texts exact.

    Battles and games go by arena and position (the games of a battle together), the rest in the order in which it
    came. What is committed while they are read may or may not be among them: read inside `Store.snapshot()` for one
    moment's state.

    Args:
        filters: name -> value that a row must have, or several of which it must have one; a table has some of arena,
            judge, category, model, kind, set.

    Raises:
        UsageError: no such table, or a filter that it has not.
    """
    chosen = TABLES.get(table)
    if chosen is None:
        raise UsageError(f"there is no table '{table}'", mend=f"There are: {', '.join(TABLES)}.")
    unknown = [name for name in filters or {} if name not in chosen.filters]
    if unknown:
        known = ", ".join(chosen.filters) or "nothing"
        raise UsageError(f"{table} cannot be chosen by {unknown[0]}", mend=f"It can by {known}.")
    return _stream(connection, table, filters or {})


def _any_of(condition: str, times: int) -> str:
    return f"({' OR '.join([condition] * times) or 'FALSE'})"


def _stream(connection: Connection, name: str, filters: Filters) -> Iterator[Row]:
    table = TABLES[name]
    chosen = {one: [said] if isinstance(said, str) else list(said) for one, said in filters.items()}
    conditions = " AND ".join(_any_of(table.filters[one], len(values)) for one, values in chosen.items())
    query = table.order.format(where=f"WHERE {conditions}" if conditions else "")
    values: list[Any] = [encode(value) for said in chosen.values() for value in said]
    numbers = [row[0] for row in connection.execute(query, values)]
    names = Names(connection)
    for start in range(0, len(numbers), _AT_A_TIME):
        group = numbers[start : start + _AT_A_TIME]
        rows: dict[int, list[Row]] = {}
        for number, row in table.read(connection, names, group):
            rows.setdefault(number, []).append(row)
        for number in group:
            yield from rows.get(number, [])
