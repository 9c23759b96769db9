"""Imports as rows: what was brought in, from where, and what was set aside."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.store.rows import decode, encode, to_json
from engine.store.sqlite import Connection
from engine.store.store import Store, Transaction


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """An import as the store has it.

    Attributes:
        state: `done`, `unfinished` (it was interrupted; importing the same again adds the rest) or `undone`.
        taken, known: rows by table: new ones, and ones that the store had already.
    """

    id: int
    format: str
    source: tuple[str, ...]
    state: str
    started_at: float
    taken: Mapping[str, int]
    known: Mapping[str, int]
    set_aside: int


def begin_import(store: Store, form: str, source: Sequence[str], options: Mapping[str, Any]) -> int:
    """A row for an import that starts now; its number."""
    with store.write() as tx:
        cursor = tx.connection.execute(
            "INSERT INTO imports(format, source, options, started_at) VALUES (?, ?, ?, ?)",
            (form, json.dumps(list(source)), to_json(dict(options)), time.time()),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid


def finish_import(
    tx: Transaction, import_id: int, taken: Mapping[str, int], known: Mapping[str, int]
) -> None:
    """Say what came of it."""
    tx.connection.execute(
        "UPDATE imports SET ended_at = ?, taken = ?, known = ?,"
        " set_aside = (SELECT COUNT(*) FROM set_aside WHERE import_id = imports.id) WHERE id = ?",
        (time.time(), to_json(dict(taken)), to_json(dict(known)), import_id),
    )


def keep_aside(tx: Transaction, rows: Iterable[tuple[str, str, int, str]]) -> None:
    """Keep rows that could not be used: (reason, file, line, text)."""
    tx.connection.executemany(
        "INSERT INTO set_aside(import_id, reason, file, line, text) VALUES (?, ?, ?, ?, ?)",
        (
            (tx.import_id, encode(reason), encode(file), line, encode(text))
            for reason, file, line, text in rows
        ),
    )


def read_imports(connection: Connection) -> list[ImportRecord]:
    """All imports, newest first."""
    rows = connection.execute(
        "SELECT id, format, source, started_at, ended_at, taken, known, set_aside, undone_at FROM imports ORDER BY id DESC"
    )
    return [
        ImportRecord(
            number,
            form,
            tuple(json.loads(source)),
            "undone" if undone else "done" if ended else "unfinished",
            started,
            json.loads(taken or "{}"),
            json.loads(known or "{}"),
            aside,
        )
        for number, form, source, started, ended, taken, known, aside, undone in rows
    ]


def read_set_aside(
    connection: Connection, import_id: int, limit: int = 100
) -> list[tuple[str, str, int, str]]:
    """Rows that an import set aside: (reason, file, line, text)."""
    rows = connection.execute(
        "SELECT reason, file, line, text FROM set_aside WHERE import_id = ? ORDER BY id LIMIT ?",
        (import_id, limit),
    )
    return [(decode(reason), decode(file), line, decode(text)) for reason, file, line, text in rows]
