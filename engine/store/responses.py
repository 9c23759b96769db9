"""Responses: landed once under their content key, read back whole."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.records import Response, ResponseStatus, Turn
from engine.store import texts
from engine.store.rows import decode, insert_rows, maybe, next_id, select_in
from engine.store.sqlite import Connection
from engine.store.store import Transaction


class NewResponse(NamedTuple):
    """A response on its way into the store. `tries` is how often it was asked for."""

    key: str
    prompt_id: int
    player_id: int
    response: Response
    tries: int = 1


class LandedResponse(NamedTuple):
    """`new` is False when the key had a result already: that one stays, and `status` is its."""

    id: int
    new: bool
    status: ResponseStatus


def land_responses(
    tx: Transaction, items: Sequence[NewResponse], *, again: bool = True
) -> dict[str, LandedResponse]:
    """Store responses by key. A result is never overwritten.

    Args:
        again: a failure gives way to what came of trying again; False (an import) keeps what stands.
    """
    by_key = {item.key: item for item in items}
    stands = _standing(tx.connection, by_key)
    failed = {key for key, (_, status) in stands.items() if status == "failed" and again}
    retried = {key: item for key, item in by_key.items() if key in failed}
    new = {key: item for key, item in by_key.items() if key not in stands}
    numbers = texts.intern(tx.connection, _texts_of([*new.values(), *retried.values()]))
    first = next_id(tx.connection, "responses")
    ids = {key: first + offset for offset, key in enumerate(new)}
    _insert(tx, ids, new)
    _replace_failures(tx, {key: stands[key][0] for key in retried}, retried)
    rewritten = ids | {key: stands[key][0] for key in retried}
    _insert_turns(tx.connection, rewritten, by_key, numbers)
    landed = {
        key: LandedResponse(number, False, ResponseStatus(was)) for key, (number, was) in stands.items()
    }
    return landed | {
        key: LandedResponse(number, True, by_key[key].response.status) for key, number in rewritten.items()
    }


def _standing(connection: Connection, by_key: Mapping[str, NewResponse]) -> dict[str, tuple[int, str]]:
    query = "SELECT key, id, status FROM responses WHERE key IN"
    return {key: (number, status) for key, number, status in select_in(connection, query, list(by_key))}


def _texts_of(items: Iterable[NewResponse]) -> set[str]:
    turns = [turn for item in items for turn in item.response.turns]
    return {turn.answer for turn in turns} | {turn.thinking for turn in turns if turn.thinking is not None}


def _facts(item: NewResponse, now: float) -> tuple[Any, ...]:
    response = item.response
    return (
        response.status.value,
        maybe(response.error),
        _total(turn.tokens_in for turn in response.turns),
        _total(turn.tokens_out for turn in response.turns),
        _total(turn.latency_ms for turn in response.turns),
        sum(len(turn.answer) for turn in response.turns),
        now,
    )


_COLUMNS = (
    "status", "error", "tokens_in", "tokens_out", "latency_ms", "characters", "created_at", "id", "key", "prompt_id",
    "player_id", "sample", "tries", "attempt_id", "import_id",
)  # fmt: skip
_TURN_COLUMNS = (
    "response_id", "turn", "answer", "thinking", "finish_reason", "tokens_in", "tokens_out", "latency_ms",
)  # fmt: skip


def _insert(tx: Transaction, ids: Mapping[str, int], items: Mapping[str, NewResponse]) -> None:
    now = time.time()
    insert_rows(
        tx.connection,
        "responses",
        _COLUMNS,
        (
            (
                *_facts(item, now),
                ids[key],
                key,
                item.prompt_id,
                item.player_id,
                item.response.sample,
                item.tries,
                tx.attempt_id,
                tx.import_id,
            )
            for key, item in items.items()
        ),
    )


def _replace_failures(tx: Transaction, ids: Mapping[str, int], items: Mapping[str, NewResponse]) -> None:
    now = time.time()
    tx.connection.executemany(
        "DELETE FROM response_turns WHERE response_id = ?", ((n,) for n in ids.values())
    )
    tx.connection.executemany(
        "UPDATE responses SET status = ?, error = ?, tokens_in = ?, tokens_out = ?, latency_ms = ?, characters = ?,"
        " created_at = ?, tries = tries + 1, attempt_id = ? WHERE id = ?",
        ((*_facts(item, now), tx.attempt_id, ids[key]) for key, item in items.items()),
    )


def _insert_turns(
    connection: Connection,
    ids: Mapping[str, int],
    items: Mapping[str, NewResponse],
    numbers: Mapping[str, int],
) -> None:
    insert_rows(
        connection,
        "response_turns",
        _TURN_COLUMNS,
        (
            (
                number,
                position,
                numbers[turn.answer],
                None if turn.thinking is None else numbers[turn.thinking],
                maybe(turn.finish_reason),
                turn.tokens_in,
                turn.tokens_out,
                turn.latency_ms,
            )
            for key, number in ids.items()
            for position, turn in enumerate(items[key].response.turns, start=1)
        ),
    )


def _total(values: Iterable[Any]) -> Any:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


@dataclass(frozen=True, slots=True)
class StoredResponse:
    """A response of the store."""

    id: int
    key: str
    prompt_id: int
    player_id: int
    tries: int
    response: Response


def read_responses(connection: Connection, keys: Iterable[str]) -> dict[str, StoredResponse]:
    """The responses that the store has of these keys, failures too."""
    query = "SELECT id, key, prompt_id, player_id, sample, status, error, tries FROM responses WHERE key IN"
    rows = list(select_in(connection, query, list(keys)))
    turns = _read_turns(connection, [row[0] for row in rows])
    return {
        key: StoredResponse(
            number,
            key,
            prompt,
            player,
            tries,
            Response(ResponseStatus(status), tuple(turns.get(number, ())), sample, decode(error)),
        )
        for number, key, prompt, player, sample, status, error, tries in rows
    }


class Spoken(NamedTuple):
    """Who said a response to what, without its text."""

    id: int
    prompt_id: int
    player_id: int
    status: ResponseStatus


def find_responses(connection: Connection, keys: Iterable[str]) -> dict[str, Spoken]:
    """The responses that the store has of these keys."""
    query = "SELECT key, id, prompt_id, player_id, status FROM responses WHERE key IN"
    return {
        key: Spoken(number, prompt, player, ResponseStatus(status))
        for key, number, prompt, player, status in select_in(connection, query, list(keys))
    }


def keys_by_prompt(connection: Connection, player_id: int) -> dict[int, list[str]]:
    """Keys of all responses of a player that are no failures, by prompt, in the order in which they came."""
    rows = connection.execute(
        "SELECT prompt_id, key FROM responses WHERE player_id = ? AND status != 'failed' ORDER BY id",
        (player_id,),
    )
    found: dict[int, list[str]] = {}
    for prompt_id, key in rows:
        found.setdefault(prompt_id, []).append(key)
    return found


class Found(NamedTuple):
    """A response that is referred to, without its text."""

    id: int
    key: str
    status: ResponseStatus


def sole_response(connection: Connection, prompt_id: int, player_id: int) -> Found | None:
    """The one response of a player to a prompt that is no failure; None where there is none, or several."""
    rows = connection.execute(
        "SELECT id, key, status FROM responses WHERE prompt_id = ? AND player_id = ? AND status != 'failed' LIMIT 2",
        (prompt_id, player_id),
    ).fetchall()
    return Found(rows[0][0], rows[0][1], ResponseStatus(rows[0][2])) if len(rows) == 1 else None


def has_responses(connection: Connection, player_id: int) -> bool:
    """Whether a player has any response."""
    row = connection.execute("SELECT 1 FROM responses WHERE player_id = ? LIMIT 1", (player_id,)).fetchone()
    return row is not None


def statuses(connection: Connection, keys: Iterable[str]) -> dict[str, tuple[ResponseStatus, int]]:
    """Status and number of tries of the responses that the store has of these keys, without their texts."""
    query = "SELECT key, status, tries FROM responses WHERE key IN"
    return {
        key: (ResponseStatus(status), tries)
        for key, status, tries in select_in(connection, query, list(keys))
    }


def _read_turns(connection: Connection, ids: Sequence[int]) -> dict[int, list[Turn]]:
    query = """
        SELECT r.response_id, r.turn, a.body, t.body, r.finish_reason, r.tokens_in, r.tokens_out, r.latency_ms
        FROM response_turns r JOIN texts a ON a.id = r.answer LEFT JOIN texts t ON t.id = r.thinking
        WHERE r.response_id IN
    """
    turns: dict[int, list[Turn]] = {}
    for number, _, answer, thinking, reason, *counts in sorted(
        select_in(connection, query, ids), key=lambda r: r[:2]
    ):
        turns.setdefault(number, []).append(Turn(decode(answer), decode(thinking), decode(reason), *counts))
    return turns


def read_turns(connection: Connection, response_id: int) -> tuple[Turn, ...]:
    """The turns of one response."""
    return tuple(_read_turns(connection, [response_id]).get(response_id, ()))
