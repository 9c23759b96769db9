"""The worker in the foreground: claims a job, runs its plan under a lease, and leaves the job in a true state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from engine.battles.cast import Cast, open_cast
from engine.battles.matchmaking import MatchMaker
from engine.battles.preflight import PROBE_PROMPTS, Preflight, survey
from engine.battles.progress import Listener, Progress, RunEvent
from engine.battles.prompt_source import read_prompts
from engine.battles.runner import Run, ticking
from engine.battles.schedule import Schedule
from engine.battles.shipped import land_shipped_answers
from engine.errors import LostLease, Unfinished, UserError
from engine.jobs import queue
from engine.jobs.snapshots import write_snapshots
from engine.plan import EffectivePlan, Plan, plan_digest, to_toml
from engine.store.battles import land_arena
from engine.store.responses import keys_by_prompt
from engine.store.store import Fence, Store

PROGRESS_SECONDS = 0.5
SNAPSHOT_SECONDS = 10.0

POSITIONS_PER_JOB = 1 << 32
"""Battles of one job stand together in the arena's order, those of an earlier job before those of a later one."""


@dataclass(slots=True)
class Batch:
    """A plan to be run now, in this process.

    Attributes:
        limit: only the first so many prompts of the seeded shuffle.
        dry_run: stop after the preflight; the few calls that it makes are kept.
        stop: set it to drain; the run then ends as unfinished.
    """

    store: Store
    effective: EffectivePlan
    listener: Listener
    limit: int | None = None
    dry_run: bool = False

    @property
    def plan(self) -> Plan:
        return self.effective.plan


async def run_batch(batch: Batch, stop: asyncio.Event) -> Progress:
    """Run a plan to its end, or until `stop` is set.

    Raises:
        Unfinished: it was stopped; running it again goes on.
        UserError: it failed. The job and its reason are in the store either way.
    """
    if batch.dry_run:
        async with _prepared(batch, None, stop) as run:
            return run.progress
    fence = _claim(batch)
    batch = replace(batch, listener=_naming(fence.job_id, batch.listener))
    try:
        progress = await _under_lease(batch, fence, stop)
    except LostLease:
        raise
    except UserError as error:
        state = "unfinished" if isinstance(error, Unfinished) else "failed"
        queue.finish(batch.store, fence, state, error.exit_code, error.title)
        raise
    except asyncio.CancelledError:
        queue.finish(batch.store, fence, "unfinished", 130, "interrupted")
        raise
    except BaseException as error:
        queue.finish(batch.store, fence, "failed", 1, f"{type(error).__name__}: {error}")
        raise
    queue.finish(batch.store, fence, "done", 0)
    return progress


def _naming(job_id: int, listener: Listener) -> Listener:
    """The listener, told with every event which job it is of."""
    return lambda event: listener(RunEvent(event.kind, {"job": job_id, **event.facts}, event.at))


def _claim(batch: Batch) -> Fence:
    with batch.store.write() as tx:
        job_id = queue.submit(tx, plan_digest(batch.plan), batch.plan.run.name, to_toml(batch.plan))
        worker = queue.register_worker(tx)
        return queue.claim(tx, job_id, worker)


async def _under_lease(batch: Batch, fence: Fence, stop: asyncio.Event) -> Progress:
    """Run with the lease renewed beside it; a request to cancel, pause or drain sets `stop`."""

    def beat() -> None:
        if queue.heartbeat(batch.store, fence):
            stop.set()

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(_beside(queue.HEARTBEAT_SECONDS, beat))
        run = await stack.enter_async_context(_prepared(batch, fence, stop))
        batch.listener(RunEvent("started", {"attempt": fence.number}))
        await stack.enter_async_context(_beside(PROGRESS_SECONDS, lambda: _tell(batch, fence, run.progress)))
        await stack.enter_async_context(_beside(SNAPSHOT_SECONDS, lambda: _snapshot(run, batch.plan, fence)))
        await _unwrapped(run.play)
        _tell(batch, fence, run.progress)
        _snapshot(run, batch.plan, fence)
        _tell_notes(run.cast, batch.listener)
        if stop.is_set() and run.progress.done < run.progress.total:
            raise Unfinished(
                f"stopped with {run.progress.done:,} of {run.progress.total:,} battles done",
                mend="Everything so far is kept. Run it again to go on.",
            )
        return run.progress


