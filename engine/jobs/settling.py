"""Settling: bringing a job whose worker is gone into a true state."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from engine.jobs.attempts import DIED, MOST_LOST, at_work, close_attempt, is_looping
from engine.jobs.events import record_event
from engine.jobs.jobs import Job, leave, read_job
from engine.store.leases import Moment
from engine.store.sqlite import Connection
from engine.store.store import Transaction

Request = Literal["pause", "drain", "cancel"]

LEFT_AS: Mapping[str, str] = {"pause": "paused", "drain": "unfinished", "cancel": "cancelled"}
"""The state in which a request leaves its job."""

REASONS: Mapping[str, str] = {
    "pause": "asked to pause",
    "drain": "asked to drain",
    "cancel": "asked to cancel",
}


def settle(tx: Transaction, job_id: int, now: Moment | None = None) -> Job:
    """Close the attempt of a worker that is gone, and leave its job as it was asked for, failed where workers die at
    it again and again, and else queued. Return the job.

    Raises:
        StoreError: there is no such job.
    """
    job = read_job(tx.connection, job_id)
    found = at_work(tx.connection, job_id, now)
    if found is not None and not found.lives:
        close_attempt(tx, job_id, found, DIED)
        _leave_lost(tx, job, DIED)
    elif found is None and job.state == "running":
        _leave_lost(tx, job, DIED)
    return read_job(tx.connection, job_id)


def settle_all(tx: Transaction, now: Moment | None = None) -> list[Job]:
    """Settle all jobs; return those that wait for a worker, the oldest first."""
    jobs = [settle(tx, job_id, now) for job_id in _ids(tx.connection)]
    return [job for job in jobs if job.state == "queued"]


def abandon_all(tx: Transaction, reason: str) -> None:
    """Close all attempts, whoever made them: this copy of the store is nobody's but ours. What they had in hand when
    it was copied tells nothing of a death."""
    for job_id in _ids(tx.connection):
        found = at_work(tx.connection, job_id)
        if found is not None:
            close_attempt(tx, job_id, replace(found, died=False), reason)
            _leave_lost(tx, read_job(tx.connection, job_id), reason)


def _leave_lost(tx: Transaction, job: Job, reason: str) -> None:
    if job.request is not None:
        leave(tx, job.id, LEFT_AS[job.request], REASONS[job.request])
    elif is_looping(tx.connection, job.id):
        why = f"{MOST_LOST} workers died at it one after another, and landed nothing"
        leave(tx, job.id, "failed", why)
        record_event(tx, "failed", job_id=job.id, level="warning", facts={"reason": why})
    else:
        leave(tx, job.id, "queued", reason)


def _ids(connection: Connection) -> list[int]:
    """Of the jobs that wait for a worker, or have one."""
    query = "SELECT id FROM jobs WHERE state IN ('queued', 'running', 'paused') ORDER BY id"
    return [int(row[0]) for row in connection.execute(query)]
