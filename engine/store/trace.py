"""From a battle back to everything that it came from: prompt, responses, games, what the judge said."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.records import Conversation, Turn, Verdict
from engine.store.prompts import read_conversation
from engine.store.responses import read_turns
from engine.store.rows import decode, maybe
from engine.store.sqlite import Connection
from engine.store.verdicts import VERDICT_COLUMNS, verdict_of


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a battle, as it was. `turns` is None where the response's text is unknown."""

    player: str
    key: str
    model: Mapping[str, Any]
    sampling: Mapping[str, Any] | None
    status: str
    response_key: str | None
    turns: tuple[Turn, ...] | None


@dataclass(frozen=True, slots=True)
class TracedGame:
    """One game: which side was shown first, and the verdict as shown."""

    swapped: bool
    verdict_key: str
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class BattleTrace:
    """A battle with its provenance. `came_from` names the import, or the job and attempt, that landed it."""

    id: int
    key: str
    arena: str
    outcome_rule: str
    on_cut: str
    judge: str
    judge_facts: Mapping[str, Any]
    prompt_key: str
    prompt_names: tuple[tuple[str, str], ...]
    conversation: Conversation | None
    category: str | None
    turn: int | None
    state: str
    reason: str | None
    outcome: str | None
    margin: float | None
    win_share: float | None
    a: Side
    b: Side
    games: tuple[TracedGame, ...]
    came_from: str


@dataclass(frozen=True, slots=True)
class BattleLine:
    """A battle in one line of a list."""

    id: int
    prompt: str | None
    category: str | None
    a: str
    b: str
    state: str
    outcome: str | None
    margin: float | None
    reason: str | None


def list_battles(
    connection: Connection,
    arena_id: int,
    judge_id: int,
    *,
    category: str | None = None,
    state: str | None = None,
    models: tuple[str, ...] = (),
    limit: int = 50,
    after: int = 0,
) -> list[BattleLine]:
    """Battles of an arena before a judge by number, from behind `after` on.

    Args:
        models: only battles in which all of these fight (one or two names).
    """
    clause = "b.arena_id = ? AND b.judge_id = ? AND b.id > ?"
    values: list[Any] = [arena_id, judge_id, after]
    if category is not None:
        clause += " AND b.category = ?"
        values.append(maybe(category))
    if state is not None:
        clause += " AND b.state = ?"
        values.append(state)
    for name in models:
        clause += " AND ? IN (pa.name, pb.name)"
        values.append(maybe(name))
    rows = connection.execute(
        "SELECT b.id, (SELECT i.name FROM prompt_set_items i WHERE i.prompt_id = b.prompt_id LIMIT 1), b.category,"
        " pa.name, pb.name, b.state, b.outcome, b.margin, b.reason"
        " FROM battles b JOIN players pa ON pa.id = b.player_a JOIN players pb ON pb.id = b.player_b"
        f" WHERE {clause} ORDER BY b.id LIMIT ?",
        [*values, limit],
    )
    return [
        BattleLine(
            number, decode(prompt), decode(cat), decode(a), decode(b), now, outcome, margin, decode(reason)
        )
        for number, prompt, cat, a, b, now, outcome, margin, reason in rows
    ]


def models_of(connection: Connection, arena_id: int, judge_id: int) -> list[str]:
    """The models that have battles of any state before a judge, in the order of the alphabet."""
    rows = connection.execute(
        "SELECT name FROM players WHERE id IN (SELECT a FROM pair_counts WHERE arena_id = ?1 AND judge_id = ?2"
        " UNION SELECT b FROM pair_counts WHERE arena_id = ?1 AND judge_id = ?2)",
        (arena_id, judge_id),
    )
    return sorted(str(decode(name)) for (name,) in rows)


def trace_battle(connection: Connection, battle_id: int) -> BattleTrace | None:
    """Everything behind a battle; None when there is none of that number."""
    row = connection.execute(
        "SELECT b.key, ar.name, ar.outcome_rule, ar.on_cut, j.name, j.facts, p.key, b.prompt_id, b.category, b.turn,"
        " b.state, b.reason, b.outcome, b.margin, b.win_share, b.player_a, b.player_b, b.response_a, b.response_b,"
        " b.status_a, b.status_b, b.import_id, b.attempt_id"
        " FROM battles b JOIN arenas ar ON ar.id = b.arena_id JOIN judges j ON j.id = b.judge_id"
        " JOIN prompts p ON p.id = b.prompt_id WHERE b.id = ?",
        (battle_id,),
    ).fetchone()
    if row is None:
        return None
    key, arena, rule, on_cut, judge, facts, prompt_key, prompt_id, category, turn, *decided = row
    state, reason, outcome, margin, share, player_a, player_b, response_a, response_b, *rest = decided
    status_a, status_b, import_id, attempt_id = rest
    return BattleTrace(
        battle_id,
        key,
        decode(arena),
        rule,
        on_cut,
        decode(judge),
        json.loads(facts),
        prompt_key,
        _prompt_names(connection, prompt_id),
        read_conversation(connection, prompt_id),
        decode(category),
        turn,
        state,
        decode(reason),
        outcome,
        margin,
        share,
        _side(connection, player_a, response_a, status_a),
        _side(connection, player_b, response_b, status_b),
        _games(connection, battle_id),
        _came_from(connection, import_id, attempt_id),
    )


def _side(connection: Connection, player_id: int, response_id: int | None, status: str) -> Side:
    name, key, facts, sampling = connection.execute(
        "SELECT p.name, p.key, m.facts, p.sampling FROM players p JOIN models m ON m.id = p.model_id WHERE p.id = ?",
        (player_id,),
    ).fetchone()
    response_key = None
    if response_id is not None:
        response_key = connection.execute(
            "SELECT key FROM responses WHERE id = ?", (response_id,)
        ).fetchone()[0]
    turns = None if response_id is None else read_turns(connection, response_id)
    said = json.loads(sampling) if sampling else None
    return Side(decode(name), key, json.loads(facts), said, status, response_key, turns)


def _games(connection: Connection, battle_id: int) -> tuple[TracedGame, ...]:
    rows = connection.execute(
        f"{VERDICT_COLUMNS.replace('SELECT v.key', 'SELECT g.swapped, v.key', 1)}"
        " JOIN games g ON g.verdict_id = v.id WHERE g.battle_id = ? ORDER BY g.swapped",
        (battle_id,),
    )
    return tuple(TracedGame(bool(swapped), row[0], verdict_of(row)) for swapped, *row in rows)


def _prompt_names(connection: Connection, prompt_id: int) -> tuple[tuple[str, str], ...]:
    rows = connection.execute(
        "SELECT s.name, i.name FROM prompt_set_items i JOIN prompt_sets s ON s.id = i.set_id WHERE i.prompt_id = ?",
        (prompt_id,),
    )
    return tuple((decode(of), decode(name)) for of, name in rows)


def _came_from(connection: Connection, import_id: int | None, attempt_id: int | None) -> str:
    if import_id is not None:
        form = connection.execute("SELECT format FROM imports WHERE id = ?", (import_id,)).fetchone()[0]
        return f"import {import_id} ({form})"
    if attempt_id is not None:
        job, number = connection.execute(
            "SELECT job_id, number FROM attempts WHERE id = ?", (attempt_id,)
        ).fetchone()
        return f"job {job}, attempt {number}"
    return "a preflight"
