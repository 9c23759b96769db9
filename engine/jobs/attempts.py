"""Attempts: a worker's goes at a job.

Claiming a job makes an attempt with a number and a lease; a partial unique index allows one running attempt a job, so
a race is impossible. Every write of the attempt goes through its fence (`Store.write(fence)`).
"""

from __future__ import annotations

import time
from typing import Any

from engine.errors import UserError
from engine.jobs.events import record_event
from engine.jobs.jobs import OPEN_STATES
from engine.jobs.workers import Worker, is_gone
from engine.store.rows import decode, maybe
from engine.store.sqlite import Connection
from engine.store.store import Fence, Store, Transaction

HEARTBEAT_SECONDS = 10.0
LEASE_SECONDS = 30.0
"""Three heartbeats: one that is late costs nothing."""


class JobBusy(UserError):
    """Another worker is at this job."""

    def __init__(self, job_id: int, pid: int, host: str, since: float) -> None:
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
        super().__init__(
            f"job {job_id} is being run already",
            f"by process {pid} on {host}, since {started}",
            "Wait for it, or see it with: arena-tui jobs show",
        )


def claim(tx: Transaction, job_id: int, worker: Worker) -> Fence:
    """Make this worker's attempt the running one of a job.

    An attempt whose lease has run out, or whose process is gone from this machine, is closed as lost first.

    Raises:
        JobBusy: another worker is at it.
    """
    _close_lost(tx, job_id)
    busy = tx.connection.execute(
        "SELECT w.pid, w.host, a.started_at FROM attempts a JOIN workers w ON w.id = a.worker_id"
        " WHERE a.job_id = ? AND a.state = 'running'",
        (job_id,),
    ).fetchone()
    if busy:
        raise JobBusy(job_id, pid=busy[0], host=decode(busy[1]), since=busy[2])
    now = time.time()
    number = tx.connection.execute(
        "SELECT COALESCE(MAX(number), 0) + 1 FROM attempts WHERE job_id = ?", (job_id,)
    ).fetchone()[0]
    cursor = tx.connection.execute(
        "INSERT INTO attempts(job_id, number, worker_id, state, lease_until, started_at) VALUES (?,?,?,'running',?,?)",
        (job_id, number, worker.id, now + LEASE_SECONDS, now),
    )
    assert cursor.lastrowid is not None
    tx.connection.execute(
        "UPDATE jobs SET state = 'running', request = NULL, reason = NULL, ended_at = NULL WHERE id = ?",
        (job_id,),
    )
    record_event(
        tx,
        "started",
        job_id=job_id,
        attempt_id=cursor.lastrowid,
        facts={"attempt": number, "pid": worker.pid},
    )
    return Fence(cursor.lastrowid, job_id, number, worker.id)


def heartbeat(store: Store, fence: Fence) -> None:
    """Renew the lease.

    Raises:
        LostLease: another worker took over.
    """
    now = time.time()
    with store.write(fence) as tx:
        tx.connection.execute("UPDATE workers SET heartbeat_at = ? WHERE id = ?", (now, fence.worker_id))
        tx.connection.execute(
            "UPDATE attempts SET lease_until = ? WHERE id = ?", (now + LEASE_SECONDS, fence.attempt_id)
        )


def finish(store: Store, fence: Fence, state: str, exit_code: int, reason: str | None = None) -> None:
    """End the attempt and leave the job in `state` (done, failed, cancelled, paused or unfinished)."""
    now = time.time()
    with store.write(fence) as tx:
        tx.connection.execute(
            "UPDATE attempts SET state = 'ended', ended_at = ?, exit_code = ?, reason = ? WHERE id = ?",
            (now, exit_code, maybe(reason), fence.attempt_id),
        )
        ended = None if state in OPEN_STATES else now
        tx.connection.execute(
            "UPDATE jobs SET state = ?, reason = ?, ended_at = ? WHERE id = ?",
            (state, maybe(reason), ended, fence.job_id),
        )
        tx.connection.execute("UPDATE workers SET stopped_at = ? WHERE id = ?", (now, fence.worker_id))
        facts = {"state": state, "exit_code": exit_code, "reason": reason}
        record_event(tx, "finished", job_id=fence.job_id, attempt_id=fence.attempt_id, facts=facts)


def read_attempts(connection: Connection, job_id: int) -> list[dict[str, Any]]:
    """The attempts of a job, in order, with the process that made each."""
    rows = connection.execute(
        "SELECT a.number, a.state, w.host, w.pid, a.started_at, a.ended_at, a.lease_until, a.exit_code, a.reason"
        " FROM attempts a JOIN workers w ON w.id = a.worker_id WHERE a.job_id = ? ORDER BY a.number",
        (job_id,),
    )
    names = ("number", "state", "host", "pid", "started_at", "ended_at", "lease_until", "exit_code", "reason")
    return [
        dict(zip(names, (n, state, decode(host), *rest, decode(reason)), strict=True))
        for n, state, host, *rest, reason in rows
    ]


def _close_lost(tx: Transaction, job_id: int) -> None:
    rows = tx.connection.execute(
        "SELECT a.id, a.lease_until, w.host, w.boot_id, w.pid, w.pid_started_at FROM attempts a"
        " JOIN workers w ON w.id = a.worker_id WHERE a.job_id = ? AND a.state = 'running'",
        (job_id,),
    ).fetchall()
    for attempt_id, lease_until, host, boot, pid, started in rows:
        if lease_until < time.time() or is_gone(decode(host), boot, pid, started):
            tx.connection.execute(
                "UPDATE attempts SET state = 'lost', ended_at = ?, reason = 'its worker died or slept' WHERE id = ?",
                (time.time(), attempt_id),
            )
            record_event(tx, "lost", job_id=job_id, attempt_id=attempt_id, level="warning")
