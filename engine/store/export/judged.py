"""Verdicts, games and battles as tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

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
    "prompt_key": "text",
    "model": "text",
    "model_a": "text",
    "model_b": "text",
    "player_key_first": "text",
    "player_key_second": "text",
    "response_key_first": "text",
    "response_key_second": "text",
    **_SAID,
    "judge_key": "text",
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
        set_name, name, prompt_key = prompts[prompt]
        single = second is None
        yield (
            number,
            {
                "verdict_key": key,
                "try": tries,
                "question_id": name,
                "prompt_set": set_name,
                "prompt_key": prompt_key,
                "model": names.players[first] if single else None,
                "model_a": None if single else names.players[first],
                "model_b": None if single else names.players[second],
                "player_key_first": names.player_keys[first],
                "player_key_second": names.player_keys.get(second),
                "response_key_first": keys[response_first],
                "response_key_second": keys[response_second],
                **_said(row[8:21], texts, names),
                "judge_key": names.judge_keys[row[20]],
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
    "outcome_rule": "text",
    "on_cut": "text",
    "judge": "text",
    "judge_key": "text",
    "question_id": "text",
    "prompt_set": "text",
    "prompt_key": "text",
    "category": "text",
    "model_a": "text",
    "model_b": "text",
    "player_key_a": "text",
    "player_key_b": "text",
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
    "verdict_keys": "json",
    "status_a": "text",
    "status_b": "text",
    "response_key_a": "text",
    "response_key_b": "text",
    "battle_source": "text",
}
_WINNERS = {"a": "model_a", "b": "model_b", "tie": "tie", None: None}
_BATTLE_QUERY = (
    "SELECT id, key, arena_id, judge_id, prompt_id, category, player_a, player_b, outcome, margin, win_share, state,"
    " reason, turn, round, occurred_at, position, status_a, status_b, response_a, response_b, source FROM battles"
    " WHERE id IN"
)
_GAME_QUERY = (
    "SELECT g.battle_id, g.swapped, g.verdict_id, v.key, v.try FROM games g JOIN verdicts v ON v.id = g.verdict_id"
    " WHERE g.battle_id IN"
)


def _battles(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    rows = list(select_in(connection, _BATTLE_QUERY, numbers))
    prompts = names.prompts(row[4] for row in rows)
    keys = responses_by_id(connection, (number for row in rows for number in row[19:21]))
    games = _games_of(connection, numbers)
    for row in rows:
        number, key, arena, judge, prompt, category, a, b, outcome, margin, share, state, reason, *rest = row
        turn, round_number, at, position, status_a, status_b, response_a, response_b, source = rest
        set_name, name, prompt_key = prompts[prompt]
        played = games.get(number, [])
        said = (
            key,
            names.arenas[arena],
            *names.rules[arena],
            names.judges[judge],
            names.judge_keys[judge],
            name,
            set_name,
            prompt_key,
            decode(category),
            names.players[a],
            names.players[b],
            names.player_keys[a],
            names.player_keys[b],
            _WINNERS[outcome],
            margin,
            share,
            state,
            decode(reason),
            turn,
            round_number,
            at,
            position,
            len(played),
            [game.ref() for game in played],
            status_a,
            status_b,
            keys[response_a],
            keys[response_b],
            decode(source),
        )
        yield number, dict(zip(_BATTLES, said, strict=True))


class _Game(NamedTuple):
    """A game, and the verdict that it rests on."""

    swapped: bool
    verdict_id: int
    verdict_key: str
    number: int

    def ref(self) -> Row:
        return {"swapped": self.swapped, "verdict_key": self.verdict_key, "try": self.number}


def _games_of(connection: Connection, numbers: Sequence[int]) -> dict[int, list[_Game]]:
    games: dict[int, list[_Game]] = {}
    for battle, swapped, *verdict in sorted(select_in(connection, _GAME_QUERY, numbers)):
        games.setdefault(battle, []).append(_Game(bool(swapped), *verdict))
    return games


_GAMES = {
    "verdict_key": "text",
    "try": "integer",
    "battle_key": "text",
    "source_id": "text",
    "question_id": "text",
    "prompt_set": "text",
    "prompt_key": "text",
    "model_a": "text",
    "model_b": "text",
    "player_key_a": "text",
    "player_key_b": "text",
    "swapped": "boolean",
    "player_key_first": "text",
    "player_key_second": "text",
    **_SAID,
    "judge_key": "text",
    "category": "text",
    "arena": "text",
    "outcome_rule": "text",
    "on_cut": "text",
    "round": "integer",
    "occurred_at": "number",
    "position": "integer",
    "n_games": "integer",
    "state": "text",
    "battle_reason": "text",
    "winner": "text",
    "margin": "number",
    "status_a": "text",
    "status_b": "text",
    "response_key_a": "text",
    "response_key_b": "text",
    "response_key_first": "text",
    "response_key_second": "text",
}


def _games(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    games = _games_of(connection, numbers)
    verdicts = dict(
        _verdicts(connection, names, [game.verdict_id for played in games.values() for game in played])
    )
    for battle_id, battle in _battles(connection, names, numbers):
        for game in games.get(battle_id, []):
            said = verdicts[game.verdict_id]
            own = said["source_id"] != said["verdict_key"]
            fought = {
                "source_id": said["source_id"] if own else battle["battle_key"],
                "swapped": game.swapped,
                "occurred_at": battle["tstamp"],
                "n_games": battle["games"],
                "battle_reason": battle["reason"],
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
