"""Jobs: plans to be done, as rows. Requests stand beside the state (`requests`), and whoever is at it is an attempt."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import UsageError
from engine.jobs.events import record_event
from engine.jobs.limits import Said, still_said
from engine.store.rows import decode, encode, maybe, to_json
from engine.store.sqlite import Connection
from engine.store.store import Transaction

OPEN_STATES = ("queued", "running", "paused", "unfinished")
"""Of one plan, one job is in any of these."""


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the store has it. `state` is queued, running, paused, unfinished, done, failed or cancelled.

    Attributes:
        request: what is asked of its worker: pause, drain or cancel.
        limits: what was said of its limits since it was queued, above its plan; null lifts one.
        prompt_limit: only the first so many prompts of the seeded shuffle.
    """

    id: int
    digest: str
    name: str
    plan: str
    state: str
    request: str | None
    limits: Said
    prompt_limit: int | None
    progress: Mapping[str, Any]
    reason: str | None
    created_at: float
    ended_at: float | None


def submit(tx: Transaction, digest: str, name: str, plan: str, prompt_limit: int | None = None) -> int:
    """The open job of this plan, or a new one. A plan that is run again goes on with its unfinished job, which takes
    over what may change of it: how models are reached, and its limits."""
    row = tx.connection.execute(
        "SELECT id, plan, limits FROM jobs"
        " WHERE digest = ? AND state IN ('queued', 'running', 'paused', 'unfinished')",
        (digest,),
    ).fetchone()
    if row:
        limits = still_said(json.loads(row[2]), row[1], plan)
        tx.connection.execute(
            "UPDATE jobs SET plan = ?, limits = ?, prompt_limit = ? WHERE id = ?",
            (plan, to_json(limits), prompt_limit, row[0]),
        )
        return int(row[0])
    cursor = tx.connection.execute(
        "INSERT INTO jobs(digest, name, plan, prompt_limit, state, created_at) VALUES (?, ?, ?, ?, 'queued', ?)",
        (digest, encode(name), plan, prompt_limit, time.time()),
    )
    assert cursor.lastrowid is not None
    record_event(tx, "queued", job_id=cursor.lastrowid, facts={"name": name})
    return cursor.lastrowid


def newest_job(connection: Connection, digest: str) -> Job | None:
    """The newest job of a plan."""
    found = _read(connection, "WHERE digest = ? ORDER BY id DESC LIMIT 1", (digest,))
    return found[0] if found else None


def leave(tx: Transaction, job_id: int, state: str, reason: str | None = None) -> None:
    """Leave a job that nobody is at in a state; what was requested of it is settled by that."""
    ended = None if state in OPEN_STATES else time.time()
    tx.connection.execute(
        "UPDATE jobs SET state = ?, request = NULL, reason = ?, ended_at = ? WHERE id = ?",
        (state, maybe(reason), ended, job_id),
    )


def first_job(connection: Connection, job_id: int) -> int:
    """The first job of the same plan: the battles of all of them stand where its battles stand in the arena's order,
    however often the plan is run."""
    query = "SELECT MIN(id) FROM jobs WHERE digest = (SELECT digest FROM jobs WHERE id = ?)"
    return int(connection.execute(query, (job_id,)).fetchone()[0])


def set_state(tx: Transaction, job_id: int, state: str, reason: str | None) -> None:
    """The state of a job that somebody is at: running, or paused and why."""
    tx.connection.execute(
        "UPDATE jobs SET state = ?, reason = ? WHERE id = ?", (state, maybe(reason), job_id)
    )


def set_progress(tx: Transaction, job_id: int, progress: Mapping[str, Any]) -> None:
    """What the worker last said of how far it is."""
    tx.connection.execute("UPDATE jobs SET progress = ? WHERE id = ?", (to_json(dict(progress)), job_id))


def read_jobs(connection: Connection) -> list[Job]:
    """All jobs, newest first."""
    return _read(connection, "ORDER BY id DESC", ())


def read_job(connection: Connection, job_id: int) -> Job:
    """One job.

    Raises:
        UsageError: there is none of that number.
    """
    for job in _read(connection, "WHERE id = ?", (job_id,)):
        return job
    raise UsageError(f"there is no job {job_id}", mend="See them with: arena-tui jobs list")


def _read(connection: Connection, which: str, parameters: tuple[object, ...]) -> list[Job]:
    rows = connection.execute(
        "SELECT id, digest, plan, state, request, prompt_limit, created_at, ended_at, name, reason, limits, progress"
        f" FROM jobs {which}",
        parameters,
    )
    columns = ("id", "digest", "plan", "state", "request", "prompt_limit", "created_at", "ended_at")
    return [
        Job(
            **dict(zip(columns, plain, strict=True)),
            name=decode(name),
            reason=decode(reason),
            limits=json.loads(limits),
            progress=json.loads(progress),
        )
        for *plain, name, reason, limits, progress in rows
    ]
