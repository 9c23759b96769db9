"""The worker in the foreground: claims a job, runs its plan under a lease, and leaves the job in a true state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from engine.battles.budget import Budget
from engine.battles.cast import Cast, open_cast
from engine.battles.matchmaking import MatchMaker
from engine.battles.preflight import PROBE_PROMPTS, Preflight, survey
from engine.battles.progress import Listener, Progress
from engine.battles.prompt_source import read_prompts
from engine.battles.run import Run
from engine.battles.runner import play
from engine.battles.schedule import Schedule
from engine.battles.shipped import land_shipped_answers
from engine.errors import LostLease, StoreError, Unfinished, UsageError, UserError
from engine.jobs import queue
from engine.jobs.beside import beside, first_failure, repeating
from engine.jobs.lease import kept_lease
from engine.jobs.snapshots import Snapshots
from engine.jobs.telling import Teller, unheeded, waiting
from engine.plan import EffectivePlan, Plan, plan_digest, to_toml
from engine.store.battles import Arena, land_arena, read_arena
from engine.store.responses import keys_by_prompt
from engine.store.store import Fence, Store
from engine.store.usage import spent_by_job

PROGRESS_SECONDS = 0.5
SNAPSHOT_SECONDS = 10.0

POSITIONS_PER_JOB = 1 << 32
"""Battles of one plan stand together in the arena's order, those of an earlier plan before those of a later one."""

_LEFT_AS = {"cancel": "cancelled", "pause": "paused"}
"""The state in which a request leaves its job; a drained one is unfinished."""


@dataclass(slots=True)
class Batch:
    """A plan to be run now, in this process.

    Attributes:
        limit: only the first so many prompts of the seeded shuffle.
        dry_run: stop after the preflight. The responses and verdicts of the few calls that it makes are kept.
    """

    store: Store
    effective: EffectivePlan
    listener: Listener
    limit: int | None = None
    dry_run: bool = False

    @property
    def plan(self) -> Plan:
        return self.effective.plan


@dataclass(slots=True)
class _Attempt:
    """One go at a job, or at a dry run, which has no fence.

    Attributes:
        request: what was asked of the job meanwhile: pause, drain or cancel.
    """

    batch: Batch
    fence: Fence | None
    stop: asyncio.Event
    teller: Teller
    request: str | None = None

    @property
    def store(self) -> Store:
        return self.batch.store

    @property
    def plan(self) -> Plan:
        return self.batch.plan

    def take(self, request: str) -> None:
        """Drain, and leave the job as was requested."""
        self.request = request
        self.stop.set()


async def run_batch(batch: Batch, stop: asyncio.Event) -> Progress:
    """Run a plan to its end, or until `stop` is set.

    Raises:
        Unfinished: it was stopped, or reached a budget; running it again goes on.
        UserError: it failed. The job and its reason are in the store either way.
    """
    fence = None if batch.dry_run else _claim(batch)
    attempt = _Attempt(batch, fence, stop, Teller(batch.listener, batch.store, fence))
    if fence is None:
        return await _rehearse(attempt)
    try:
        progress = await _run(attempt, fence)
    except BaseException as error:
        _leave(attempt, fence, error)
        raise
    queue.finish(batch.store, fence, "done", 0)
    return progress


def _claim(batch: Batch) -> Fence:
    with batch.store.write() as tx:
        job_id = queue.submit(tx, plan_digest(batch.plan), batch.plan.run.name, to_toml(batch.plan))
        worker = queue.register_worker(tx)
        return queue.claim(tx, job_id, worker)


def _leave(attempt: _Attempt, fence: Fence, error: BaseException) -> None:
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
        queue.finish(attempt.store, fence, state, exit_code, reason)
    except StoreError as second:
        if state != "failed":  # else what failed first is what a person has to know
            raise second from error


async def _rehearse(attempt: _Attempt) -> Progress:
    """A dry run: the preflight alone."""
    async with _prepared(attempt) as run:
        if attempt.stop.is_set():
            raise Unfinished("stopped before the preflight was done", mend="Run it again.")
        return run.progress


async def _run(attempt: _Attempt, fence: Fence) -> Progress:
    async with kept_lease(attempt.store, fence, attempt.take), _prepared(attempt) as run:
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


def _tell_end(attempt: _Attempt, run: Run) -> None:
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


