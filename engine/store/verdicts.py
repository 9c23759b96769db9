"""Verdicts: every try is kept under the content key of its question; the first that is ok, or else the last, counts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.records import NativeValue, Verdict, VerdictKind, VerdictStatus
from engine.store import texts
from engine.store.rows import decode, insert_rows, maybe, next_id, select_in
from engine.store.sqlite import Connection
from engine.store.store import Transaction


class NewVerdict(NamedTuple):
    """A verdict on its way into the store, with what was shown first and second.

    Attributes:
        source: what tells an imported one from others of its judge, prompt and players; None for our own.
    """

    key: str
    judge_id: int
    prompt_id: int
    player_first: int
    player_second: int | None
    verdict: Verdict
    response_first: int | None = None
    response_second: int | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict of the store, with the number of tries that its question has had, and how many of these were cut."""

    id: int
    tries: int
    verdict: Verdict
    cuts: int = 0


def land_verdicts(
    tx: Transaction, items: Sequence[NewVerdict], *, again: bool = True
) -> dict[str, tuple[int, bool]]:
    """Store verdicts and return (number, whether it is new) by key.

    Args:
        again: a key that has only invalid verdicts gets one more try; False (an import) keeps what stands.
    """
    by_key = {item.key: item for item in items}
    stands = said_before(tx.connection, by_key)
    settled = {key: said for key, said in stands.items() if not again or said.status == "ok"}
    new = {key: item for key, item in by_key.items() if key not in settled}
    ids = _insert(tx, [(stands[key].tries if key in stands else 0, item) for key, item in new.items()])
    return {key: (said.id, False) for key, said in settled.items()} | {
        key: (number, True) for key, number in zip(new, ids, strict=True)
    }


def _insert(tx: Transaction, items: Sequence[tuple[int, NewVerdict]]) -> range:
    """Insert verdicts, each with which try it is; return their numbers."""
    numbers = texts.intern(tx.connection, _texts_of(item for _, item in items))
    first = next_id(tx.connection, "verdicts")
    now = time.time()
    insert_rows(
        tx.connection,
        "verdicts",
        _COLUMNS,
        (
            (
                first + offset,
                item.key,
                number,
                item.judge_id,
                *_said(item.verdict, numbers),
                item.prompt_id,
                item.player_first,
                item.player_second,
                item.response_first,
                item.response_second,
                maybe(item.source),
                now,
                tx.attempt_id,
                tx.import_id,
            )
            for offset, (number, item) in enumerate(items)
        ),
    )
    return range(first, first + len(items))


Try = tuple[str, int]
"""A verdict by its key and which try of it."""


class Tried(NamedTuple):
    """A try of a verdict as the store has it, without its texts. `value` is JSON."""

    id: int
    judge_id: int
    prompt_id: int
    player_first: int
    player_second: int | None
    response_first: int | None
    response_second: int | None
    turn: int | None
    source: str | None
    kind: str
    status: str
    value: str | None

    def verdict(self) -> Verdict:
        """What it says, and nothing of how."""
        return Verdict(VerdictKind(self.kind), VerdictStatus(self.status), _value(self.value), turn=self.turn)


def read_tries(connection: Connection, keys: Iterable[str]) -> dict[Try, Tried]:
    """All tries that the store has of these keys."""
    query = (
        "SELECT key, try, id, judge_id, prompt_id, player_first, player_second, response_first, response_second, turn,"
        " source, kind, status, value FROM verdicts WHERE key IN"
    )
    rows = select_in(connection, query, list(keys))
    return {(key, number): Tried(*said)._replace(source=decode(said[8])) for key, number, *said in rows}


def land_tries(tx: Transaction, items: Sequence[tuple[int, NewVerdict]]) -> None:
    """Store verdicts that the store lacks, each as the try that it was where it comes from."""
    if items:
        _insert(tx, items)


_COLUMNS = (
    "id", "key", "try", "judge_id", "kind", "status", "value", "reason", "explanation", "raw", "thinking",
    "finish_reason", "tokens_in", "tokens_out", "latency_ms", "turn", "prompt_id", "player_first", "player_second",
    "response_first", "response_second", "source", "created_at", "attempt_id", "import_id",
)  # fmt: skip


class SaidBefore(NamedTuple):
    """What a verdict that stands says, without its texts. `value` is JSON; `tries` counts all of its key."""

    id: int
    tries: int
    kind: str
    status: str
    value: str | None


