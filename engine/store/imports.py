"""Imports as rows: what was brought in, from where, and what was set aside."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from engine.errors import StoreError, UsageError
from engine.store.rows import decode, encode, to_json
from engine.store.sqlite import Connection
from engine.store.store import Store, Transaction

KEPT_PER_REASON = 1_000
"""Rows that are kept, with their text, of all that an import sets aside for one reason; all of them are counted."""


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """An import as the store has it.

    Attributes:
        state: `done`, `unfinished` (it runs, or was interrupted: importing the same again adds the rest) or `undone`.
        taken, known: rows by table: new ones, and ones that the store had already.
        set_aside: rows that could not be used.
        reasons: these by reason.
    """

    id: int
    format: str
    source: tuple[str, ...]
    state: str
    started_at: float
    taken: Mapping[str, int]
    known: Mapping[str, int]
    set_aside: int
    reasons: Mapping[str, int] = field(default_factory=dict)


def begin_import(store: Store, form: str, source: Sequence[str], options: Mapping[str, Any]) -> int:
    """A row for an import that starts now; its number.

    Its battles stand behind all that the store has, in the order of the file; those of the same import done again
    (because it was cut short, or because its file has grown) stand where they stood then.
    """
    said = encode(json.dumps(list(source)))
    with store.write() as tx:
        before = tx.connection.execute(
            "SELECT first_position FROM imports WHERE format = ? AND source = ? AND options = ?"
            " AND undone_at IS NULL ORDER BY id LIMIT 1",
            (form, said, to_json(dict(options))),
        ).fetchone()
        first = before[0] if before else _next_position(tx.connection)
        cursor = tx.connection.execute(
            "INSERT INTO imports(format, source, options, first_position, started_at) VALUES (?, ?, ?, ?, ?)",
            (form, said, to_json(dict(options)), first, time.time()),
        )
        assert cursor.lastrowid is not None
        return cursor.lastrowid


def earlier_imports(connection: Connection, import_id: int) -> list[int]:
    """Numbers of the imports of the same files before this one that were not undone."""
    rows = connection.execute(
        "SELECT id FROM imports WHERE id < ?1 AND undone_at IS NULL"
        " AND (format, source) = (SELECT format, source FROM imports WHERE id = ?1) ORDER BY id",
        (import_id,),
    )
    return [int(row[0]) for row in rows]


def _next_position(connection: Connection) -> int:
    return int(connection.execute("SELECT COALESCE(MAX(position), -1) + 1 FROM battles").fetchone()[0])


def first_position(connection: Connection, import_id: int) -> int:
    """Position of the first battle of an import's file."""
    row = connection.execute("SELECT first_position FROM imports WHERE id = ?", (import_id,)).fetchone()
    return int(row[0])


def check_goes_on(tx: Transaction) -> int:
    """The store's generation: when it has changed, numbers of rows that were kept may mean nothing any more.

    Raises:
        StoreError: somebody undid this import while it ran.
    """
    undone, generation = tx.connection.execute(
        "SELECT (SELECT undone_at FROM imports WHERE id = ?), (SELECT value FROM meta WHERE name = 'generation')",
        (tx.import_id,),
    ).fetchone()
    if undone is not None:
        raise StoreError(
            f"import {tx.import_id} was undone while it ran", mend="Start it again if you want it."
        )
    return int(generation)


def note_progress(
    tx: Transaction,
    taken: Mapping[str, int],
    known: Mapping[str, int],
    reasons: Mapping[str, int],
    *,
    finished: bool = False,
) -> None:
    """Say what came of an import so far."""
    tx.connection.execute(
        "UPDATE imports SET ended_at = ?, taken = ?, known = ?, set_aside = ? WHERE id = ?",
        (
            time.time() if finished else None,
            to_json(dict(taken)),
            to_json(dict(known)),
            to_json(dict(reasons)),
            tx.import_id,
        ),
    )


Held = Literal["responses", "verdicts", "battles", "players", "judges", "arenas"]


def hold(tx: Transaction, noun: Held, numbers: Iterable[int]) -> None:
    """Say that an import found these rows in place: they stay with it when the import is undone that brought them.

    The same import done again is no other one: it goes on where that stopped.
    """
    if tx.import_id is None:
        return
    tx.connection.executemany(
        f"INSERT OR IGNORE INTO import_holds SELECT ?, id, ? FROM {noun} WHERE id = ? AND"
        f" import_id NOT IN ({_same_imports(tx)})",
        ((noun, tx.import_id, number) for number in numbers),
    )


def hold_prompts(tx: Transaction, set_id: int, names: Iterable[str], filled: Iterable[int]) -> None:
    """As `hold`, of members of a prompt set by name, and of texts that prompts got after their names."""
    if tx.import_id is None:
        return
    same = _same_imports(tx)
    tx.connection.executemany(
        "INSERT OR IGNORE INTO import_holds SELECT 'prompt_set_items', set_id << 32 | position, ?"
        f" FROM prompt_set_items WHERE set_id = ? AND name = ? AND import_id NOT IN ({same})",
        ((tx.import_id, set_id, encode(name)) for name in names),
    )
    tx.connection.executemany(
        "INSERT OR IGNORE INTO import_holds SELECT 'filled', id, ? FROM prompts"
        f" WHERE id = ? AND filled_by NOT IN ({same})",
        ((tx.import_id, number) for number in filled),
    )


def _same_imports(tx: Transaction) -> str:
    """Numbers of the imports of the same files in the same way, this one among them."""
    rows = tx.connection.execute(
        "SELECT o.id FROM imports i JOIN imports o USING (format, source, options) WHERE i.id = ?",
        (tx.import_id,),
    )
    return ", ".join(str(number) for (number,) in rows)


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
        "SELECT id, format, source, started_at, ended_at, taken, known, set_aside, undone_at"
        " FROM imports ORDER BY id DESC"
    )
    return [_record(*row) for row in rows]


def read_import(connection: Connection, import_id: int) -> ImportRecord:
    """One import.

    Raises:
        UsageError: there is none of that number.
    """
    found = next((record for record in read_imports(connection) if record.id == import_id), None)
    if found is None:
        raise UsageError(f"there is no import {import_id}", mend="See them with: arena-tui imports list")
    return found


def _record(
    number: int,
    form: str,
    source: Any,
    started: float,
    ended: float | None,
    taken: str,
    known: str,
    set_aside: str,
    undone: float | None,
) -> ImportRecord:
    state = "undone" if undone else "done" if ended else "unfinished"
    reasons: dict[str, int] = json.loads(set_aside)
    return ImportRecord(
        number,
        form,
        tuple(json.loads(decode(source))),
        state,
        started,
        json.loads(taken),
        json.loads(known),
        sum(reasons.values()),
        reasons,
    )


def read_set_aside(
    connection: Connection, import_id: int, limit: int = 100
) -> list[tuple[str, str, int, str]]:
    """Rows that an import set aside: (reason, file, line, text)."""
    rows = connection.execute(
        "SELECT reason, file, line, text FROM set_aside WHERE import_id = ? ORDER BY id LIMIT ?",
        (import_id, limit),
    )
    return [(decode(reason), decode(file), line, decode(text)) for reason, file, line, text in rows]
