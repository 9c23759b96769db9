"""Prompts, models, players, judges, arenas and responses as tables."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence

from engine.store.arenas import ratings_by_arena
from engine.store.export.names import Names
from engine.store.export.table import Row, Table, from_json
from engine.store.rows import decode, select_in
from engine.store.sqlite import Connection

# Prompts: one row for each member of a set.

_PROMPTS = {
    "prompt_key": "text",
    "question_id": "text",
    "prompt_set": "text",
    "messages": "json",
    "category": "text",
    "difficulty": "number",
    "meta": "json",
}
_SET_BITS, _POSITION = 32, (1 << 32) - 1


def _members(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    """Members of sets, by set and position in one number."""
    by_set: dict[int, list[int]] = {}
    for number in numbers:
        by_set.setdefault(number >> _SET_BITS, []).append(number & _POSITION)
    for set_id, positions in by_set.items():
        rows = connection.execute(
            "SELECT i.position, p.key, i.name, s.name, t.body, i.category, i.difficulty, i.meta"
            " FROM prompt_set_items i JOIN prompt_sets s ON s.id = i.set_id JOIN prompts p ON p.id = i.prompt_id"
            " LEFT JOIN texts t ON t.id = p.conversation WHERE i.set_id = ? AND i.position BETWEEN ? AND ?",
            (set_id, min(positions), max(positions)),
        )
        for position, key, name, set_name, body, category, difficulty, meta in rows:
            said = (
                key,
                decode(name),
                decode(set_name),
                _messages(body),
                decode(category),
                difficulty,
                from_json(meta),
            )
            yield set_id << _SET_BITS | position, dict(zip(_PROMPTS, said, strict=True))


def _messages(body: str | None) -> list[Row] | None:
    """Open turns are those of the assistant whose content is null."""
    if body is None:
        return None
    return [{"role": role, "content": content} for role, content in json.loads(body)]


# Models and players.

_MODELS = {
    "model": "text",
    "kind": "text",
    "identity": "text",
    "facts": "json",
    "template_hash": "text",
    "path": "text",
    "created_at": "number",
}
_PLAYERS = {
    "player_key": "text",
    "player": "text",
    "model": "text",
    "kind": "text",
    "facts": "json",
    "template_hash": "text",
    "sampling": "json",
    "path": "text",
    "alias_of": "text",
    "created_at": "number",
}


def _models(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    query = "SELECT id, name, kind, identity, facts, template_hash, path, created_at FROM models WHERE id IN"
    for number, name, kind, identity, facts, template, path, at in select_in(connection, query, numbers):
        said = (decode(name), kind, identity, from_json(facts), template, decode(path), at)
        yield number, dict(zip(_MODELS, said, strict=True))


def _players(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    query = (
        "SELECT p.id, p.key, p.name, m.name, m.kind, m.facts, m.template_hash, p.sampling, m.path, p.alias_of,"
        " p.created_at"
        " FROM players p JOIN models m ON m.id = p.model_id WHERE p.id IN"
    )
    for number, key, name, model, kind, facts, template, sampling, path, alias, at in select_in(
        connection, query, numbers
    ):
        said = (
            key,
            decode(name),
            decode(model),
            kind,
            from_json(facts),
            template,
            from_json(sampling),
            decode(path),
            names.players.get(alias),
            at,
        )
        yield number, dict(zip(_PLAYERS, said, strict=True))


# Judges and arenas.

_JUDGES = {
    "judge_key": "text",
    "judge": "text",
    "kind": "text",
    "facts": "json",
    "created_at": "number",
}
_ARENAS = {
    "arena": "text",
    "outcome_rule": "text",
    "on_cut": "text",
    "ratings": "json",
    "created_at": "number",
}


def _judges(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    query = "SELECT id, key, name, kind, facts, created_at FROM judges WHERE id IN"
    for number, key, name, kind, facts, at in select_in(connection, query, numbers):
        yield number, dict(zip(_JUDGES, (key, decode(name), kind, from_json(facts), at), strict=True))


def _arenas(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    planned = ratings_by_arena(connection)
    query = "SELECT id, name, outcome_rule, on_cut, created_at FROM arenas WHERE id IN"
    for number, name, rule, on_cut, at in select_in(connection, query, numbers):
        said = (decode(name), rule, on_cut, planned.get(decode(name)), at)
        yield number, dict(zip(_ARENAS, said, strict=True))


# Responses.

_RESPONSES = {
    "response_key": "text",
    "question_id": "text",
    "prompt_set": "text",
    "prompt_key": "text",
    "model": "text",
    "player_key": "text",
    "sample": "integer",
    "status": "text",
    "error": "text",
    "turns": "json",
    "tries": "integer",
    "created_at": "number",
}
_TURN = ("answer", "thinking", "finish_reason", "tokens_in", "tokens_out", "latency_ms")


def _responses(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    query = "SELECT id, key, prompt_id, player_id, sample, status, error, tries, created_at FROM responses WHERE id IN"
    rows = list(select_in(connection, query, numbers))
    prompts = names.prompts(row[2] for row in rows)
    turns = _turns(connection, names, numbers)
    for number, key, prompt, player, sample, status, error, tries, at in rows:
        set_name, name, prompt_key = prompts[prompt]
        said = (
            key,
            name,
            set_name,
            prompt_key,
            names.players[player],
            names.player_keys[player],
            sample,
            status,
            decode(error),
            turns.get(number, []),
            tries,
            at,
        )
        yield number, dict(zip(_RESPONSES, said, strict=True))


def _turns(connection: Connection, names: Names, numbers: Sequence[int]) -> dict[int, list[Row]]:
    query = (
        "SELECT response_id, turn, answer, thinking, finish_reason, tokens_in, tokens_out, latency_ms"
        " FROM response_turns WHERE response_id IN"
    )
    rows = sorted(select_in(connection, query, numbers), key=lambda row: row[:2])
    texts = names.texts(number for row in rows for number in row[2:4])
    turns: dict[int, list[Row]] = {}
    for number, _, answer, thinking, reason, *counts in rows:
        said = (texts[answer], texts[thinking], decode(reason), *counts)
        turns.setdefault(number, []).append(dict(zip(_TURN, said, strict=True)))
    return turns


PROMPTS = Table(
    _PROMPTS,
    "SELECT i.set_id << 32 | i.position FROM prompt_set_items i {where} ORDER BY i.set_id, i.position",
    _members,
    {"set": "i.set_id = (SELECT id FROM prompt_sets WHERE name = ?)"},
)
MODELS = Table(_MODELS, "SELECT m.id FROM models m {where} ORDER BY m.id", _models)
PLAYERS = Table(_PLAYERS, "SELECT p.id FROM players p {where} ORDER BY p.id", _players)
JUDGES = Table(_JUDGES, "SELECT j.id FROM judges j {where} ORDER BY j.id", _judges)
ARENAS = Table(_ARENAS, "SELECT a.id FROM arenas a {where} ORDER BY a.id", _arenas)
RESPONSES = Table(
    _RESPONSES,
    "SELECT r.id FROM responses r {where} ORDER BY r.id",
    _responses,
    {"model": "r.player_id = (SELECT id FROM players WHERE name = ?)"},
)
