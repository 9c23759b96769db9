"""Content keys derived again from the rows that they stand for.

What is covered: texts (their hash), prompts, models, players, judges (by what they say of themselves), responses,
imported verdicts and battles, verdicts of judges that render nothing (a checker), and battles whose responses are
known. Not covered: verdicts of an LLM judge, whose key hashes the messages as they were rendered. They can be had
only by rendering again, which takes the judge's template and is not the store's business; they are counted.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from engine import keys
from engine.records import Conversation, Message
from engine.store.derivations import (
    battle_keys,
    judge_keys,
    player_key,
    recorded_verdict_keys,
    renders,
    response_keys,
)
from engine.store.rows import decode, select_in
from engine.store.sqlite import Connection
from engine.store.texts import text_hash


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A row whose key does not follow from what it holds: it was changed by hand, or the file is damaged."""

    table: str
    id: int
    key: str


Derived = Iterator[tuple[int, str, "set[str] | None"]]
"""(number, key, keys that its row could have; None where they cannot be derived)."""

_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError)
"""What reading a column of ours as what it should be can raise."""


def verify(connection: Connection, counts: Counter[str] | None = None) -> Iterator[Mismatch]:
    """Derive every key again, a few rows at a time.

    Args:
        counts: gets the rows by table that were derived, and `TABLE not derivable` for those that cannot be.
    """
    counts = Counter() if counts is None else counts
    for table, derive in _TABLES.items():
        for number, key, candidates in derive(connection):
            counts[table if candidates is not None else f"{table} not derivable"] += 1
            if candidates is not None and key not in candidates:
                yield Mismatch(table, number, key)


def _texts(connection: Connection) -> Derived:
    for number, digest, body in connection.execute("SELECT id, hash, body FROM texts ORDER BY id"):
        yield number, digest.hex(), {text_hash(decode(body)).hex()}


def _prompts(connection: Connection) -> Derived:
    rows = connection.execute(
        "SELECT p.id, p.key, t.body FROM prompts p LEFT JOIN texts t ON t.id = p.conversation ORDER BY p.id"
    )
    for number, key, body in rows:
        candidates: set[str] = set()
        if body is not None:
            candidates |= _derived(_conversation_key, body)
        if key not in candidates:  # it was known by its name before it had a text, if it ever got one
            candidates |= {keys.named_prompt_key(*one) for one in _names_of(connection, number)}
        yield number, key, candidates or None


def _names_of(connection: Connection, prompt_id: int) -> list[tuple[str, str]]:
    rows = connection.execute(
        "SELECT s.name, i.name FROM prompt_set_items i JOIN prompt_sets s ON s.id = i.set_id WHERE i.prompt_id = ?",
        (prompt_id,),
    )
    return [(decode(set_name), decode(name)) for set_name, name in rows]


def _models(connection: Connection) -> Derived:
    rows = connection.execute("SELECT id, identity, kind, facts, template_hash FROM models ORDER BY id")
    for number, identity, kind, facts, template in rows:
        yield number, identity, _derived(_model_identity, kind, facts, template)


def _players(connection: Connection) -> Derived:
    rows = connection.execute(
        "SELECT p.id, p.key, m.kind, m.facts, m.template_hash, p.sampling FROM players p"
        " JOIN models m ON m.id = p.model_id ORDER BY p.id"
    )
    for number, key, kind, facts, template, sampling in rows:
        yield number, key, _derived(_player_key, kind, facts, template, sampling)


def _judges(connection: Connection) -> Derived:
    for number, key, facts in connection.execute("SELECT id, key, facts FROM judges ORDER BY id"):
        said = _object(facts)
        yield number, key, set() if said is None else judge_keys(said)


def _responses(connection: Connection) -> Derived:
    rows = connection.execute(
        "SELECT r.id, r.key, a.key, p.key, r.sample FROM responses r JOIN players a ON a.id = r.player_id"
        " JOIN prompts p ON p.id = r.prompt_id ORDER BY r.id"
    )
    for group in _groups(rows):
        answers = _answers(connection, [row[0] for row in group])
        for number, key, player, prompt, sample in group:
            yield number, key, response_keys(player, prompt, sample, answers.get(number, []))