def said_before(connection: Connection, keys: Iterable[str]) -> dict[str, SaidBefore]:
    """As `read_verdicts`, without texts."""
    query = "SELECT key, id, try, kind, status, value FROM verdicts WHERE key IN"
    counting: dict[str, SaidBefore] = {}
    for key, number, before, *said in sorted(
        select_in(connection, query, list(keys)), key=lambda row: row[2]
    ):
        earlier = counting.get(key)
        if earlier is not None and earlier.status == "ok":
            counting[key] = earlier._replace(tries=before + 1)
        else:
            counting[key] = SaidBefore(number, before + 1, *said)
    return counting


def _texts_of(items: Iterable[NewVerdict]) -> set[str]:
    return {
        text
        for item in items
        for text in (item.verdict.explanation, item.verdict.raw, item.verdict.thinking)
        if text is not None
    }


def _said(verdict: Verdict, numbers: dict[str, int]) -> tuple[Any, ...]:
    def number(text: str | None) -> int | None:
        return None if text is None else numbers[text]

    return (
        verdict.kind.value,
        verdict.status.value,
        value_json(verdict.value),
        maybe(verdict.reason),
        number(verdict.explanation),
        number(verdict.raw),
        number(verdict.thinking),
        maybe(verdict.finish_reason),
        verdict.tokens_in,
        verdict.tokens_out,
        verdict.latency_ms,
        verdict.turn,
    )


def value_json(value: NativeValue | None) -> str | None:
    """A native value as its column holds it: numbers in one form (8 and 8.0 are one score)."""
    if value is None or isinstance(value, str):
        return None if value is None else json.dumps(value)
    if isinstance(value, tuple):
        return json.dumps([float(score) for score in value])
    return json.dumps(float(value))


VERDICT_COLUMNS = """
    SELECT v.key, v.id, v.try, v.kind, v.status, v.value, v.reason, e.body, r.body, t.body, v.finish_reason,
        v.tokens_in, v.tokens_out, v.latency_ms, v.turn
    FROM verdicts v LEFT JOIN texts e ON e.id = v.explanation LEFT JOIN texts r ON r.id = v.raw
    LEFT JOIN texts t ON t.id = v.thinking
"""


def read_verdicts(connection: Connection, keys: Iterable[str]) -> dict[str, StoredVerdict]:
    """The verdict that counts of each key that the store has."""
    counting: dict[str, StoredVerdict] = {}
    for row in sorted(
        select_in(connection, f"{VERDICT_COLUMNS} WHERE v.key IN", list(keys)), key=lambda row: row[2]
    ):
        key, number, tries = row[0], row[1], row[2] + 1
        earlier, verdict = counting.get(key), verdict_of(row)
        cuts = (earlier.cuts if earlier else 0) + (verdict.status is VerdictStatus.CUT)
        if earlier and earlier.verdict.status is VerdictStatus.OK:
            number, verdict = earlier.id, earlier.verdict
        counting[key] = StoredVerdict(number, tries, verdict, cuts)
    return counting


def read_recorded(
    connection: Connection, judge_id: int, prompts: Iterable[int]
) -> dict[tuple[int, int], StoredVerdict]:
    """The ok verdicts of a judge on these prompts and whole conversations, by the responses shown first and second;
    the newest of several."""
    query = (
        f"{VERDICT_COLUMNS.replace('SELECT ', 'SELECT v.response_first, v.response_second, ', 1)}"
        f" WHERE v.judge_id = {judge_id} AND v.status = 'ok' AND v.response_second IS NOT NULL AND v.turn IS NULL"
        " AND v.prompt_id IN"
    )
    rows = sorted(select_in(connection, query, list(prompts)), key=lambda row: row[3])
    return {
        (first, second): StoredVerdict(row[1], row[2] + 1, verdict_of(row)) for first, second, *row in rows
    }


def verdict_of(row: Sequence[Any]) -> Verdict:
    """A verdict from a row of `VERDICT_COLUMNS`."""
    kind, status, value, reason, explanation, raw, thinking, finish, tokens_in, tokens_out, latency, turn = (
        row[3:]
    )
    return Verdict(
        VerdictKind(kind),
        VerdictStatus(status),
        _value(value),
        decode(reason),
        decode(explanation),
        decode(raw),
        decode(thinking),
        decode(finish),
        tokens_in,
        tokens_out,
        latency,
        turn,
    )


def _value(text: str | None) -> NativeValue | None:
    if text is None:
        return None
    value = json.loads(text)
    return (value[0], value[1]) if isinstance(value, list) else value
