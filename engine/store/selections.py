"""Selections: which battles became training rows, under which parameters, and why the other prompts did not."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.errors import StoreError, UsageError
from engine.store.rows import decode, encode, insert_rows, maybe, to_json
from engine.store.sqlite import Connection
from engine.store.store import Transaction


class SelectedRow(NamedTuple):
    """A training row.

    Attributes:
        number: its place in the selection, from 1.
        chosen, other: numbers of responses; `other` is the rejected one, of an sft row the target's that lost.
        opponent_id: the player that the row is owed to.
        score_chosen, score_other: mean scores of the two over all their games on the prompt.
        gap: None where a strategy asks for none.
        length_chosen, length_other: characters.
        battles: numbers of the battles that it rests on.
    """

    number: int
    prompt_id: int
    chosen: int
    other: int | None
    opponent_id: int | None
    category: str | None
    difficulty: float | None
    score_chosen: float
    score_other: float | None
    gap: float | None
    length_chosen: int
    length_other: int | None
    battles: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class NewSelection:
    """A selection on its way into the store.

    Attributes:
        parameters: as JSON.
        considered: prompts that were looked at.
        excluded: number of the prompt -> reason.
    """

    key: str
    arena_id: int
    judge_id: int
    target_id: int
    stage: str
    round: int | None
    strategy: str
    parameters: Mapping[str, Any]
    considered: int
    rows: Sequence[SelectedRow]
    excluded: Mapping[int, str]


@dataclass(frozen=True, slots=True)
class StoredSelection:
    """A selection as the store has it, without its rows; names in place of numbers.

    Attributes:
        reasons: excluded prompts by reason, the most frequent first.
        created_at: seconds since 1970.
    """

    id: int
    key: str
    arena: str
    judge: str
    target: str
    stage: str
    round: int | None
    strategy: str
    parameters: Mapping[str, Any]
    considered: int
    rows: int
    reasons: Mapping[str, int]
    created_at: float


def land_selection(tx: Transaction, new: NewSelection) -> tuple[int, bool]:
    """Store a selection; its number, and whether it is new. The same one again is the one that stands."""
    connection = tx.connection
    stands = connection.execute("SELECT id FROM selections WHERE key = ?", (new.key,)).fetchone()
    if stands:
        return int(stands[0]), False
    cursor = connection.execute(
        "INSERT INTO selections(key, arena_id, judge_id, target_id, stage, round, strategy, parameters, considered,"
        " created_at, attempt_id) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            new.key, new.arena_id, new.judge_id, new.target_id, new.stage, new.round, encode(new.strategy),
            to_json(new.parameters), new.considered, time.time(), tx.attempt_id,
        ),
    )  # fmt: skip
    number = cursor.lastrowid
    assert number is not None
    _land_rows(connection, number, new)
    return number, True


_COLUMNS = (
    "selection_id", "number", "prompt_id", "chosen", "other", "opponent_id", "category", "difficulty", "score_chosen",
    "score_other", "gap", "length_chosen", "length_other",
)  # fmt: skip


def _land_rows(connection: Connection, selection_id: int, new: NewSelection) -> None:
    rows = [(selection_id, *row._replace(category=maybe(row.category))[:-1]) for row in new.rows]  # type: ignore[arg-type]
    insert_rows(connection, "selection_rows", _COLUMNS, rows)
    connection.executemany(
        "INSERT INTO selection_battles(selection_id, number, battle_id) VALUES (?, ?, ?)",
        ((selection_id, row.number, battle) for row in new.rows for battle in row.battles),
    )
    connection.executemany(
        "INSERT INTO selection_exclusions(selection_id, prompt_id, reason) VALUES (?, ?, ?)",
        ((selection_id, prompt_id, encode(reason)) for prompt_id, reason in new.excluded.items()),
    )


def read_selections(connection: Connection) -> list[StoredSelection]:
    """All selections, oldest first."""
    return _read(connection, "", [])


def read_selection(connection: Connection, number: int) -> StoredSelection:
    """One selection.

    Raises:
        UsageError: there is none of that number.
    """
    found = _read(connection, "WHERE s.id = ?", [number])
    if not found:
        raise UsageError(f"there is no selection {number}", mend="See them with: arena-tui select list")
    return found[0]


def _read(connection: Connection, where: str, values: Sequence[int]) -> list[StoredSelection]:
    rows = connection.execute(
        "SELECT s.id, s.key, a.name, j.name, COALESCE(o.name, p.name), s.stage, s.round, s.strategy, s.parameters,"
        " s.considered, (SELECT COUNT(*) FROM selection_rows r WHERE r.selection_id = s.id), s.created_at"
        " FROM selections s JOIN arenas a ON a.id = s.arena_id JOIN judges j ON j.id = s.judge_id"
        f" JOIN players p ON p.id = s.target_id LEFT JOIN players o ON o.id = p.alias_of {where} ORDER BY s.id",
        values,
    ).fetchall()
    return [_stored(connection, *row) for row in rows]


def _stored(connection: Connection, number: int, key: str, *row: Any) -> StoredSelection:
    arena, judge, target, stage, round_, strategy, parameters, considered, rows, created_at = row
    names = decode(arena), decode(judge), decode(target)
    reasons = _reasons(connection, number)
    said = json.loads(parameters)
    strategy = decode(strategy)
    return StoredSelection(
        number, key, *names, stage, round_, strategy, said, considered, rows, reasons, created_at
    )


def _reasons(connection: Connection, selection_id: int) -> dict[str, int]:
    rows = connection.execute(
        "SELECT reason, COUNT(*) AS n FROM selection_exclusions WHERE selection_id = ? GROUP BY reason"
        " ORDER BY n DESC, reason",
        (selection_id,),
    )
    return {decode(reason): n for reason, n in rows}


def read_rows(connection: Connection, selection_id: int) -> Iterator[SelectedRow]:
    """The rows of a selection, in their order."""
    battles: dict[int, list[int]] = {}
    for number, battle in connection.execute(
        "SELECT number, battle_id FROM selection_battles WHERE selection_id = ? ORDER BY number, battle_id",
        (selection_id,),
    ):
        battles.setdefault(number, []).append(battle)
    for row in connection.execute(
        f"SELECT {', '.join(_COLUMNS[1:])} FROM selection_rows WHERE selection_id = ? ORDER BY number",
        (selection_id,),
    ):
        row = (*row[:5], decode(row[5]), *row[6:])
        yield SelectedRow._make((*row, tuple(battles.get(row[0], ()))))


def drop_selection(tx: Transaction, number: int) -> None:
    """Forget a selection with its rows. What they were made of stays.

    Raises:
        UsageError: there is none of that number.
    """
    read_selection(tx.connection, number)
    for table in ("selection_battles", "selection_rows", "selection_exclusions"):
        tx.connection.execute(f"DELETE FROM {table} WHERE selection_id = ?", (number,))
    tx.connection.execute("DELETE FROM selections WHERE id = ?", (number,))


def check_unselected(connection: Connection, condition: str, values: Sequence[object]) -> None:
    """See that no training row rests on battles that are to go.

    Args:
        condition: SQL over the columns of battles, with its values.

    Raises:
        StoreError: one does; with the selections.
    """
    rows = connection.execute(
        "SELECT DISTINCT selection_id FROM selection_battles WHERE battle_id IN"
        f" (SELECT id FROM battles WHERE {condition}) ORDER BY selection_id",
        list(values),
    ).fetchall()
    if rows:
        numbers = ", ".join(str(number) for (number,) in rows)
        raise StoreError(
            f"training rows rest on battles that would go: selection {numbers}",
            mend="If nobody needs these rows any more: arena-tui select drop NUMBER",
        )