def _answers(connection: Connection, numbers: list[int]) -> dict[int, list[str]]:
    query = (
        "SELECT r.response_id, r.turn, t.body FROM response_turns r JOIN texts t ON t.id = r.answer"
        " WHERE r.response_id IN"
    )
    answers: dict[int, list[str]] = {}
    for number, _, body in sorted(select_in(connection, query, numbers), key=lambda row: row[:2]):
        answers.setdefault(number, []).append(decode(body))
    return answers


def _verdicts(connection: Connection) -> Derived:
    rendering = {
        number
        for number, facts in connection.execute("SELECT id, facts FROM judges")
        if renders(_object(facts) or {})
    }
    rows = connection.execute(
        "SELECT v.id, v.key, v.judge_id, j.key, p.key, v.turn, v.source, a.key, b.key, ra.key, rb.key FROM verdicts v"
        " JOIN judges j ON j.id = v.judge_id JOIN prompts p ON p.id = v.prompt_id"
        " JOIN players a ON a.id = v.player_first LEFT JOIN players b ON b.id = v.player_second"
        " LEFT JOIN responses ra ON ra.id = v.response_first LEFT JOIN responses rb ON rb.id = v.response_second"
        " ORDER BY v.id"
    )
    for number, key, judge_id, judge, prompt, turn, source, *shown in rows:
        if source is not None:
            yield number, key, recorded_verdict_keys(judge, prompt, turn, decode(source), *shown[:2])
        elif judge_id in rendering or shown[2] is None:
            yield number, key, None
        else:
            yield number, key, {keys.compared_verdict_key(judge, prompt, shown[2], shown[3], turn)}


def _battles(connection: Connection) -> Derived:
    rows = connection.execute(
        "SELECT b.id, b.key, j.key, p.key, b.turn, pa.key, pb.key, ra.key, rb.key, COALESCE(b.source, (SELECT"
        " v.source FROM games g JOIN verdicts v ON v.id = g.verdict_id WHERE g.battle_id = b.id ORDER BY g.swapped"
        " LIMIT 1)) FROM battles b"
        " JOIN judges j ON j.id = b.judge_id JOIN prompts p ON p.id = b.prompt_id"
        " JOIN players pa ON pa.id = b.player_a JOIN players pb ON pb.id = b.player_b"
        " LEFT JOIN responses ra ON ra.id = b.response_a LEFT JOIN responses rb ON rb.id = b.response_b ORDER BY b.id"
    )
    for number, key, judge, prompt, turn, player_a, player_b, response_a, response_b, source in rows:
        players, responses = (player_a, player_b), (response_a, response_b)
        yield number, key, battle_keys(judge, prompt, turn, players, responses, decode(source)) or None


def _derived(derive: Callable[..., str], *stored: Any) -> set[str]:
    """The key by what a row holds; none fits where it holds what none of ours does."""
    try:
        return {derive(*stored)}
    except _UNREADABLE:
        return set()


def _conversation_key(body: str) -> str:
    return keys.prompt_key(Conversation(tuple(Message(*message) for message in json.loads(body))))


def _model_identity(kind: str, facts: str, template: str | None) -> str:
    return keys.content_hash({"kind": kind, "facts": json.loads(facts), "template": template})


def _player_key(kind: str, facts: str, template: str | None, sampling: str | None) -> str:
    return player_key(kind, json.loads(facts), template, None if sampling is None else json.loads(sampling))


def _object(facts: str) -> dict[str, Any] | None:
    """A JSON object; None where it is none."""
    try:
        said = json.loads(facts)
    except (ValueError, TypeError):
        return None
    return said if isinstance(said, dict) else None


def _groups(rows: Iterable[tuple[Any, ...]], size: int = 1_000) -> Iterator[list[tuple[Any, ...]]]:
    group: list[tuple[Any, ...]] = []
    for row in rows:
        group.append(row)
        if len(group) == size:
            yield group
            group = []
    if group:
        yield group


_TABLES: dict[str, Callable[[Connection], Derived]] = {
    "texts": _texts,
    "prompts": _prompts,
    "models": _models,
    "players": _players,
    "judges": _judges,
    "responses": _responses,
    "verdicts": _verdicts,
    "battles": _battles,
}
