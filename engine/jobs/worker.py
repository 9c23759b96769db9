"""The worker of one job: claims it, runs its plan under a lease, and leaves the job in a true state."""

from __future__ import annotations

import asyncio
import gc
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from engine.battles.progress import Progress
from engine.battles.run import Run
from engine.battles.runner import play
from engine.errors import Cancelled, DiskFull, EndpointError, LostLease, StoreError, Unfinished, UserError
from engine.jobs import attempts
from engine.jobs.attempt import Attempt, Batch
from engine.jobs.beside import beside, repeating
from engine.jobs.claiming import claim_batch, claim_job
from engine.jobs.lease import kept_lease
from engine.jobs.limits import Limits
from engine.jobs.listening import Listening
from engine.jobs.mirroring import Mirroring, mirror_of
from engine.jobs.pausing import Cause, PauseOver, cause_of
from engine.jobs.preparing import prepared
from engine.jobs.requests import REQUEST_SECONDS
from engine.jobs.snapshots import Snapshots
from engine.jobs.telling import waiting
from engine.jobs.workers import Worker
from engine.plan import Plan
from engine.store.store import Fence

PROGRESS_SECONDS = 0.5
SNAPSHOT_SECONDS = 10.0
INTERRUPTED_SECONDS = 2.0
"""What `on_event` may still take when the run is to stop at once."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How an attempt ends: the state of its job, its exit code, and why."""

    state: str
    exit_code: int
    reason: str | None = None


async def run_batch(batch: Batch, stop: asyncio.Event, worker: Worker | None = None) -> Progress:
    """Run a plan to its end, or until `stop` is set.

    Args:
        worker: who does it, where a process does several: the job of `batch.job_id` is taken then.

    Raises:
        Unfinished: it was stopped, reached a limit, or was paused for long; running it again goes on.
        Cancelled: somebody stopped it for good.
        UserError: it failed. The job and its reason are in the store either way.
    """
    if batch.dry_run:
        return await _rehearse(batch, stop)
    with mirror_of(batch):
        return await _work(batch, stop, worker)


async def _work(batch: Batch, stop: asyncio.Event, worker: Worker | None) -> Progress:
    """Claim the job, and leave it in a true state whatever comes of the attempt."""
    fence = claim_batch(batch) if worker is None else claim_job(batch, worker)
    attempt = Attempt.of(batch, fence)
    try:
        progress = await _attend(attempt, fence, stop)
    except BaseException as error:
        await _leave(attempt, fence, _ending(error), error)
        raise
    await _leave(attempt, fence, Ending("done", 0))
    return progress


async def _rehearse(batch: Batch, stop: asyncio.Event) -> Progress:
    """A dry run: the preflight alone."""
    attempt = Attempt.of(batch, None)
    attempt.control.stop = stop
    async with prepared(attempt) as run:
        if stop.is_set():
            raise Unfinished("stopped before the preflight was done", mend="Run it again.")
        return run.progress


async def _attend(attempt: Attempt, fence: Fence, stop: asyncio.Event) -> Progress:
    """Keep the lease, hear what is asked, and go at it until it is done or to end."""
    heard = Listening(attempt, fence)
    listening = (heard.relay(stop), heard.watch_time(), repeating(REQUEST_SECONDS, heard.look))
    async with kept_lease(attempt.store, fence), beside(*listening, Mirroring(attempt).keep()):
        if stop.is_set():
            attempt.control.ask("drain")
        while True:
            attempt.control.begin()
            limits = attempt.limits
            try:
                async with beside(attempt.control.hurry(attempt.batch.grace_seconds)):
                    return await _go(attempt, fence)
            except UserError as error:
                if _is_called_back(attempt, limits, error):
                    continue
                cause = _cause(attempt, error)
                if cause is None:
                    raise
            _pause(attempt, cause)
            await attempt.pausing.wait_out(attempt.teller.catch_up)


def _is_called_back(attempt: Attempt, limits: Limits, error: UserError) -> bool:
    """Whether what drained a go holds no longer: a pause was taken back, or a limit was raised."""
    budget = attempt.budget
    if not isinstance(error, Unfinished) or attempt.control.asked is not None:
        return False
    if budget is None or budget.reached is None:
        return True
    return attempt.limits != limits and not budget.is_spent()


def _cause(attempt: Attempt, error: UserError) -> Cause | None:
    """Why to pause, if this can be waited out. A server that has not answered once is no cause, unless servers come
    and go: its address may be wrong."""
    if isinstance(error, EndpointError) and not attempt.started and not _follows_a_list(attempt.plan):
        return None
    return cause_of(error, attempt.control, attempt.store.path)


def _follows_a_list(plan: Plan) -> bool:
    """Whether a file says where servers are."""
    models = [*plan.players.values(), *plan.judges.values()]
    return any(one.startswith("@") for model in models for one in model.endpoints or ())


def _pause(attempt: Attempt, cause: Cause) -> None:
    if attempt.pausing.begin(cause):
        facts = attempt.teller.paused(cause.reason, attempt.batch.pause_seconds)
        _notify(attempt, "paused", facts)


