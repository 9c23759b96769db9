"""A selection in the store: under its content key, so that the same one again is recognised."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine import keys
from engine.flywheel.selection.choosing import Selection
from engine.flywheel.selection.pool import Usable
from engine.store.rows import select_in
from engine.store.selections import NewSelection, SelectedRow, land_selection
from engine.store.sqlite import Connection
from engine.store.store import Transaction


def keep(tx: Transaction, selection: Selection) -> tuple[int, bool]:
    """Store a selection; its number, and whether it is new."""
    view, parameters = selection.pool.view, selection.parameters
    return land_selection(
        tx,
        NewSelection(
            selection_key(tx.connection, selection),
            view.arena.id,
            view.judge_id,
            selection.pool.target,
            parameters.stage.value,
            parameters.round,
            parameters.strategy,
            parameters.as_json() | {"category": view.category},
            selection.pool.considered,
            [_stored(number, one) for number, one in enumerate(selection.rows, start=1)],
            selection.excluded,
        ),
    )


def selection_key(connection: Connection, selection: Selection) -> str:
    """By judge, target, parameters and rows. The arena is no part: it can be renamed."""
    view, target = selection.pool.view, selection.pool.target
    (judge,) = connection.execute("SELECT key FROM judges WHERE id = ?", (view.judge_id,)).fetchone()
    (player,) = connection.execute("SELECT key FROM players WHERE id = ?", (target,)).fetchone()
    said: dict[str, Any] = selection.parameters.as_json() | {"category": view.category}
    battles = _battle_keys(connection, (n for one in selection.rows for n in one.candidate.battles))
    rows = [
        [
            one.candidate.prompt_key,
            one.candidate.chosen.key,
            None if one.candidate.other is None else one.candidate.other.key,
            sorted(battles[number] for number in one.candidate.battles),
        ]
        for one in selection.rows
    ]
    return keys.selection_key({**said, "judge": judge, "target": player}, rows)


def _battle_keys(connection: Connection, numbers: Iterable[int]) -> dict[int, str]:
    return dict(select_in(connection, "SELECT id, key FROM battles WHERE id IN", sorted(set(numbers))))


def _stored(number: int, one: Usable) -> SelectedRow:
    candidate = one.candidate
    other = candidate.other
    return SelectedRow(
        number,
        candidate.prompt_id,
        candidate.chosen.response_id,
        None if other is None else other.response_id,
        candidate.opponent,
        one.category,
        one.difficulty,
        candidate.chosen.mean,
        None if other is None else other.mean,
        candidate.gap,
        one.length_chosen,
        one.length_other,
        candidate.battles,
    )
