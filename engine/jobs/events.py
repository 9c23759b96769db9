"""Events: what happened to a job, one row after another."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.store.rows import to_json
from engine.store.sqlite import Connection
from engine.store.store import Transaction


@dataclass(frozen=True, slots=True)
class Event:
    """A row of the log.

    Attributes:
        at: seconds since 1970.
        kind: queued, started, requested, limits, warning, paused, resumed, lost or finished.
        level: info or warning.
    """

    id: int
    at: float
    kind: str
    level: str
    facts: Mapping[str, Any]


def clock_time(at: float) -> str:
    """A time in seconds since 1970 as a clock on the wall here shows it."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def record_event(
    tx: Transaction,
    kind: str,
    *,
    job_id: int | None = None,
    attempt_id: int | None = None,
    level: str = "info",
    facts: Mapping[str, Any] | None = None,
    at: float | None = None,
) -> None:
    """Append to the log of what happened, now unless `at` says when."""
    tx.connection.execute(
        "INSERT INTO events(at, kind, level, job_id, attempt_id, facts) VALUES (?, ?, ?, ?, ?, ?)",
        (time.time() if at is None else at, kind, level, job_id, attempt_id, to_json(dict(facts or {}))),
    )


def read_events(connection: Connection, job_id: int, after: int = 0) -> list[Event]:
    """What happened to a job, in order; only what came after the event of that number."""
    rows = connection.execute(
        "SELECT id, at, kind, level, facts FROM events WHERE job_id = ? AND id > ? ORDER BY id",
        (job_id, after),
    )
    return [Event(number, at, kind, level, json.loads(facts)) for number, at, kind, level, facts in rows]
