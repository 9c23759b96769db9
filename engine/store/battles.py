"""Battles: landed with their games and, in the same transaction, with what they add to the counts.

A battle that waits is landed too; when its games are complete it is landed again and decided, and the counts get
the difference. A decided or void battle is never landed over.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.errors import UsageError
from engine.records import BattleState, Decision, OnCut, OutcomeRule, ResponseStatus
from engine.store.counts import TALLY_COLUMNS, CountDeltas, Tally
from engine.store.rows import decode, encode, insert_rows, maybe, next_id, select_in
from engine.store.sqlite import Connection
from engine.store.store import Transaction


@dataclass(frozen=True, slots=True)
class Arena:
    """A named set of battles that are rated together, under one outcome rule and one rule for cut responses."""

    id: int
    name: str
    outcome_rule: OutcomeRule
    on_cut: OnCut


class NewBattle(NamedTuple):
    """A battle on its way into the store.

    Attributes:
        position: its place in the plan or file, from 0; the order for online ratings where there is no time.
        games: (swapped, number of the verdict) of the games that have been judged.
        status_a, status_b: of the responses; `ok` where they are unknown.
        source: what tells an imported one from others, where it has no game whose verdict says it.
    """

    key: str
    judge_id: int
    prompt_id: int
    player_a: int
    player_b: int
    decision: Decision
    position: int
    games: tuple[tuple[bool, int], ...] = ()
    response_a: int | None = None
    response_b: int | None = None
    status_a: ResponseStatus = ResponseStatus.OK
    status_b: ResponseStatus = ResponseStatus.OK
    category: str | None = None
    turn: int | None = None
    round: int | None = None
    occurred_at: float | None = None
    source: str | None = None


def land_arena(tx: Transaction, name: str, outcome_rule: OutcomeRule, on_cut: OnCut) -> Arena:
    """The arena of that name, made when it is new.

    Raises:
        UsageError: it exists under other rules; counts under two rules are never mixed.
    """
    stands = read_arena(tx.connection, name)
    if stands is None:
        cursor = tx.connection.execute(
            "INSERT INTO arenas(name, outcome_rule, on_cut, created_at, import_id) VALUES (?, ?, ?, ?, ?)",
            (encode(name), outcome_rule.value, on_cut.value, time.time(), tx.import_id),
        )
        assert cursor.lastrowid is not None
        return Arena(cursor.lastrowid, name, outcome_rule, on_cut)
    if (stands.outcome_rule, stands.on_cut) != (outcome_rule, on_cut):
        raise UsageError(
            f"arena '{name}' is rated by other rules",
            f"It has outcome_rule '{stands.outcome_rule.value}' and on_cut '{stands.on_cut.value}';"
            f" asked were '{outcome_rule.value}' and '{on_cut.value}'.",
            "Use its rules, or another arena name. The same responses and verdicts serve both at no cost.",
        )
    return stands


def read_arena(connection: Connection, name: str) -> Arena | None:
    """The arena of that name, if there is one."""
    return next((arena for arena in read_arenas(connection) if arena.name == name), None)


def read_arenas(connection: Connection) -> list[Arena]:
    """All arenas, oldest first."""
    rows = connection.execute("SELECT id, name, outcome_rule, on_cut FROM arenas ORDER BY id")
    return [
        Arena(number, decode(name), OutcomeRule(rule), OnCut(on_cut)) for number, name, rule, on_cut in rows
    ]


def battle_states(connection: Connection, arena_id: int, keys: Iterable[str]) -> dict[str, str]:
    """State of the battles that an arena has of these keys."""
    query = f"SELECT key, state FROM battles WHERE arena_id = {arena_id} AND key IN"
    return dict(select_in(connection, query, list(keys)))


def battles_by_key(
    connection: Connection, arena_id: int, keys: Iterable[str]
) -> dict[str, tuple[int, str, str | None]]:
    """(number, state, outcome) of the battles that an arena has of these keys."""
    query = f"SELECT key, id, state, outcome FROM battles WHERE arena_id = {arena_id} AND key IN"
    rows = select_in(connection, query, list(keys))
    return {key: (number, state, outcome) for key, number, state, outcome in rows}


def land_battles(
    tx: Transaction, arena: Arena, items: Sequence[NewBattle], *, again: bool = True
) -> dict[str, bool]:
    """Store battles and keep the counts; return by key whether it is new or no longer waits.

    Args:
        again: a battle that waits takes its games and decision anew; False (an import) keeps what stands.
    """
    by_key = _once_each(items, again)
    stands = _standing(tx.connection, arena, by_key)
    waiting = [key for key in by_key if again and key in stands and stands[key].tally.state == "waiting"]
    new = {key: item for key, item in by_key.items() if key not in stands}
    first = next_id(tx.connection, "battles")
    ids = {key: first + offset for offset, key in enumerate(new)}
    moved = {key: _keeping(by_key[key], stands[key]) for key in waiting}
    _insert(tx, arena, ids, new)
    _update(tx, {key: stands[key].id for key in moved}, moved)
    _land_games(tx.connection, ids | {key: stands[key].id for key in moved}, by_key)
    landed = [*new.values(), *moved.values()]
    deltas = CountDeltas(arena.id)
    for item in landed:
        deltas.add(_tally(item))
    for key in moved:
        deltas.add(stands[key].tally, -1)
    deltas.apply(tx.connection)
    _reset_folds(tx.connection, arena, [item for item in landed if item.decision.outcome])
    changed = {key for key, item in moved.items() if item.decision.state is not BattleState.WAITING}
    return {key: key in new or key in changed for key in by_key}


def _once_each(items: Sequence[NewBattle], again: bool) -> dict[str, NewBattle]:
    """By key; of battles that come twice at once the first counts, or when that waits, what comes after it."""
    by_key: dict[str, NewBattle] = {}
    for item in items:
        first = by_key.setdefault(item.key, item)
        if first is not item and again and first.decision.state is BattleState.WAITING:
            by_key[item.key] = item._replace(
                category=first.category, occurred_at=first.occurred_at, position=first.position
            )
    return by_key


class _Standing(NamedTuple):
    id: int
    occurred_at: float | None
    position: int
    tally: Tally


def _standing(connection: Connection, arena: Arena, keys: Iterable[str]) -> dict[str, _Standing]:
    query = (
        f"SELECT key, id, occurred_at, position, {TALLY_COLUMNS} FROM battles"
        f" WHERE arena_id = {arena.id} AND key IN"
    )
    return {
        key: _Standing(number, at, position, Tally.of_row(tally))
        for key, number, at, position, *tally in select_in(connection, query, list(keys))
    }


def _keeping(item: NewBattle, stands: _Standing) -> NewBattle:
    """A battle that is landed again, where and in the category in which it stands."""
    return item._replace(
        category=stands.tally.category, occurred_at=stands.occurred_at, position=stands.position
    )


def _tally(item: NewBattle) -> Tally:
    d = item.decision
    return Tally(
        item.judge_id, item.category, item.player_a, item.player_b, d.state.value, d.wins_a, d.wins_b, d.ties,
        d.win_share or 0.0, item.status_a.value, item.status_b.value,
    )  # fmt: skip


def _decided(item: NewBattle, now: float) -> tuple[Any, ...]:
    d = item.decision
    return (
        d.state.value, maybe(d.reason), d.outcome.value if d.outcome else None, d.margin, d.win_share,
        d.wins_a, d.wins_b, d.ties, item.response_a, item.response_b, item.status_a.value, item.status_b.value,
        now,
    )  # fmt: skip


_COLUMNS = (
    "state", "reason", "outcome", "margin", "win_share", "wins_a", "wins_b", "ties", "response_a", "response_b",
    "status_a", "status_b", "landed_at", "id", "arena_id", "key", "judge_id", "prompt_id", "player_a", "player_b",
    "category", "turn", "round", "occurred_at", "position", "source", "attempt_id", "import_id",
)  # fmt: skip


def _insert(tx: Transaction, arena: Arena, ids: Mapping[str, int], items: Mapping[str, NewBattle]) -> None:
    now = time.time()
    insert_rows(
        tx.connection,
        "battles",
        _COLUMNS,
        (
            (
                *_decided(item, now), ids[key], arena.id, key, item.judge_id, item.prompt_id, item.player_a,
                item.player_b, maybe(item.category), item.turn, item.round, item.occurred_at, item.position,
                maybe(item.source), tx.attempt_id, tx.import_id,
            )
            for key, item in items.items()
        ),
    )  # fmt: skip


def _update(tx: Transaction, ids: Mapping[str, int], items: Mapping[str, NewBattle]) -> None:
    now = time.time()
    tx.connection.executemany(
        "UPDATE battles SET state = ?, reason = ?, outcome = ?, margin = ?, win_share = ?, wins_a = ?, wins_b = ?,"
        " ties = ?, response_a = ?, response_b = ?, status_a = ?, status_b = ?, landed_at = ?, attempt_id = ?"
        " WHERE id = ?",
        ((*_decided(item, now), tx.attempt_id, ids[key]) for key, item in items.items()),
    )


def _land_games(connection: Connection, ids: Mapping[str, int], items: Mapping[str, NewBattle]) -> None:
    connection.executemany(
        "INSERT INTO games(battle_id, swapped, verdict_id) VALUES (?, ?, ?)"
        " ON CONFLICT(battle_id, swapped) DO UPDATE SET verdict_id = excluded.verdict_id",
        (
            (number, int(swapped), verdict)
            for key, number in ids.items()
            for swapped, verdict in items[key].games
        ),
    )


def _reset_folds(connection: Connection, arena: Arena, decided: Sequence[NewBattle]) -> None:
    """Online ratings go by order, not by landing: a late arrival takes their position back before it."""
    earliest: dict[int, tuple[float, int]] = {}
    for item in decided:
        order = (float("-inf") if item.occurred_at is None else item.occurred_at, item.position)
        earliest[item.judge_id] = min(order, earliest.get(item.judge_id, order))
    for judge_id, (at, position) in earliest.items():
        connection.execute(
            "DELETE FROM online_folds WHERE arena_id = ? AND judge_id = ?"
            " AND (COALESCE(occurred_at, ?), position) >= (?, ?)",
            (arena.id, judge_id, float("-inf"), at, position),
        )
