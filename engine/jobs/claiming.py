"""Claiming: how a run comes to its job and its attempt."""

from __future__ import annotations

from engine.errors import StoreError, UserError
from engine.jobs import attempts
from engine.jobs.attempt import Batch
from engine.jobs.jobs import newest_job, submit
from engine.jobs.requests import set_limits
from engine.jobs.settling import settle
from engine.jobs.workers import Worker, register_worker
from engine.plan import plan_digest, to_toml
from engine.store.store import Fence, Transaction


class CrashLoop(UserError):
    """Workers die at a job one after another."""

    def __init__(self, job_id: int) -> None:
        super().__init__(
            f"job {job_id} failed: {attempts.MOST_LOST} workers died at it one after another, and landed nothing",
            "Something kills them, such as too little memory; the system's log may say what.",
            f"Mend it, and start the job afresh with: arena-tui jobs resume {job_id}",
        )


def claim_batch(batch: Batch) -> Fence:
    """An attempt at the job of a batch's plan, for a worker of its own; `batch.job_id` is set.

    Raises:
        JobBusy: another worker is at it.
        CrashLoop: workers die at it one after another.
    """
    with batch.store.write() as tx:
        _settle(tx, batch)
    _refuse_loop(batch)
    with batch.store.write() as tx:
        job_id = _submit(tx, batch)
        fence = attempts.claim(tx, job_id, register_worker(tx))
    batch.job_id = job_id
    return fence


def claim_job(batch: Batch, worker: Worker) -> Fence:
    """An attempt at the job that the batch names.

    Raises:
        JobBusy: another worker is at it.
        StoreError: it does not wait for a worker any more.
    """
    assert batch.job_id is not None
    with batch.store.write() as tx:
        job = settle(tx, batch.job_id)
        if job.state in ("queued", "running", "paused"):
            return attempts.claim(tx, job.id, worker)
    raise StoreError(f"job {job.id} is {job.state} by now")


def queue_batch(batch: Batch) -> int:
    """Queue the job of a batch's plan for a worker; return its number, which `batch.job_id` is set to.

    Raises:
        JobBusy: another worker is at it.
        CrashLoop: workers die at it one after another.
    """
    with batch.store.write() as tx:
        _settle(tx, batch)
    _refuse_loop(batch)
    with batch.store.write() as tx:
        job_id = batch.job_id = _submit(tx, batch)
        found = attempts.at_work(tx.connection, job_id)
        if found is not None:
            raise attempts.JobBusy(job_id, found)
        tx.connection.execute(
            "UPDATE jobs SET state = 'queued', request = NULL, reason = NULL WHERE id = ?", (job_id,)
        )
        if batch.stop_after is not None:
            set_limits(tx, job_id, {"stop_after": batch.stop_after})
    return job_id


def _submit(tx: Transaction, batch: Batch) -> int:
    plan = batch.plan
    return submit(tx, plan_digest(plan), plan.run.name, to_toml(plan), batch.limit)


def _settle(tx: Transaction, batch: Batch) -> None:
    job = newest_job(tx.connection, plan_digest(batch.plan))
    if job is not None:
        settle(tx, job.id)


def _refuse_loop(batch: Batch) -> None:
    job = newest_job(batch.store.reader, plan_digest(batch.plan))
    if job is not None and job.state == "failed" and attempts.is_looping(batch.store.reader, job.id):
        raise CrashLoop(job.id)
