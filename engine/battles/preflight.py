"""Preflight: what a run would take, before anything larger is spent.

Calls are counted exactly, with what the store has already taken off. Tokens and time come from calls that were really
made: the answers and verdicts in the store of these very players and judges; where there are none, a few prompts are
played first, and kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.battles.cast import Bench, Cast, Seat
from engine.battles.schedule import Schedule
from engine.plan import ModelPlan, Plan
from engine.records import ResponseStatus
from engine.store.battles import Arena, battle_states
from engine.store.responses import statuses
from engine.store.sqlite import Connection
from engine.store.store import Store

PROBE_PROMPTS = 2
"""Prompts that are played to learn tokens and time, where nothing is known yet."""

CHUNK = 500
_BATTLE_BYTES = 520
_TEXT_BYTES = 480
"""What a battle with its games, and what a response or verdict beside its text, take in the store with indexes."""


@dataclass(frozen=True, slots=True)
class Calls:
    """What one player or judge is to be asked.

    Attributes:
        role: `player` or `judge`.
        needed: calls still to be made; for a judge at most, since equal responses are shown once.
        cached: what the store has of the run already, in responses or battles.
        sampled: calls that tokens and time are reckoned from; 0 when nothing is known.
        tokens_in, tokens_out: expected, over all needed calls.
        seconds: expected, at the player's own concurrency.
        cost: in the prices of the plan; None without prices.
    """

    role: str
    name: str
    needed: int
    cached: int
    sampled: int
    tokens_in: float | None
    tokens_out: float | None
    seconds: float | None
    cost: float | None
    bytes: float


@dataclass(frozen=True, slots=True)
class Preflight:
    """What a run would take.

    Attributes:
        prompts, battles: of the whole run; `found` battles are decided or void already.
        seconds: until the end, players and judges at work at the same time; None when nothing is known.
        growth_bytes, free_bytes: of the store, and on its disk.
    """

    prompts: int
    battles: int
    found: int
    calls: tuple[Calls, ...]
    seconds: float | None
    growth_bytes: float
    free_bytes: int

    @property
    def needed(self) -> int:
        """All calls still to be made."""
        return sum(one.needed for one in self.calls)

    @property
    def cost(self) -> float | None:
        """Over all players and judges that have prices; None when none has."""
        costs = [one.cost for one in self.calls if one.cost is not None]
        return sum(costs) if costs else None

    def warnings(self) -> list[str]:
        """What a person should know before going on."""
        if self.growth_bytes * 1.2 > self.free_bytes:
            return [
                f"the store may grow by {self.growth_bytes / 1e9:.1f} GB, and {self.free_bytes / 1e9:.1f} GB are free"
            ]
        return []

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts of the preflight event."""
        return {
            "prompts": self.prompts,
            "battles": self.battles,
            "found": self.found,
            "calls": [{name: getattr(one, name) for name in Calls.__slots__} for one in self.calls],
            "calls_needed": self.needed,
            "seconds": self.seconds,
            "cost": self.cost,
            "store_growth_bytes": round(self.growth_bytes),
            "disk_free_bytes": self.free_bytes,
        }


def survey(store: Store, plan: Plan, schedule: Schedule, arena: Arena, cast: Cast) -> Preflight:
    """Count what is missing, and reckon what it takes from the calls that the store has."""
    connection = store.reader
    players = [_of_player(connection, plan, schedule, seat) for seat in cast.seats.values()]
    judges, found = [], 0
    for bench in cast.benches.values():
        missing = _missing_battles(connection, schedule, arena, bench)
        found += schedule.battles - missing
        judges.append(_of_judge(connection, plan, schedule, bench, missing))
    calls = (*players, *judges)
    battles = schedule.battles * len(cast.benches)
    growth = sum(one.bytes for one in calls) + (battles - found) * _BATTLE_BYTES
    return Preflight(
        len(schedule.prompts), battles, found, calls, _together(players, judges), growth, _free(store.path)
    )


