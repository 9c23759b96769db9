"""The worker in the foreground: claims a job, runs its plan under a lease, and leaves the job in a true state."""

from __future__ import annotations

import asyncio

from engine.battles.progress import Progress
from engine.battles.run import Run
from engine.battles.runner import play
from engine.errors import LostLease, StoreError, Unfinished, UserError
from engine.jobs import attempts
from engine.jobs.attempt import Attempt, Batch
from engine.jobs.beside import beside, repeating
from engine.jobs.jobs import submit
from engine.jobs.lease import kept_lease
from engine.jobs.preparing import prepared
from engine.jobs.requests import REQUEST_SECONDS, read_request
from engine.jobs.snapshots import Snapshots
from engine.jobs.telling import Teller, waiting
from engine.jobs.workers import register_worker
from engine.plan import plan_digest, to_toml
from engine.store.store import Fence

PROGRESS_SECONDS = 0.5
SNAPSHOT_SECONDS = 10.0

_LEFT_AS = {"cancel": "cancelled", "pause": "paused"}
"""The state in which a request leaves its job; a drained one is unfinished."""


async def run_batch(batch: Batch, stop: asyncio.Event) -> Progress:
    """Run a plan to its end, or until `stop` is set.

    Raises:
        Unfinished: it was stopped, or reached a budget; running it again goes on.
        UserError: it failed. The job and its reason are in the store either way.
    """
    fence = None if batch.dry_run else _claim(batch)
    attempt = Attempt(batch, fence, stop, Teller(batch.listener, batch.store, fence))
    if fence is None:
        return await _rehearse(attempt)
    try:
        progress = await _run(attempt, fence)
    except BaseException as error:
        _leave(attempt, fence, error)
        raise
    attempts.finish(batch.store, fence, "done", 0)
    return progress


def _claim(batch: Batch) -> Fence:
    with batch.store.write() as tx:
        job_id = submit(tx, plan_digest(batch.plan), batch.plan.run.name, to_toml(batch.plan))
        worker = register_worker(tx)
        fence = attempts.claim(tx, job_id, worker)
    batch.job_id = job_id
    return fence


def _leave(attempt: Attempt, fence: Fence, error: BaseException) -> None:
    """Leave the job of a run that did not come to its end, unless it is another worker's by now."""
    state, exit_code, reason = "failed", 1, f"{type(error).__name__}: {error}"
    if isinstance(error, UserError):
        exit_code, reason = error.exit_code, error.title
    if isinstance(error, Unfinished):
        state = _LEFT_AS.get(attempt.request or "drain", "unfinished")
    if isinstance(error, asyncio.CancelledError | KeyboardInterrupt):
        state, exit_code, reason = "unfinished", 130, "interrupted"
    if isinstance(error, LostLease):
        return
    try:
        attempts.finish(attempt.store, fence, state, exit_code, reason)
    except StoreError as second:
        if state != "failed":  # else what failed first is what a person has to know
            raise second from error


async def _rehearse(attempt: Attempt) -> Progress:
    """A dry run: the preflight alone."""
    async with prepared(attempt) as run:
        if attempt.stop.is_set():
            raise Unfinished("stopped before the preflight was done", mend="Run it again.")
        return run.progress


async def _run(attempt: Attempt, fence: Fence) -> Progress:
    def look() -> None:
        if (request := read_request(attempt.store.reader, fence.job_id)) is not None:
            attempt.take(request)

    heard = beside(repeating(REQUEST_SECONDS, look))
    async with kept_lease(attempt.store, fence), heard, prepared(attempt) as run:
        attempt.teller.tell("started", {"attempt": fence.number})
        snapshots = Snapshots(attempt.store, fence, attempt.plan, _views(run))

        def tell() -> None:
            attempt.teller.notes(run.cast)
            attempt.teller.progress(run.progress)

        async with beside(repeating(PROGRESS_SECONDS, tell), repeating(SNAPSHOT_SECONDS, snapshots.write)):
            await play(run)
        tell()
        snapshots.write()
        _tell_end(attempt, run)
        return run.progress


def _views(run: Run) -> list[tuple[int, int]]:
    return [(run.arena.id, bench.contestant.id) for bench in run.cast.benches.values()]


def _tell_end(attempt: Attempt, run: Run) -> None:
    """
    Raises:
        Unfinished: not all battles had their turn.
    """
    progress = run.progress
    if (text := waiting(progress.reasons)) is not None:
        attempt.teller.warn(text)
    if progress.done < progress.total:
        done = f"{progress.done:,} of {progress.total:,} battles are done"
        if run.budget.reached is not None:
            raise Unfinished(run.budget.reached, done, "Everything so far is kept. Raise it to go on.")
        raise Unfinished(f"stopped: {done}", mend="Everything so far is kept. Run it again to go on.")


__all__ = ["Batch", "run_batch"]
