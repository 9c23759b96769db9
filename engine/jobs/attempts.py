"""Attempts: a worker's goes at a job.

Claiming a job makes an attempt with a number and a lease; a partial unique index allows one running attempt a job, so
a race is impossible. Every write of the attempt goes through its fence (`Store.write(fence)`).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import UserError
from engine.jobs.events import clock_time, record_event
from engine.jobs.jobs import OPEN_STATES
from engine.jobs.workers import Process, Worker, is_gone, may_have_crashed
from engine.store import units
from engine.store.leases import LEASE_SECONDS, Moment, lease_holds
from engine.store.rows import decode, maybe
from engine.store.sqlite import Connection
from engine.store.store import Fence, Store, Transaction

HEARTBEAT_SECONDS = 10.0
"""A third of a lease: one that is late costs nothing."""

MOST_LOST = 5
"""So many attempts in a row whose worker died without landing a row, and the job fails."""

LANDED = ("responses", "verdicts", "battles")
"""The tables that an attempt lands rows in."""

DIED = "its worker died, or slept past its lease"
"""Why an attempt was lost whose worker left no word."""


@dataclass(frozen=True, slots=True)
class AtWork:
    """The worker of a job's running attempt.

    Attributes:
        since: when its attempt began, in seconds since 1970.
        lives: False where its process is gone, or its lease has run out.
        died: whether its own work may have ended it.
    """

    attempt_id: int
    worker: Worker
    since: float
    lives: bool
    died: bool


class JobBusy(UserError):
    """Another worker is at this job."""

    def __init__(self, job_id: int, found: AtWork) -> None:
        started = clock_time(found.since)
        super().__init__(
            f"job {job_id} is being run already",
            f"by process {found.worker.pid} on {found.worker.host}, since {started} (worker {found.worker.id})",
            f"Wait for it, or see it with: arena-tui jobs show {job_id}",
        )


def at_work(connection: Connection, job_id: int, now: Moment | None = None) -> AtWork | None:
    """Who is at a job, or was and left no word; None when nobody is."""
    row = connection.execute(
        "SELECT a.id, a.started_at, a.lease_boot, a.lease_until, w.id, w.host, w.boot_id, w.pid_namespace, w.pid,"
        " w.pid_started_at FROM attempts a JOIN workers w ON w.id = a.worker_id"
        " WHERE a.job_id = ? AND a.state = 'running'",
        (job_id,),
    ).fetchone()
    if row is None:
        return None
    attempt_id, since, lease_boot, lease_until, worker_id, host, boot, namespace, pid, started = row
    now = now or Moment.now()
    process = Process(decode(host), boot, namespace, pid, started)
    lives = lease_holds(now, boot, lease_boot, lease_until) and not is_gone(process, now)
    died = not lives and may_have_crashed(process, now)
    return AtWork(attempt_id, Worker(worker_id, process.host, pid), since, lives, died)


def claim(tx: Transaction, job_id: int, worker: Worker, now: Moment | None = None) -> Fence:
    """Make this worker's attempt the running one of a job.

    An attempt whose lease has run out, or whose process is gone from this machine, is closed as lost first.

    Raises:
        JobBusy: another worker is at it.
    """
    now = now or Moment.now()
    found = close_lost(tx, job_id, now)
    if found is not None:
        raise JobBusy(job_id, found)
    number = tx.connection.execute(
        "SELECT COALESCE(MAX(number), 0) + 1 FROM attempts WHERE job_id = ?", (job_id,)
    ).fetchone()[0]
    cursor = tx.connection.execute(
        "INSERT INTO attempts(job_id, number, worker_id, state, lease_until, lease_boot, started_at)"
        " VALUES (?, ?, ?, 'running', ?, ?, ?)",
        (job_id, number, worker.id, *_lease(now), now.wall),
    )
    assert cursor.lastrowid is not None
    tx.connection.execute(
        "UPDATE jobs SET state = 'running', request = NULL, reason = NULL, ended_at = NULL WHERE id = ?",
        (job_id,),
    )
    tx.connection.execute("UPDATE workers SET stopped_at = NULL WHERE id = ?", (worker.id,))
    facts = {"attempt": number, "worker": worker.id, "pid": worker.pid}
    record_event(tx, "started", job_id=job_id, attempt_id=cursor.lastrowid, facts=facts)
    return Fence(cursor.lastrowid, job_id, number, worker.id)


def heartbeat(store: Store, fence: Fence, now: Moment | None = None) -> None:
    """Renew the lease.

    Raises:
        LostLease: another worker took over.
    """
    now = now or Moment.now()
    with store.write(fence) as tx:
        tx.connection.execute("UPDATE workers SET heartbeat_at = ? WHERE id = ?", (now.wall, fence.worker_id))
        tx.connection.execute(
            "UPDATE attempts SET lease_until = ?, lease_boot = ? WHERE id = ?",
            (*_lease(now), fence.attempt_id),
        )


def finish(store: Store, fence: Fence, state: str, exit_code: int, reason: str | None = None) -> None:
    """End the attempt and leave the job in `state` (done, failed, cancelled, paused or unfinished)."""
    now = time.time()
    with store.write(fence) as tx:
        tx.connection.execute(
            "UPDATE attempts SET state = 'ended', ended_at = ?, exit_code = ?, reason = ? WHERE id = ?",
            (now, exit_code, maybe(reason), fence.attempt_id),
        )
        units.release(tx, fence.attempt_id)
        ended = None if state in OPEN_STATES else now
        tx.connection.execute(
            "UPDATE jobs SET state = ?, request = NULL, reason = ?, ended_at = ? WHERE id = ?",
            (state, maybe(reason), ended, fence.job_id),
        )
        tx.connection.execute("UPDATE workers SET stopped_at = ? WHERE id = ?", (now, fence.worker_id))
        facts = {"state": state, "exit_code": exit_code, "reason": reason}
        record_event(tx, "finished", job_id=fence.job_id, attempt_id=fence.attempt_id, facts=facts)


def close_lost(tx: Transaction, job_id: int, now: Moment | None = None) -> AtWork | None:
    """Close the running attempt as lost where its worker is gone; return who is at the job, if somebody is."""
    found = at_work(tx.connection, job_id, now)
    if found is None or found.lives:
        return found
    close_attempt(tx, job_id, found, DIED)
    return None


def close_attempt(tx: Transaction, job_id: int, found: AtWork, reason: str) -> None:
    """Close a running attempt as lost: its worker can write no more. What it had in hand is suspected if it died."""
    (units.blame if found.died else units.release)(tx, found.attempt_id)
    tx.connection.execute(
        "UPDATE attempts SET state = 'lost', ended_at = ?, reason = ? WHERE id = ?",
        (time.time(), reason, found.attempt_id),
    )
    facts = {"worker": found.worker.id, "pid": found.worker.pid, "reason": reason}
    record_event(tx, "lost", job_id=job_id, attempt_id=found.attempt_id, level="warning", facts=facts)


def is_looping(connection: Connection, job_id: int) -> bool:
    """Whether workers die at a job one after another and land nothing: its last MOST_LOST attempts since it was
    started afresh were lost, and no row is of any of them. Reads all rows of the store where they were."""
    rows = connection.execute(
        "SELECT a.id, a.state FROM attempts a JOIN jobs j ON j.id = a.job_id"
        " WHERE a.job_id = ? AND a.number > j.fresh_from ORDER BY a.number DESC LIMIT ?",
        (job_id, MOST_LOST),
    ).fetchall()
    lost = [attempt_id for attempt_id, state in rows if state == "lost"]
    return len(lost) == MOST_LOST and not _have_landed(connection, lost)


def read_attempts(connection: Connection, job_id: int) -> list[dict[str, Any]]:
    """The attempts of a job, in order, with the process that made each."""
    rows = connection.execute(
        "SELECT a.number, a.state, w.id, w.pid, a.started_at, a.ended_at, a.lease_until, a.exit_code,"
        " w.host, w.log, a.reason"
        " FROM attempts a JOIN workers w ON w.id = a.worker_id WHERE a.job_id = ? ORDER BY a.number",
        (job_id,),
    )
    names = ("number", "state", "worker", "pid", "started_at", "ended_at", "lease_until", "exit_code")
    return [
        dict(zip(names, plain, strict=True))
        | {"host": decode(host), "log": decode(log), "reason": decode(reason)}
        for *plain, host, log, reason in rows
    ]


def _lease(now: Moment) -> tuple[float, float]:
    """The end of a lease that begins now, by wall time and by the boot's clock."""
    return now.wall + LEASE_SECONDS, now.seconds + LEASE_SECONDS


def _have_landed(connection: Connection, attempt_ids: Sequence[int]) -> bool:
    """Whether any of these attempts landed a row."""
    numbers = ", ".join(map(str, attempt_ids))
    landed = (f"EXISTS (SELECT 1 FROM {table} WHERE attempt_id IN ({numbers}))" for table in LANDED)
    return bool(connection.execute(f"SELECT {' OR '.join(landed)}").fetchone()[0])
