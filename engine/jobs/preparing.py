"""What a run needs before it begins: prompts, players and judges, its schedule and budget, and its preflight."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

from engine.battles.budget import Budget
from engine.battles.cast import NOTES_SECONDS, Cast, open_cast
from engine.battles.kin import kin_warnings
from engine.battles.landed import landed
from engine.battles.matchmaking import MatchMaker
from engine.battles.preflight import PROBE_PROMPTS, Preflight, survey
from engine.battles.prompt_source import read_prompts
from engine.battles.run import Run
from engine.battles.runner import play
from engine.battles.schedule import Schedule
from engine.battles.shipped import land_shipped_answers
from engine.battles.suspects import settle_suspects
from engine.errors import UsageError
from engine.jobs.attempt import Attempt
from engine.jobs.beside import beside, first_failure, repeating
from engine.jobs.jobs import first_job
from engine.jobs.telling import Teller, unheeded
from engine.store.battles import Arena, land_arena, read_arena
from engine.store.responses import keys_by_prompt
from engine.store.store import Store
from engine.store.usage import spent_by_job

POSITIONS_PER_JOB = 1 << 32
"""Battles of one plan stand together in the arena's order, those of an earlier plan before those of a later one."""


@asynccontextmanager
async def prepared(attempt: Attempt) -> AsyncIterator[Run]:
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
        with first_failure():
            await settle_suspects(run, teller.warn)
        if not attempt.started:
            for warning in kin_warnings(store, cast.seats.values(), cast.benches.values()):
                teller.warn(warning)
            async with beside(repeating(NOTES_SECONDS, lambda: teller.notes(cast))):
                await _preflight(attempt, run)
        run.progress.known = await landed(run)
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


def _arena(attempt: Attempt) -> Arena:
    """The arena of the plan. A dry run makes none."""
    run, store = attempt.plan.run, attempt.store
    if attempt.fence is None and read_arena(store.reader, run.arena) is None:
        return Arena(0, run.arena, run.outcome_rule, run.on_cut)
    with store.write(attempt.fence) as tx:
        return land_arena(tx, run.arena, run.outcome_rule, run.on_cut)


def _first_position(attempt: Attempt) -> int:
    if attempt.fence is None:
        return 0
    return first_job(attempt.store.reader, attempt.fence.job_id) * POSITIONS_PER_JOB


def _budget(attempt: Attempt, cast: Cast) -> Budget:
    """The job's limits, less what it has spent so far. Counted without a limit too: one may be set while it runs."""
    budget = Budget.of(attempt.plan, attempt.control.stop)
    limits = attempt.limits
    budget.limit(limits.max_calls, limits.max_tokens, limits.max_cost)
    if attempt.fence is not None and (attempt.started or attempt.fence.number > 1):
        names = {("player", seat.contestant.id): name for name, seat in cast.seats.items()}
        names |= {("judge", bench.contestant.id): name for name, bench in cast.benches.items()}
        for spent in spent_by_job(attempt.store.reader, attempt.fence.job_id):
            budget.calls += spent.calls
            name = names.get((spent.role, spent.contestant_id), "")
            budget.spend(spent.role, name, spent.tokens_in, spent.tokens_out)
    attempt.budget = budget
    return budget


async def _preflight(attempt: Attempt, run: Run) -> None:
    """Tell what the run takes; a few prompts are played first where nothing is known of time and tokens."""
    found = await survey(run, attempt.plan)
    if found.is_unknown:
        probe = run.head(PROBE_PROMPTS)
        with first_failure():
            await play(probe)
        run.progress.add_calls_of(probe.progress)
        found = await survey(run, attempt.plan)
        found = replace(found, tried=min(found.found, probe.progress.done - probe.progress.found))
    if run.stop.is_set():
        return  # the counts are not whole
    run.progress.expected_battles = found.battles - found.found
    run.progress.expected_responses = found.responses_missing
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
