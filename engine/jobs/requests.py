"""Requests: what somebody wants of a job, beside its state. Its worker reads them about once a second."""

from __future__ import annotations

from engine.errors import StoreError
from engine.jobs.events import record_event
from engine.jobs.jobs import read_job
from engine.store.sqlite import Connection
from engine.store.store import Transaction

REQUEST_SECONDS = 1.0
"""How often a worker looks."""


def ask_to_drain(tx: Transaction, job_id: int) -> None:
    """Ask the worker of a running job to finish what is in flight and stop.

    Raises:
        StoreError: there is no such job, or nobody is at it.
    """
    job = read_job(tx.connection, job_id)
    if job.state != "running":
        raise StoreError(f"job {job_id} is not running: it is {job.state}")
    tx.connection.execute("UPDATE jobs SET request = 'drain' WHERE id = ?", (job_id,))
    record_event(tx, "requested", job_id=job_id, facts={"request": "drain"})


def read_request(connection: Connection, job_id: int) -> str | None:
    """What is requested of a job, if anything: pause, drain or cancel."""
    row = connection.execute("SELECT request FROM jobs WHERE id = ?", (job_id,)).fetchone()
    return row[0] if row else None