def _of_player(connection: Connection, plan: Plan, schedule: Schedule, seat: Seat) -> Calls:
    needed = cached = 0
    for chunk in _chunks(schedule):
        wanted = [(key, prompt) for prompt in chunk for key in schedule.answers_on(seat.name, prompt)]
        stands = statuses(connection, [key for key, _ in wanted])
        for key, prompt in wanted:
            if key in stands and stands[key][0] is not ResponseStatus.FAILED:
                cached += 1
            elif prompt.prompt.conversation is not None:
                needed += prompt.prompt.conversation.open_turns
    usage = _usage(connection, "responses", "player_id", seat.contestant.id)
    return _reckon("player", plan.players[seat.name], seat.name, seat.player, needed, cached, usage)


def _of_judge(connection: Connection, plan: Plan, schedule: Schedule, bench: Bench, missing: int) -> Calls:
    usage = _usage(connection, "verdicts", "judge_id", bench.contestant.id)
    needed = missing * bench.judge.games
    cached = (schedule.battles - missing) * bench.judge.games
    asks = getattr(bench.judge, "player", bench.judge)
    return _reckon("judge", plan.judges[bench.name], bench.name, asks, needed, cached, usage)


@dataclass(frozen=True, slots=True)
class _Usage:
    """Means over the calls that were made."""

    sampled: int
    tokens_in: float | None
    tokens_out: float | None
    latency_ms: float | None
    characters: float


def _usage(connection: Connection, table: str, column: str, number: int) -> _Usage:
    text = "characters" if table == "responses" else "(SELECT LENGTH(body) FROM texts WHERE texts.id = raw)"
    row = connection.execute(
        f"SELECT COUNT(*), AVG(tokens_in), AVG(tokens_out), AVG(latency_ms), AVG({text}) FROM"
        f" (SELECT * FROM {table} WHERE {column} = ? AND status != 'failed' ORDER BY id DESC LIMIT 200)",
        (number,),
    ).fetchone()
    return _Usage(row[0], row[1], row[2], row[3], row[4] or 0.0)


def _reckon(
    role: str, plan: ModelPlan, name: str, asked: object, needed: int, cached: int, usage: _Usage
) -> Calls:
    tokens_in, tokens_out = (None if t is None else t * needed for t in (usage.tokens_in, usage.tokens_out))
    parallel = max(1, int(getattr(asked, "parallel", 1)))
    seconds = None if usage.latency_ms is None else needed * usage.latency_ms / 1000 / parallel
    cost = None
    if plan.price_in is not None or plan.price_out is not None:
        cost = ((plan.price_in or 0) * (tokens_in or 0) + (plan.price_out or 0) * (tokens_out or 0)) / 1e6
    size = needed * (usage.characters + _TEXT_BYTES)
    return Calls(role, name, needed, cached, usage.sampled, tokens_in, tokens_out, seconds, cost, size)


def _missing_battles(connection: Connection, schedule: Schedule, arena: Arena, bench: Bench) -> int:
    missing = 0
    for start in range(0, len(schedule.prompts), CHUNK):
        matches = schedule.matches(start, start + CHUNK)
        wanted = [schedule.battle_key(bench.contestant.key, match) for match in matches]
        stands = battle_states(connection, arena.id, wanted)
        missing += sum(stands.get(key) not in ("decided", "void") for key in wanted)
    return missing


def _chunks(schedule: Schedule) -> Iterable[tuple[Any, ...]]:
    for start in range(0, len(schedule.prompts), CHUNK):
        yield schedule.prompts[start : start + CHUNK]


def _together(players: Iterable[Calls], judges: Iterable[Calls]) -> float | None:
    """Players answer side by side and judges follow, so the slowest sets the pace; unknown times count nothing."""
    known = [one.seconds for one in (*players, *judges) if one.seconds is not None and one.needed]
    return max(known) if known else None


def _free(path: Path) -> int:
    return shutil.disk_usage(path.parent).free
