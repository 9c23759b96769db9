"""The queue: jobs, workers, attempts and events as rows of the store.

A job is a plan to be done. Claiming it makes an attempt with a number and a lease; a partial unique index allows one
running attempt a job, so a race is impossible. Every write of the attempt goes through its fence
(`Store.write(fence)`). Cancel, pause and drain are requests beside the state. Every transition is an event.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import StoreError, UserError
from engine.store.rows import decode, encode, maybe, to_json
from engine.store.sqlite import Connection
from engine.store.store import Fence, Store, Transaction

HEARTBEAT_SECONDS = 10.0
LEASE_SECONDS = 30.0
"""Three heartbeats: one that is late costs nothing."""

OPEN_STATES = ("queued", "running", "paused", "unfinished")


@dataclass(frozen=True, slots=True)
class Job:
    """A job as the store has it. `state` is queued, running, paused, unfinished, done, failed or cancelled."""

    id: int
    digest: str
    name: str
    plan: str
    state: str
    request: str | None
    progress: Mapping[str, Any]
    reason: str | None
    created_at: float
    ended_at: float | None


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that works, known by a random id and never by its pid or host alone."""

    id: str
    host: str
    pid: int


def submit(tx: Transaction, digest: str, name: str, plan: str) -> int:
    """The open job of this plan, or a new one. A plan that is run again goes on with its unfinished job, which takes
    over what may change of it: how models are reached, and its limits."""
    row = tx.connection.execute(
        "SELECT id FROM jobs WHERE digest = ? AND state IN ('queued', 'running', 'paused', 'unfinished')",
        (digest,),
    ).fetchone()
    if row:
        tx.connection.execute("UPDATE jobs SET plan = ? WHERE id = ?", (plan, row[0]))
        return int(row[0])
    cursor = tx.connection.execute(
        "INSERT INTO jobs(digest, name, plan, state, created_at) VALUES (?, ?, ?, 'queued', ?)",
        (digest, encode(name), plan, time.time()),
    )
    assert cursor.lastrowid is not None
    record_event(tx, "queued", job_id=cursor.lastrowid, facts={"name": name})
    return cursor.lastrowid


def first_job(connection: Connection, job_id: int) -> int:
    """The first job of the same plan: the battles of all of them stand where its battles stand in the arena's order,
    however often the plan is run."""
    query = "SELECT MIN(id) FROM jobs WHERE digest = (SELECT digest FROM jobs WHERE id = ?)"
    return int(connection.execute(query, (job_id,)).fetchone()[0])


def register_worker(tx: Transaction) -> Worker:
    """A row for this process."""
    worker = Worker(secrets.token_hex(8), socket.gethostname(), os.getpid())
    now = time.time()
    tx.connection.execute(
        "INSERT INTO workers(id, host, boot_id, pid, pid_started_at, started_at, heartbeat_at) VALUES (?,?,?,?,?,?,?)",
        (worker.id, encode(worker.host), boot_id(), worker.pid, _process_start(worker.pid), now, now),
    )
    return worker


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


class JobBusy(UserError):
    """Another worker is at this job."""

    def __init__(self, job_id: int, pid: int, host: str, since: float) -> None:
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(since))
        super().__init__(
            f"job {job_id} is being run already",
            f"by process {pid} on {host}, since {started}",
            "Wait for it, or see it with: arena-tui jobs show",
        )


def heartbeat(store: Store, fence: Fence) -> str | None:
    """Renew the lease; return what is requested of the job (pause, drain, cancel), if anything.

    Raises:
        LostLease: another worker took over.
    """
    now = time.time()
    with store.write(fence) as tx:
        tx.connection.execute("UPDATE workers SET heartbeat_at = ? WHERE id = ?", (now, fence.worker_id))
        tx.connection.execute(
            "UPDATE attempts SET lease_until = ? WHERE id = ?", (now + LEASE_SECONDS, fence.attempt_id)
        )
        row = tx.connection.execute("SELECT request FROM jobs WHERE id = ?", (fence.job_id,)).fetchone()
    return row[0] if row else None


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