async def _go(attempt: Attempt, fence: Fence) -> Progress:
    """One go: everything that is missing, from the preflight to the last snapshot."""
    async with prepared(attempt) as run:
        asked_before = attempt.asked.calls.total()
        run.progress.add_calls_of(attempt.asked)
        _tell_beginning(attempt, fence)
        snapshots = Snapshots(attempt.store, fence, attempt.plan, _views(run))

        def tell() -> None:
            if run.progress.calls.total() > asked_before:
                _resume(attempt)
            attempt.teller.notes(run.cast)
            attempt.teller.progress(run.progress)

        try:
            async with beside(
                repeating(PROGRESS_SECONDS, tell), repeating(SNAPSHOT_SECONDS, snapshots.write)
            ):
                await play(run)
        except BaseException:
            with suppress(StoreError):  # what ends the run is told, and not what follows from it
                tell()
                snapshots.write()
            raise
        finally:
            attempt.asked = Progress()
            attempt.asked.add_calls_of(run.progress)
            if run.progress.calls.total() > asked_before:
                attempt.pausing.land()
        if not run.stop.is_set():
            _resume(attempt)
        tell()
        snapshots.write()
        _tell_end(attempt, run)
        return run.progress


def _tell_beginning(attempt: Attempt, fence: Fence) -> None:
    if not attempt.started:
        attempt.started = True
        gc.freeze()  # what is there by now stays: looking through it again would stop the run for 0.1 s each time
        attempt.teller.tell("started", {"attempt": fence.number})
    if (cause := attempt.pausing.cause) is not None and not cause.waits:
        _resume(attempt)


def _resume(attempt: Attempt) -> None:
    """The pause is over, if there is one: what was waited for is seen only when something lands again."""
    cause, attempt.pausing.cause = attempt.pausing.cause, None
    if cause is not None:
        _notify(attempt, "resumed", attempt.teller.resumed(cause.reason))


def _views(run: Run) -> list[tuple[int, int]]:
    return [(run.arena.id, bench.contestant.id) for bench in run.cast.benches.values()]


def _tell_end(attempt: Attempt, run: Run) -> None:
    """
    Raises:
        Unfinished: not all battles had their turn.
    """
    progress = run.progress
    if progress.done < progress.total:
        done = f"{progress.told.total():,} of {progress.total:,} battles are done"
        if run.budget.reached is not None:
            raise Unfinished(run.budget.reached, done, "Everything so far is kept. Raise it to go on.")
        raise Unfinished(f"stopped: {done}", mend="Everything so far is kept. Run it again to go on.")
    if (text := waiting(progress.reasons)) is not None:
        attempt.teller.warn(text)


async def _leave(attempt: Attempt, fence: Fence, ending: Ending, error: BaseException | None = None) -> None:
    """Leave the job as the attempt ends, unless it is another worker's by now, and tell whom the plan names.

    Raises:
        StoreError: the state cannot be written, and the run had not failed anyway.
    """
    if isinstance(error, LostLease):
        _leave_to_another(attempt, fence, ending)
    else:
        _finish(attempt, fence, ending, error)
        attempt.teller.end()
        facts = {"state": ending.state, "exit_code": ending.exit_code, "reason": ending.reason}
        _notify(attempt, "finished", {**facts, "progress": attempt.teller.last_progress})
        if not _is_interrupted(error):
            await Mirroring(attempt).copy()
    await attempt.notifier.done(INTERRUPTED_SECONDS if _is_interrupted(error) else None)


def _is_interrupted(error: BaseException | None) -> bool:
    """Whether somebody wants the process to end at once."""
    return isinstance(error, asyncio.CancelledError | KeyboardInterrupt)


def _leave_to_another(attempt: Attempt, fence: Fence, ending: Ending) -> None:
    """Say in the store why the attempt ends, where its mirror was lost and the store is still its own; a store whose
    job another worker took over refuses it."""
    with suppress(StoreError):  # that another took over is told, and not what follows from it
        attempts.finish(attempt.store, fence, ending.state, ending.exit_code, ending.reason)


def _finish(attempt: Attempt, fence: Fence, ending: Ending, error: BaseException | None) -> None:
    if ending.state == "failed" and isinstance(error, UserError):
        attempt.teller.failed(error)
    attempt.teller.catch_up()
    try:
        attempts.finish(attempt.store, fence, ending.state, ending.exit_code, ending.reason)
    except DiskFull as full:
        if error is None:
            raise Unfinished(
                f"all is done, but {full.title}", mend="Free some space and run it again."
            ) from full
    except StoreError as second:
        if ending.state != "failed":  # else what failed first is what a person has to know
            raise second from error


def _ending(error: BaseException) -> Ending:
    if _is_interrupted(error):
        return Ending("unfinished", 130, "interrupted")
    if not isinstance(error, UserError):
        return Ending("failed", 1, f"{type(error).__name__}: {error}")
    state = "failed"
    for kind, left in ((PauseOver, "paused"), (Unfinished, "unfinished"), (Cancelled, "cancelled")):
        if isinstance(error, kind):
            state = left
            break
    return Ending(state, error.exit_code, error.title)


def _notify(attempt: Attempt, kind: str, facts: Mapping[str, Any]) -> None:
    """Hand an event to the command that the plan names."""
    about = {"job": attempt.batch.job_id, "name": attempt.plan.run.name, "store": str(attempt.store.path)}
    attempt.notifier.tell({"event": kind, "time": time.time(), **about, **facts})


__all__ = ["Batch", "run_batch"]
