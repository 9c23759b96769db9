"""Small steps that all landings share: numbers for new rows, names that stay unique."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from engine.store.sqlite import Connection
from engine.store.texts import decode, encode, select_in

Table = Literal["prompts", "models", "players", "judges", "responses", "verdicts", "battles", "arenas"]


def ids_by_key(connection: Connection, table: Table, keys: Iterable[str]) -> dict[str, int]:
    """The numbers of the rows that exist, by content key."""
    return dict(select_in(connection, f"SELECT key, id FROM {table} WHERE key IN", list(keys)))


def next_id(connection: Connection, table: Table) -> int:
    """The first free number. Sound inside a write transaction, of which there is one at a time."""
    return int(connection.execute(f"SELECT COALESCE(MAX(id), 0) + 1 FROM {table}").fetchone()[0])


def insert_rows(
    connection: Connection, table: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]
) -> None:
    """Insert rows. Columns in which all are None are left out: binding a None takes pysqlite3 a microsecond, ten times
    what a number takes, and a verdict has a dozen."""
    by_column = list(zip(*rows, strict=True))
    kept = [
        (name, values)
        for name, values in zip(columns, by_column, strict=bool(by_column))
        if values.count(None) < len(values)
    ]
    if not kept:
        return
    names = ", ".join(name for name, _ in kept)
    marks = ", ".join("?" * len(kept))
    connection.executemany(
        f"INSERT INTO {table}({names}) VALUES ({marks})", zip(*(values for _, values in kept), strict=True)
    )


def free_name(connection: Connection, table: Table, wanted: str) -> str:
    """`wanted`, or with the first free number behind it (`llama.2`) when another identity has the name."""
    name, number = wanted, 1
    while connection.execute(f"SELECT 1 FROM {table} WHERE name = ?", (encode(name),)).fetchone():
        number += 1
        name = f"{wanted}.{number}"
    return name


def to_json(value: Mapping[str, Any] | list[Any] | None) -> str | None:
    """JSON for a column. ASCII, so that any text inside stays exact."""
    return None if value is None else json.dumps(value, sort_keys=True)


def maybe(text: str | None) -> str | bytes | None:
    """A short text from outside as SQLite is to hold it; None stays None."""
    return None if text is None else encode(text)


__all__ = [
    "Table",
    "decode",
    "encode",
    "free_name",
    "ids_by_key",
    "insert_rows",
    "maybe",
    "next_id",
    "select_in",
    "to_json",
]
