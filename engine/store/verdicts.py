"""Verdicts: every try is kept under the content key of its question; the first that is ok, or else the last, counts."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from engine.records import NativeValue, Verdict, VerdictKind, VerdictStatus
from engine.store import texts
from engine.store.rows import decode, maybe, next_id, select_in
from engine.store.sqlite import Connection
from engine.store.store import Transaction


@dataclass(frozen=True, slots=True)
class NewVerdict:
    """A verdict on its way into the store, with what was shown first and second."""

    key: str
    judge_id: int
    prompt_id: int
    player_first: int
    player_second: int | None
    verdict: Verdict
    response_first: int | None = None
    response_second: int | None = None


@dataclass(frozen=True, slots=True)
class StoredVerdict:
    """A verdict of the store, with the number of tries that its question has had."""

    id: int
    tries: int
    verdict: Verdict


def land_verdicts(
    tx: Transaction, items: Sequence[NewVerdict], *, again: bool = True
) -> dict[str, tuple[int, bool]]:
    """Store verdicts and return (number, whether it is new) by key.

    Args:
        again: a key that has only invalid verdicts gets one more try; False (an import) keeps what stands.
    """
    by_key = {item.key: item for item in items}
    stands = read_verdicts(tx.connection, by_key)
    settled = {key: s for key, s in stands.items() if not again or s.verdict.status is VerdictStatus.OK}
    new = {key: item for key, item in by_key.items() if key not in settled}
    numbers = texts.intern(tx.connection, _texts_of(new.values()))
    first = next_id(tx.connection, "verdicts")
    ids = {key: first + offset for offset, key in enumerate(new)}
    now = time.time()
    tx.connection.executemany(
        "INSERT INTO verdicts(id, key, try, judge_id, kind, status, value, reason, explanation, raw, thinking,"
        " finish_reason, tokens_in, tokens_out, latency_ms, turn, prompt_id, player_first, player_second,"
        " response_first, response_second, created_at, attempt_id, import_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            (
                ids[key],
                key,
                stands[key].tries if key in stands else 0,
                item.judge_id,
                *_said(item.verdict, numbers),
                item.prompt_id,
                item.player_first,
                item.player_second,
                item.response_first,
                item.response_second,
                now,
                tx.attempt_id,
                tx.import_id,
            )
            for key, item in new.items()
        ),
    )
    return {key: (s.id, False) for key, s in settled.items()} | {
        key: (number, True) for key, number in ids.items()
    }


def _texts_of(items: Iterable[NewVerdict]) -> set[str]:
    said = [(v.verdict.explanation, v.verdict.raw, v.verdict.thinking) for v in items]
    return {text for three in said for text in three if text is not None}


def _said(verdict: Verdict, numbers: dict[str, int]) -> tuple[Any, ...]:
    def number(text: str | None) -> int | None:
        return None if text is None else numbers[text]

    return (
        verdict.kind.value,
        verdict.status.value,
        None if verdict.value is None else json.dumps(verdict.value),
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
        earlier = counting.get(key)
        if earlier and earlier.verdict.status is VerdictStatus.OK:
            counting[key] = StoredVerdict(earlier.id, tries, earlier.verdict)
        else:
            counting[key] = StoredVerdict(number, tries, verdict_of(row))
    return counting


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