@asynccontextmanager
async def _prepared(batch: Batch, fence: Fence | None, stop: asyncio.Event) -> AsyncIterator[Run]:
    """Everything that a run needs, after its preflight."""

    def warn(text: str) -> None:
        batch.listener(RunEvent("warning", {"text": text}))

    plan = batch.plan
    matchmaker = _matchmaker(plan)
    prompts = read_prompts(batch.store, plan.prompts, fence)
    async with open_cast(batch.store, plan, matchmaker.players, fence, warn) as cast:
        recorded = {
            name: keys_by_prompt(batch.store.reader, seat.contestant.id)
            for name, seat in cast.seats.items()
            if seat.recorded
        }
        limit = batch.limit if batch.limit is not None else plan.prompts.limit
        schedule = Schedule.of(prompts, matchmaker, cast.contestants(), recorded, limit)
        with batch.store.write(fence) as tx:
            arena = land_arena(tx, plan.run.arena, plan.run.outcome_rule, plan.run.on_cut)
        first = fence.job_id * POSITIONS_PER_JOB if fence else 0
        shipped = land_shipped_answers(batch.store, fence, schedule, cast)
        if shipped:
            batch.listener(RunEvent("shipped", {"responses": shipped}))
        run = Run(batch.store, fence, schedule, arena, cast, first, stop=stop)
        preflight = await _preflight(batch, run)
        batch.listener(RunEvent("preflight", preflight.facts()))
        for text in preflight.warnings():
            warn(text)
        yield run


async def _preflight(batch: Batch, run: Run) -> Preflight:
    """What the run takes; a few prompts are played first where nothing is known of time and tokens."""
    found = survey(batch.store, batch.plan, run.schedule, run.arena, run.cast)
    if all(one.sampled or not one.needed for one in found.calls):
        return found
    probe = Run(
        run.store,
        run.fence,
        run.schedule.head(PROBE_PROMPTS),
        run.arena,
        run.cast,
        run.first_position,
        stop=run.stop,
    )
    await _unwrapped(probe.play)
    return survey(batch.store, batch.plan, run.schedule, run.arena, run.cast)


def _matchmaker(plan: Plan) -> MatchMaker:
    run = plan.run
    return MatchMaker.of(plan.fighters, run.mode, run.seed, run.target, run.samples)


def _tell(batch: Batch, fence: Fence, progress: Progress) -> None:
    facts = progress.facts()
    batch.listener(RunEvent("progress", facts))
    with batch.store.write(fence) as tx:
        queue.set_progress(tx, fence.job_id, facts)


def _tell_notes(cast: Cast, listener: Listener) -> None:
    asked = [seat.player for seat in cast.seats.values()]
    asked += [bench.judge.player for bench in cast.benches.values() if hasattr(bench.judge, "player")]
    for player in asked:
        for note in player.notes:
            listener(RunEvent("warning", {"text": note}))


def _snapshot(run: Run, plan: Plan, fence: Fence) -> None:
    benches = [bench.contestant.id for bench in run.cast.benches.values()]
    write_snapshots(run.store, fence, [(run.arena.id, judge_id) for judge_id in benches], plan)


@asynccontextmanager
async def _beside(every_seconds: float, tick: Callable[[], None]) -> AsyncIterator[None]:
    """Call `tick` now and then while the block runs; what it raises ends the block."""
    owner = asyncio.current_task()
    assert owner is not None
    failure: list[BaseException] = []

    async def run() -> None:
        try:
            await ticking(every_seconds, tick)
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # noqa: BLE001  handed to the block below
            failure.append(error)
            owner.cancel()

    task = asyncio.create_task(run())
    try:
        yield
    except asyncio.CancelledError:
        if failure:
            owner.uncancel()
            raise failure[0] from None
        raise
    finally:
        task.cancel()


async def _unwrapped(play: Callable[[], Any]) -> None:
    """Run it, and raise the first failure of its tasks by itself rather than in a group."""
    try:
        await play()
    except BaseExceptionGroup as group:
        raise _first(group) from group


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            return _first(error)
        return error
    return group


__all__ = ["Batch", "run_batch"]
