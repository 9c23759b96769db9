"""Preflight: what a run would take, before anything larger is spent.

Calls are counted as the run itself would look them up, so what the store has is taken off. Tokens and time come from
calls that were really made: those in the store of these very players and judges; where there are none, a few prompts
are played first, and kept.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.battles import outcome
from engine.battles.budget import Price
from engine.battles.cast import Bench, Seat
from engine.battles.run import Run
from engine.battles.standing import Standing, standing
from engine.plan import ModelPlan, Plan
from engine.players.base import Player
from engine.records import ResponseStatus
from engine.store.responses import statuses
from engine.store.usage import Usage, judge_usage, player_usage

PROBE_PROMPTS = 2
"""Prompts that are played to learn tokens and time, where nothing is known yet."""

CHUNK = 256
"""Prompts, and battles, that are looked up at a time."""

_BATTLE_BYTES = 280
_CALL_BYTES = 280
"""What a battle with its games, and a call beside its text, take in the store with indexes (measured)."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What one player or judge is to be asked.

    Attributes:
        role: `player` or `judge`.
        needed: calls still to be made, if none fails: one a turn of a response, one a game.
        cached: responses that the store has of the run; of a judge, games that need no call.
        asks: whether a model is asked; a checker computes, what is recorded is looked up.
        local: it works in this process, so that it takes turns with others that do.
        sampled: calls that tokens and time are reckoned from; without any, these are None.
        tokens_in, tokens_out: expected, over all needed calls.
        seconds: expected, at as many calls at a time as the plan allows; 0 where nobody is asked.
        priced: whether the plan says a price.
        cost: in the prices of the plan; None without prices, or while tokens are unknown.
        bytes: expected growth of the store.
    """

    role: str
    name: str
    needed: int
    cached: int
    asks: bool
    local: bool
    sampled: int
    tokens_in: float | None
    tokens_out: float | None
    seconds: float | None
    priced: bool
    cost: float | None
    bytes: float

    @property
    def is_unknown(self) -> bool:
        """Whether calls are to be made of which nothing is known yet."""
        return self.asks and self.needed > 0 and not self.sampled

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return {
            "role": self.role,
            "name": self.name,
            "needed": self.needed,
            "cached": self.cached,
            "sampled": self.sampled,
            "tokens_in": self.tokens_in,
            "tokens_out": self.tokens_out,
            "seconds": self.seconds,
            "cost": self.cost,
            "bytes": self.bytes,
        }


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a run would take.

    Attributes:
        prompts, battles: of the whole run; `found` battles are decided or void already, `tried` of them only just, to
            learn tokens and time.
        responses_missing: responses that are still to be made.
        seconds: until the end, players and judges at work at the same time; None when something is unknown.
        cost: over all that have prices; None where none has, or one is unknown.
        growth_bytes, free_bytes: of the store, and on its disk.
    """

    prompts: int
    battles: int
    found: int
    calls: tuple[Calls, ...]
    seconds: float | None
    cost: float | None
    growth_bytes: float
    free_bytes: int
    responses_missing: int
    tried: int = 0

    @property
    def needed(self) -> int:
        """All calls still to be made."""
        return sum(one.needed for one in self.calls)

    @property
    def is_unknown(self) -> bool:
        """Whether a few calls have to be made to tell tokens and time."""
        return any(one.is_unknown for one in self.calls)

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts of the preflight event."""
        return {
            "prompts": self.prompts,
            "battles": self.battles,
            "found": self.found,
            "tried": self.tried,
            "calls": [one.facts() for one in self.calls],
            "calls_needed": self.needed,
            "seconds": self.seconds,
            "cost": self.cost,
            "store_growth_bytes": round(self.growth_bytes),
            "disk_free_bytes": self.free_bytes,
        }


async def survey(run: Run, plan: Plan) -> Preflight:
    """Count what is missing, and reckon what it takes from the calls that the store has.

    When the run is to stop, the counts end where they are.
    """
    found = 0
    calls = [await _of_player(run, plan.players[name], seat) for name, seat in run.cast.seats.items()]
    for bench in run.cast.benches.values():
        of_judge, done = await _of_judge(run, plan.judges[bench.name], bench)
        calls.append(of_judge)
        found += done
    battles = run.schedule.battles * len(run.cast.benches)
    return Preflight(
        len(run.schedule.prompts),
        battles,
        found,
        tuple(calls),
        _seconds(calls),
        _cost(calls),
        sum(one.bytes for one in calls) + (battles - found) * _BATTLE_BYTES,
        shutil.disk_usage(run.store.path.parent).free,
        run.schedule.responses - sum(one.cached for one in calls if one.role == "player"),
    )


async def _of_player(run: Run, plan: ModelPlan, seat: Seat) -> Calls:
    needed = cached = 0
    for start, stop in run.schedule.chunks(CHUNK):
        prompts = run.schedule.prompts[start:stop]
        wanted = [(key, prompt) for prompt in prompts for key in run.schedule.answers_on(seat.name, prompt)]
        stands = statuses(run.store.reader, [key for key, _ in wanted])
        for key, prompt in wanted:
            if key in run.set_aside or (key in stands and stands[key][0] is not ResponseStatus.FAILED):
                cached += 1
            else:
                needed += prompt.open_turns
        await asyncio.sleep(0)
        if run.stop.is_set():
            break
    usage = player_usage(run.store.reader, seat.contestant.id)
    asked = None if seat.recorded else seat.player
    return _reckon("player", seat.name, plan, asked, needed, cached, usage)


async def _of_judge(run: Run, plan: ModelPlan, bench: Bench) -> tuple[Calls, int]:
    """What a judge is to be asked, and how many battles are decided or void."""
    needed = found = 0
    for start, stop in run.schedule.chunks(max(1, CHUNK // run.schedule.matchmaker.per_prompt())):
        matches = run.schedule.matches(start, stop)
        stands = standing(run.store.reader, run.arena, bench, matches, run.set_aside)
        needed += 0 if bench.recorded else _questions(stands, bench.judge.games)
        found += stands.found.total()
        await asyncio.sleep(0)
        if run.stop.is_set():
            break
    usage = judge_usage(run.store.reader, bench.contestant.id)
    cached = run.schedule.battles * bench.judge.games - needed
    return _reckon("judge", bench.name, plan, bench.player, needed, cached, usage), found


def _questions(stands: Standing, games: int) -> int:
    """Those that are known, and those of battles whose responses are still to come (again, where one failed)."""
    unanswered = (outcome.FAILED_RESPONSE, outcome.SET_ASIDE_RESPONSE)
    failed = sum(decision.reason in unanswered for _, decision in stands.settled)
    return len(stands.asked) + (stands.unanswered + failed) * games


def _reckon(
    role: str, name: str, plan: ModelPlan, asked: Player | None, needed: int, cached: int, usage: Usage
) -> Calls:
    priced = plan.price_in is not None or plan.price_out is not None
    tokens_in, tokens_out = _times(usage.tokens_in, needed), _times(usage.tokens_out, needed)
    milliseconds = 0.0 if asked is None else _times(usage.latency_ms, needed)
    known = tokens_in is not None and tokens_out is not None
    return Calls(
        role,
        name,
        needed,
        cached,
        asks=asked is not None,
        local=asked is not None and asked.identity().kind == "weights",
        sampled=usage.calls,
        tokens_in=tokens_in,
        tokens_out=tokens_out,
        seconds=None if milliseconds is None else milliseconds / 1000 / (asked.parallel if asked else 1),
        priced=priced,
        cost=Price.of(plan).cost(tokens_in or 0.0, tokens_out or 0.0) if priced and known else None,
        bytes=needed * (usage.characters + _CALL_BYTES),
    )


def _times(mean: float | None, needed: int) -> float | None:
    """Over all needed calls; nothing is known to be nothing when none is needed."""
    if not needed:
        return 0.0
    return None if mean is None else mean * needed


def _seconds(calls: Iterable[Calls]) -> float | None:
    """Models behind servers answer side by side, those in this process in turn; the slower sets the pace."""
    asking = [one for one in calls if one.asks and one.needed]
    if any(one.seconds is None for one in asking):
        return None
    local = sum(one.seconds or 0.0 for one in asking if one.local)
    return max([local, *(one.seconds or 0.0 for one in asking if not one.local)])


def _cost(calls: Iterable[Calls]) -> float | None:
    costs = [one.cost for one in calls if one.priced]
    known = [cost for cost in costs if cost is not None]
    return sum(known) if costs and len(known) == len(costs) else None
