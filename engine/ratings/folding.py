"""Online Elo and TrueSkill of an arena, folded on from where the store says that they are.

Battles go by time where an import has one, else by plan order, never by landing. The store keeps states at several
positions; a battle that arrives late takes back those behind it, and the next fold goes on from the one before.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import DiskFull
from engine.ratings.elo import EloState
from engine.ratings.online import Battle, OnlineState
from engine.ratings.skill import SkillState
from engine.ratings.stored import rated_names
from engine.ratings.views import View
from engine.records import Outcome
from engine.store.rows import encode, maybe
from engine.store.sqlite import Connection
from engine.store.store import Store

STEP = 5_000
"""Battles folded and stored at a time."""

START: dict[str, OnlineState] = {
    "elo": EloState(),
    "trueskill": SkillState(),
    "openskill": SkillState(library="openskill"),
}


@dataclass(frozen=True, slots=True)
class Folded:
    """An online rating and how far it is: `folded` of `total` decided battles."""

    state: OnlineState
    folded: int
    total: int


@dataclass(frozen=True, slots=True)
class _Position:
    occurred_at: float
    position: int
    battle_id: int


_BEGINNING = _Position(float("-inf"), -1, -1)


def read_folded(connection: Connection, view: View, kind: str, total: int) -> Folded:
    """The newest stored state, without folding anything."""
    state, _ = _newest(connection, view, kind)
    return Folded(state, state.battles, total)


def fold_on(store: Store, view: View, kind: str, total: int, *, seconds: float | None = None) -> Folded:
    """Fold what has come since, and keep the state every STEP battles where the store can be written and has room.

    Args:
        kind: `elo`, `trueskill` or `openskill`.
        seconds: stop after about that long; None folds everything.
    """
    state, position = _newest(store.reader, view, kind)
    deadline = None if seconds is None else time.monotonic() + seconds
    names = rated_names(store.reader)
    keeps = store.writable
    for battles, last in _batches(store.reader, view, position, names):
        folded = state.folded(battles)
        try:
            if keeps and not _keep(store, view, kind, (state, position), (folded, last), names):
                break
        except DiskFull:
            keeps = False  # what was folded is shown all the same
        state, position = folded, last
        if deadline is not None and time.monotonic() > deadline:
            break
    return Folded(state, state.battles, total)


def _newest(connection: Connection, view: View, kind: str) -> tuple[OnlineState, _Position]:
    row = connection.execute(
        "SELECT state, occurred_at, position, battle_id FROM online_folds WHERE arena_id = ? AND judge_id = ?"
        " AND category = ? AND kind = ? ORDER BY battles DESC LIMIT 1",
        (*_key(view), kind),
    ).fetchone()
    start = START[kind]
    if row is None:
        return start, _BEGINNING
    at = float("-inf") if row[1] is None else row[1]
    return type(start).from_json(json.loads(row[0])), _Position(at, row[2], row[3])


def _batches(
    connection: Connection, view: View, after: _Position, names: Mapping[int, str]
) -> Iterator[tuple[list[Battle], _Position]]:
    while True:
        rows = _rows(connection, view, after, STEP)
        if not rows:
            return
        *_, occurred_at, position, number = rows[-1]
        after = _Position(float("-inf") if occurred_at is None else occurred_at, position, number)
        yield [(names[a], names[b], Outcome(outcome)) for a, b, outcome, *_ in rows], after


def _rows(connection: Connection, view: View, after: _Position, limit: int) -> list[Any]:
    """The next `limit` decided battles; those without a time come first, as in the index."""
    rows: list[Any] = []
    if after.occurred_at == float("-inf"):
        beyond = "occurred_at IS NULL AND (position, id) > (?, ?)"
        rows = _decided(connection, view, beyond, [after.position, after.battle_id], "position, id", limit)
        after = _BEGINNING
    if len(rows) < limit:
        beyond = "occurred_at IS NOT NULL AND (occurred_at, position, id) > (?, ?, ?)"
        values = [after.occurred_at, after.position, after.battle_id]
        rows += _decided(connection, view, beyond, values, "occurred_at, position, id", limit - len(rows))
    return rows


def _decided(
    connection: Connection, view: View, beyond: str, values: list[Any], order: str, limit: int
) -> list[Any]:
    category = "" if view.category is None else "AND category = ?"
    chosen = [] if view.category is None else [maybe(view.category)]
    return connection.execute(
        f"SELECT player_a, player_b, outcome, occurred_at, position, id FROM battles"
        f" WHERE arena_id = ? AND judge_id = ? AND state = 'decided' {category} AND {beyond}"
        f" ORDER BY {order} LIMIT {limit}",
        (view.arena.id, view.judge_id, *chosen, *values),
    ).fetchall()


def _keep(
    store: Store,
    view: View,
    kind: str,
    before: tuple[OnlineState, _Position],
    after: tuple[OnlineState, _Position],
    names: Mapping[int, str],
) -> bool:
    """Store a state, unless a battle landed meanwhile among those that it folded, or a model got another name; then
    the next fold does it."""
    state, at = after
    with store.write() as tx:
        base, _ = _newest(tx.connection, view, kind)
        moved = base.battles != before[0].battles or rated_names(tx.connection) != names
        folded = state.battles - before[0].battles
        if moved or len(_up_to(tx.connection, view, before[1], at)) != folded:
            return False
        tx.connection.execute(
            "INSERT INTO online_folds(arena_id, judge_id, category, kind, battles, occurred_at, position, battle_id,"
            " state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                *_key(view),
                kind,
                state.battles,
                None if at.occurred_at == float("-inf") else at.occurred_at,
                at.position,
                at.battle_id,
                json.dumps(state.to_json()),
            ),
        )
    return True


def _up_to(connection: Connection, view: View, start: _Position, at: _Position) -> list[Any]:
    """The battles behind `start` up to `at`, as they stand now."""
    # One more than was folded: a late one among them must not just push the last of them out.
    rows = _rows(connection, view, start, STEP + 1)
    return [row for row in rows if _order(row[3:]) <= (at.occurred_at, at.position, at.battle_id)]


def _order(row: Any) -> tuple[float, int, int]:
    occurred_at, position, number = row
    return (float("-inf") if occurred_at is None else occurred_at), position, number


def _key(view: View) -> tuple[Any, ...]:
    return view.arena.id, view.judge_id, "" if view.category is None else encode(view.category)