def ask_to_drain(tx: Transaction, job_id: int) -> None:
    """Ask the worker of a running job to finish what is in flight and stop; it looks at every heartbeat.

    Raises:
        StoreError: there is no such job, or nobody is at it.
    """
    job = read_job(tx.connection, job_id)
    if job.state != "running":
        raise StoreError(f"job {job_id} is not running: it is {job.state}")
    tx.connection.execute("UPDATE jobs SET request = 'drain' WHERE id = ?", (job_id,))
    record_event(tx, "requested", job_id=job_id, facts={"request": "drain"})


def set_progress(tx: Transaction, job_id: int, progress: Mapping[str, Any]) -> None:
    """What the worker last said of how far it is."""
    tx.connection.execute("UPDATE jobs SET progress = ? WHERE id = ?", (to_json(dict(progress)), job_id))


def record_event(
    tx: Transaction,
    kind: str,
    *,
    job_id: int | None = None,
    attempt_id: int | None = None,
    level: str = "info",
    facts: Mapping[str, Any] | None = None,
) -> None:
    """Append to the log of what happened."""
    tx.connection.execute(
        "INSERT INTO events(at, kind, level, job_id, attempt_id, facts) VALUES (?, ?, ?, ?, ?, ?)",
        (time.time(), kind, level, job_id, attempt_id, to_json(dict(facts or {}))),
    )


def read_jobs(connection: Connection) -> list[Job]:
    """All jobs, newest first."""
    rows = connection.execute(
        "SELECT id, digest, name, plan, state, request, progress, reason, created_at, ended_at"
        " FROM jobs ORDER BY id DESC"
    )
    return [
        Job(
            number,
            digest,
            decode(name),
            plan,
            state,
            request,
            json.loads(progress),
            decode(reason),
            created,
            ended,
        )
        for number, digest, name, plan, state, request, progress, reason, created, ended in rows
    ]


def read_job(connection: Connection, job_id: int) -> Job:
    """One job.

    Raises:
        StoreError: there is none of that number.
    """
    job = next((job for job in read_jobs(connection) if job.id == job_id), None)
    if job is None:
        raise StoreError(f"there is no job {job_id}", mend="See them with: arena-tui jobs list")
    return job


def boot_id() -> str:
    """Names this start of this machine, so that a pid of an earlier one is never taken for a living process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return f"boot-{psutil.boot_time():.0f}"


def _process_start(pid: int) -> float:
    import psutil

    return float(psutil.Process(pid).create_time())


def _close_lost(tx: Transaction, job_id: int) -> None:
    rows = tx.connection.execute(
        "SELECT a.id, a.lease_until, w.host, w.boot_id, w.pid, w.pid_started_at FROM attempts a"
        " JOIN workers w ON w.id = a.worker_id WHERE a.job_id = ? AND a.state = 'running'",
        (job_id,),
    ).fetchall()
    for attempt_id, lease_until, host, boot, pid, started in rows:
        if lease_until < time.time() or _is_gone(decode(host), boot, pid, started):
            tx.connection.execute(
                "UPDATE attempts SET state = 'lost', ended_at = ?, reason = 'its worker died or slept' WHERE id = ?",
                (time.time(), attempt_id),
            )
            record_event(tx, "lost", job_id=job_id, attempt_id=attempt_id, level="warning")


def _is_gone(host: str, boot: str, pid: int, started: float) -> bool:
    """Whether a worker of this machine is surely dead. Of other machines only the lease tells."""
    if host != socket.gethostname():
        return False
    if boot != boot_id():
        return True
    import psutil

    try:
        process = psutil.Process(pid)
        is_other = abs(float(process.create_time()) - started) > 1.0
        return is_other or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


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


def read_events(connection: Connection, job_id: int) -> list[dict[str, Any]]:
    """What happened to a job, in order."""
    rows = connection.execute(
        "SELECT at, kind, level, facts FROM events WHERE job_id = ? ORDER BY id", (job_id,)
    )
    return [
        {"at": at, "kind": kind, "level": level, "facts": json.loads(facts)}
        for at, kind, level, facts in rows
    ]