@asynccontextmanager
async def _prepared(attempt: _Attempt) -> AsyncIterator[Run]:
    """Everything that a run needs, after its preflight."""
    plan, store, fence, teller = attempt.plan, attempt.store, attempt.fence, attempt.teller
    if (text := unheeded(plan)) is not None:
        teller.warn(text)
    matchmaker = MatchMaker.of(plan.fighters, plan.run.mode, plan.run.seed, plan.run.target, plan.run.samples)
    prompts = read_prompts(store, plan.prompts, fence, teller.warn)
    async with open_cast(store, plan, matchmaker.players, fence, teller.warn) as cast:
        teller.notes(cast)
        limit = attempt.batch.limit if attempt.batch.limit is not None else plan.prompts.limit
        schedule = Schedule.of(prompts, matchmaker, cast.contestants(), _recorded(store, cast), limit)
        _check_battles(schedule, teller)
        run = Run(
            store,
            fence,
            schedule,
            _arena(attempt),
            cast,
            _budget(attempt, cast),
            _first_position(attempt),
            rehearsal=fence is None,
        )
        shipped = land_shipped_answers(store, fence, schedule, cast)
        if shipped:
            teller.warn(f"{shipped:,} responses came with the program and are not generated anew")
        await _preflight(attempt, run)
        yield run


def _recorded(store: Store, cast: Cast) -> dict[str, dict[int, list[str]]]:
    return {
        name: keys_by_prompt(store.reader, seat.contestant.id)
        for name, seat in cast.seats.items()
        if seat.recorded
    }


def _check_battles(schedule: Schedule, teller: Teller) -> None:
    """
    Raises:
        UsageError: there is no battle to be made.
    """
    battles, planned = schedule.battles, schedule.planned
    if not battles:
        raise UsageError(
            "not one battle can be made",
            "The store has no responses of the recorded players to these prompts.",
            "See: arena-tui models list. A recorded player is known by its 'model', the name that the store shows.",
        )
    if battles < planned:
        teller.warn(f"{planned - battles:,} of {planned:,} battles are left out: a response is not recorded")


def _arena(attempt: _Attempt) -> Arena:
    """The arena of the plan. A dry run makes none."""
    run, store = attempt.plan.run, attempt.store
    if attempt.fence is None and read_arena(store.reader, run.arena) is None:
        return Arena(0, run.arena, run.outcome_rule, run.on_cut)
    with store.write(attempt.fence) as tx:
        return land_arena(tx, run.arena, run.outcome_rule, run.on_cut)


def _first_position(attempt: _Attempt) -> int:
    if attempt.fence is None:
        return 0
    return queue.first_job(attempt.store.reader, attempt.fence.job_id) * POSITIONS_PER_JOB


def _budget(attempt: _Attempt, cast: Cast) -> Budget:
    """The plan's limits, less what earlier attempts of the job have spent."""
    budget = Budget.of(attempt.plan, attempt.stop)
    if budget.is_limited and attempt.fence is not None:
        names = {("player", seat.contestant.id): name for name, seat in cast.seats.items()}
        names |= {("judge", bench.contestant.id): name for name, bench in cast.benches.items()}
        for spent in spent_by_job(attempt.store.reader, attempt.fence.job_id):
            budget.calls += spent.calls
            name = names.get((spent.role, spent.contestant_id), "")
            budget.spend(spent.role, name, spent.tokens_in, spent.tokens_out)
    return budget


async def _preflight(attempt: _Attempt, run: Run) -> None:
    """Tell what the run takes; a few prompts are played first where nothing is known of time and tokens."""
    found = await survey(run, attempt.plan)
    if found.is_unknown:
        probe = run.head(PROBE_PROMPTS)
        with first_failure():
            await play(probe)
        run.progress.add_calls_of(probe.progress)
        found = await survey(run, attempt.plan)
    if run.stop.is_set():
        return  # the counts are not whole
    attempt.teller.tell("preflight", found.facts())
    for text in _warnings(found, run.budget):
        attempt.teller.warn(text)


def _warnings(found: Preflight, budget: Budget) -> list[str]:
    """What a person should know before going on."""
    told = []
    if found.growth_bytes * 1.2 > found.free_bytes:
        grows, free = found.growth_bytes / 1e9, found.free_bytes / 1e9
        told.append(f"the store may grow by {grows:.1f} GB, and {free:.1f} GB are free")
    left = None if budget.max_calls is None else budget.max_calls - budget.calls
    if left is not None and found.needed > left:
        told.append(f"{found.needed:,} calls are needed, and the budget leaves {left:,} (run.max_calls)")
    if budget.max_cost is not None and found.cost is not None and found.cost > budget.max_cost - budget.cost:
        left_to_spend = budget.max_cost - budget.cost
        told.append(f"it will cost about {found.cost:,.2f}, and the budget leaves {left_to_spend:,.2f}")
    return told


__all__ = ["Batch", "run_batch"]
