"""Suspects: what was in hand when workers died.

A worker that dies leaves up to a few hundred requests unfinished, of which at most one killed it. The next one asks
them again in their order, all at a time, since mostly something else was to blame. What was in hand twice is asked
alone, before all else: if the worker dies of it a third time, no doubt is left, and the next one sets it aside, lands
it as failed and goes on.
"""

from __future__ import annotations

from dataclasses import replace

from engine.battles.cast import Bench, Seat, Warn
from engine.battles.games import Asked
from engine.battles.judging import Judging
from engine.battles.progress import Progress
from engine.battles.responding import Responding
from engine.battles.run import Run
from engine.battles.standing import standing
from engine.records import Response, ResponseStatus, Verdict, VerdictStatus
from engine.store import units
from engine.store.responses import NewResponse, land_responses, statuses
from engine.store.store import Fence, Transaction
from engine.store.units import MOST_KILLS, SET_ASIDE, Suspect
from engine.store.verdicts import land_verdicts

ASKED_ALONE = MOST_KILLS - 1
"""Attempts that died with a unit in hand, after which it is asked alone."""


async def settle_suspects(run: Run, warn: Warn) -> None:
    """Ask alone what is suspected, and set aside what has killed its worker three times. All that the job has set
    aside is in `run.set_aside` then.

    Call it before `play`, and nothing else beside it.

    Args:
        warn: is told of both.
    """
    if run.fence is None:
        return
    reader, job_id = run.store.reader, run.fence.job_id
    run.set_aside |= {one.unit.key for one in units.read_set_aside(reader, job_id)}
    suspects = units.read_suspects(reader, job_id, ASKED_ALONE)
    settling = _Settling(run, run.fence)
    for one in suspects:
        if one.kills >= MOST_KILLS and settling.set_aside(one):
            warn(f"{one} is set aside: {one.kills} workers died with it in hand")
    alone = [one for one in suspects if one.kills < MOST_KILLS]
    if alone:
        what = f"{len(alone):,} requests were" if len(alone) > 1 else "one request was"
        warn(f"{what} in hand when two workers died: asked alone, before all else")
    for one in alone:
        await settling.ask_alone(one)


class _Settling:
    """Finds what suspects are in a run's schedule, and settles them one after another."""

    def __init__(self, run: Run, fence: Fence) -> None:
        self._run = run
        self._fence = fence
        self._places = {prompt.id: place for place, prompt in enumerate(run.schedule.prompts)}
        self._seats = {seat.contestant.id: seat for seat in run.cast.seats.values()}
        self._benches = {bench.contestant.id: bench for bench in run.cast.benches.values()}

    def set_aside(self, suspect: Suspect) -> bool:
        """Land it as failed, for good as far as this job goes; False when nobody waits for it."""
        key = suspect.unit.key
        with self._run.store.write(self._fence) as tx:
            landed = self._fail_response(tx, suspect) or self._fail_verdict(tx, suspect)
            if landed:
                units.set_aside(tx, self._fence.job_id, key)
                self._run.set_aside.add(key)
            else:
                units.let_go(tx, self._fence.job_id, [key])
        return landed

    async def ask_alone(self, suspect: Suspect) -> None:
        """Ask for it with nothing beside it; let it go when nobody waits for it."""
        run = replace(self._run, progress=Progress())
        key = suspect.unit.key
        if (owed := self._response(suspect)) is not None:
            seat, place, sample = owed
            await Responding(run, seat).ask_alone(place, sample, key)
        elif (wanted := self._question(suspect)) is not None:
            bench, asked = wanted
            await Judging(run, bench, []).ask_alone(asked)
        else:
            with run.store.write(self._fence) as tx:
                units.let_go(tx, self._fence.job_id, [key])
        self._run.progress.add_calls_of(run.progress)

    def _fail_response(self, tx: Transaction, suspect: Suspect) -> bool:
        owed = self._response(suspect)
        if owed is None:
            return False
        seat, _, sample = owed
        response = Response(ResponseStatus.FAILED, (), sample, SET_ASIDE)
        unit = suspect.unit
        land_responses(tx, [NewResponse(unit.key, unit.prompt_id, seat.contestant.id, response)])
        return True

    def _fail_verdict(self, tx: Transaction, suspect: Suspect) -> bool:
        wanted = self._question(suspect)
        if wanted is None:
            return False
        bench, asked = wanted
        verdict = Verdict(bench.judge.kind, VerdictStatus.FAILED, reason=SET_ASIDE)
        land_verdicts(tx, [asked.new_verdict(bench.contestant.id, verdict)])
        return True

    def _response(self, suspect: Suspect) -> tuple[Seat, int, int] | None:
        """Who owes it, on the prompt at which place, and as which sample; None when it is not owed."""
        unit = suspect.unit
        seat, place = self._seats.get(unit.player_id or 0), self._places.get(unit.prompt_id)
        if seat is None or place is None:
            return None
        owed = self._run.schedule.answers_on(seat.name, self._run.schedule.prompts[place])
        stands = statuses(self._run.store.reader, [unit.key]).get(unit.key)
        if unit.key not in owed or (stands is not None and stands[0] is not ResponseStatus.FAILED):
            return None
        return seat, place, owed.index(unit.key)

    def _question(self, suspect: Suspect) -> tuple[Bench, Asked] | None:
        """Who is to be asked what; None when no battle waits for it."""
        unit = suspect.unit
        bench, place = self._benches.get(unit.judge_id or 0), self._places.get(unit.prompt_id)
        if bench is None or place is None:
            return None
        run = self._run
        found = standing(run.store.reader, run.arena, bench, run.schedule.matches(place, place + 1))
        asked = next((one for one in found.asked if one.question.key == unit.key), None)
        return None if asked is None else (bench, asked)
