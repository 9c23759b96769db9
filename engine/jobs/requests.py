"""Requests: what somebody wants of a job, beside its state. Its worker looks about once a second; of a job that nobody
is at, they are done at once."""

from __future__ import annotations

import json
from dataclasses import dataclass

from engine.errors import StoreError
from engine.jobs.attempts import at_work
from engine.jobs.events import record_event
from engine.jobs.jobs import OPEN_STATES, Job, leave, read_job
from engine.jobs.limits import Said
from engine.jobs.settling import LEFT_AS, REASONS, Request, settle
from engine.store.faults import explained
from engine.store.leases import Moment
from engine.store.rows import to_json
from engine.store.store import Store, Transaction

REQUEST_SECONDS = 1.0
"""How often a worker looks."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What is wanted of a job now."""

    request: Request | None
    limits: Said


def ask(tx: Transaction, job_id: int, request: Request, now: Moment | None = None) -> Job:
    """Ask for a pause, a drain or a cancel; return the job as it is then.

    Raises:
        UsageError: there is no such job.
        StoreError: it is over.
    """
    job = settle(tx, job_id, now)
    if job.state not in OPEN_STATES:
        raise StoreError(f"job {job_id} is over: it is {job.state}", mend=_after(job))
    record_event(tx, "requested", job_id=job_id, facts={"request": request})
    if at_work(tx.connection, job_id, now) is None:
        leave(tx, job_id, LEFT_AS[request], REASONS[request])
    else:
        tx.connection.execute("UPDATE jobs SET request = ? WHERE id = ?", (request, job_id))
    return read_job(tx.connection, job_id)


def resume(tx: Transaction, job_id: int, now: Moment | None = None) -> Job:
    """End the pause of a job, or queue it again where nobody is at it; return the job as it is then.

    Attempts that were lost are no longer held against it.

    Raises:
        UsageError: there is no such job.
        StoreError: it is done, runs already, or another of its plan is open.
    """
    job = settle(tx, job_id, now)
    if job.state == "done":
        raise StoreError(f"job {job_id} is done", mend=_after(job))
    record_event(tx, "requested", job_id=job_id, facts={"request": "resume"})
    if at_work(tx.connection, job_id, now) is not None:
        _resume_running(tx, job)
    else:
        _check_alone(tx, job)
        leave(tx, job_id, "queued")
        tx.connection.execute(
            "UPDATE jobs SET fresh_from = COALESCE((SELECT MAX(number) FROM attempts WHERE job_id = jobs.id), 0)"
            " WHERE id = ?",
            (job_id,),
        )
    return read_job(tx.connection, job_id)


def _resume_running(tx: Transaction, job: Job) -> None:
    if job.request in ("drain", "cancel"):
        raise StoreError(
            f"job {job.id} is stopping: its worker was asked to {job.request}",
            mend=f"Resume it when it has stopped; see: arena-tui jobs show {job.id}",
        )
    if job.request is None and job.state == "running":
        raise StoreError(f"job {job.id} is running", mend="Nothing is to be resumed.")
    tx.connection.execute("UPDATE jobs SET request = NULL WHERE id = ?", (job.id,))


def _check_alone(tx: Transaction, job: Job) -> None:
    """Of one plan, one job is open."""
    row = tx.connection.execute(
        "SELECT id, state FROM jobs WHERE digest = ? AND id != ?"
        " AND state IN ('queued', 'running', 'paused', 'unfinished')",
        (job.digest, job.id),
    ).fetchone()
    if row is not None:
        raise StoreError(
            f"job {row[0]} is of the same plan and {row[1]}",
            mend=f"Go on with that one: arena-tui jobs resume {row[0]}",
        )


def set_limits(tx: Transaction, job_id: int, said: Said) -> Job:
    """Change limits of a job, whether it runs or not; return the job as it is then.

    Raises:
        UsageError: there is no such job.
        StoreError: it is over.
    """
    job = read_job(tx.connection, job_id)
    if job.state in ("done", "cancelled"):
        raise StoreError(f"job {job_id} is over: it is {job.state}", mend=_after(job))
    limits = {**job.limits, **said}
    tx.connection.execute("UPDATE jobs SET limits = ? WHERE id = ?", (to_json(limits), job_id))
    record_event(tx, "limits", job_id=job_id, facts=dict(said))
    return read_job(tx.connection, job_id)


def read_wishes(store: Store, job_id: int) -> Wishes:
    """What is wanted of a job now."""
    with explained(store.path):
        row = store.reader.execute("SELECT request, limits FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return Wishes(row[0], json.loads(row[1]))


def _after(job: Job) -> str:
    if job.state in ("failed", "cancelled"):
        return f"It is started afresh with: arena-tui jobs resume {job.id}"
    return "Running its plan again makes a new job; what is there is not done again."
