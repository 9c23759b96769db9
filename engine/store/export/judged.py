"""Verdicts, games and battles as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from engine.store.export.names import Names, responses_by_id
from engine.store.export.table import Row, Table, from_json
from engine.store.rows import decode, select_in
from engine.store.sqlite import Connection

# Verdicts: as shown (first, second), and as games of their battles.

_SAID = {
    "kind": "text",
    "status": "text",
    "value": "json",
    "reason": "text",
    "explanation": "text",
    "raw": "text",
    "thinking": "text",
    "finish_reason": "text",
    "tokens_in": "integer",
    "tokens_out": "integer",
    "latency_ms": "number",
    "turn": "integer",
    "judge": "text",
}
_VERDICTS = {
    "verdict_key": "text",
    "try": "integer",
    "question_id": "text",
    "prompt_set": "text",
    "model": "text",
    "model_a": "text",
    "model_b": "text",
    "response_key_first": "text",
    "response_key_second": "text",
    **_SAID,
    "source_id": "text",
    "created_at": "number",
}
_VERDICT_QUERY = (
    "SELECT id, key, try, prompt_id, player_first, player_second, response_first, response_second, kind, status, value,"
    " reason, explanation, raw, thinking, finish_reason, tokens_in, tokens_out, latency_ms, turn, judge_id, source,"
    " created_at FROM verdicts WHERE id IN"
)


def _verdicts(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    rows = list(select_in(connection, _VERDICT_QUERY, numbers))
    prompts = names.prompts(row[3] for row in rows)
    texts = names.texts(number for row in rows for number in row[12:15])
    keys = responses_by_id(connection, (number for row in rows for number in row[6:8]))
    for row in rows:
        number, key, tries, prompt, first, second, response_first, response_second = row[:8]
        set_name, name = prompts[prompt]
        single = second is None
        yield (
            number,
            {
                "verdict_key": key,
                "try": tries,
                "question_id": name,
                "prompt_set": set_name,
                "model": names.players[first] if single else None,
                "model_a": None if single else names.players[first],
                "model_b": None if single else names.players[second],
                "response_key_first": keys[response_first],
                "response_key_second": keys[response_second],
                **_said(row[8:21], texts, names),
                "source_id": decode(row[21]) or key,
                "created_at": row[22],
            },
        )


def _said(row: Sequence[Any], texts: dict[int | None, str | None], names: Names) -> Row:
    (
        kind,
        status,
        value,
        reason,
        explanation,
        raw,
        thinking,
        finish,
        tokens_in,
        tokens_out,
        latency,
        turn,
        judge,
    ) = row
    said = (
        kind,
        status,
        from_json(value),
        decode(reason),
        texts[explanation],
        texts[raw],
        texts[thinking],
        decode(finish),
        tokens_in,
        tokens_out,
        latency,
        turn,
        names.judges[judge],
    )
    return dict(zip(_SAID, said, strict=True))


# Battles, and their games.

_BATTLES = {
    "battle_key": "text",
    "arena": "text",
    "judge": "text",
    "question_id": "text",
    "prompt_set": "text",
    "category": "text",
    "model_a": "text",
    "model_b": "text",
    "winner": "text",
    "margin": "number",
    "win_share": "number",
    "state": "text",
    "reason": "text",
    "turn": "integer",
    "round": "integer",
    "tstamp": "number",
    "position": "integer",
    "games": "integer",
    "status_a": "text",
    "status_b": "text",
    "response_key_a": "text",
    "response_key_b": "text",
}
_WINNERS = {"a": "model_a", "b": "model_b", "tie": "tie", None: None}
_BATTLE_QUERY = (
    "SELECT id, key, arena_id, judge_id, prompt_id, category, player_a, player_b, outcome, margin, win_share, state,"
    " reason, turn, round, occurred_at, position, status_a, status_b, response_a, response_b FROM battles WHERE id IN"
)
_GAME_QUERY = "SELECT battle_id, swapped, verdict_id FROM games WHERE battle_id IN"


def _battles(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    rows = list(select_in(connection, _BATTLE_QUERY, numbers))
    prompts = names.prompts(row[4] for row in rows)
    keys = responses_by_id(connection, (number for row in rows for number in row[19:21]))
    games = _games_of(connection, numbers)
    for row in rows:
        number, key, arena, judge, prompt, category, a, b, outcome, margin, share, state, reason, *rest = row
        turn, round_number, at, position, status_a, status_b, response_a, response_b = rest
        set_name, name = prompts[prompt]
        said = (
            key,
            names.arenas[arena],
            names.judges[judge],
            name,
            set_name,
            decode(category),
            names.players[a],
            names.players[b],
            _WINNERS[outcome],
            margin,
            share,
            state,
            decode(reason),
            turn,
            round_number,
            at,
            position,
            len(games.get(number, ())),
            status_a,
            status_b,
            keys[response_a],
            keys[response_b],
        )
        yield number, dict(zip(_BATTLES, said, strict=True))


def _games_of(connection: Connection, numbers: Sequence[int]) -> dict[int, list[tuple[bool, int]]]:
    games: dict[int, list[tuple[bool, int]]] = {}
    for battle, swapped, verdict in sorted(select_in(connection, _GAME_QUERY, numbers)):
        games.setdefault(battle, []).append((bool(swapped), verdict))
    return games


_GAMES = {
    "verdict_key": "text",
    "battle_key": "text",
    "source_id": "text",
    "question_id": "text",
    "prompt_set": "text",
    "model_a": "text",
    "model_b": "text",
    "swapped": "boolean",
    **_SAID,
    "category": "text",
    "arena": "text",
    "round": "integer",
    "occurred_at": "number",
    "response_key_a": "text",
    "response_key_b": "text",
}


def _games(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    games = _games_of(connection, numbers)
    verdicts = dict(
        _verdicts(connection, names, [number for played in games.values() for _, number in played])
    )
    for battle_id, battle in _battles(connection, names, numbers):
        for swapped, verdict_id in games.get(battle_id, []):
            said = verdicts[verdict_id]
            own = said["source_id"] != said["verdict_key"]
            fought = {
                "source_id": said["source_id"] if own else battle["battle_key"],
                "swapped": swapped,
                "occurred_at": battle["tstamp"],
            }
            shared = {name: battle[name] for name in _GAMES if name in battle and name not in _SAID}
            yield battle_id, {name: (said | shared | fought)[name] for name in _GAMES}


_OF_BATTLES = {
    "arena": "b.arena_id = (SELECT id FROM arenas WHERE name = ?)",
    "judge": "b.judge_id = (SELECT id FROM judges WHERE name = ?)",
    "category": "b.category = ?",
}
_BATTLE_ORDER = "SELECT b.id FROM battles b {where} ORDER BY b.arena_id, b.position, b.id"


VERDICTS = Table(
    _VERDICTS,
    "SELECT v.id FROM verdicts v {where} ORDER BY v.id",
    _verdicts,
    {"judge": "v.judge_id = (SELECT id FROM judges WHERE name = ?)", "kind": "v.kind = ?"},
)
GAMES = Table(_GAMES, _BATTLE_ORDER, _games, _OF_BATTLES)
BATTLES = Table(_BATTLES, _BATTLE_ORDER, _battles, _OF_BATTLES)
