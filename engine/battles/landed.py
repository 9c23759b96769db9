"""How many battles of a run the store has, before the run itself comes to them."""

from __future__ import annotations

import asyncio
import time
from collections import Counter

from engine.battles.run import Run
from engine.store.battles import battle_states

CHUNK = 1024
"""Battles that are looked up at a time."""

COUNT_SECONDS = 3.0
"""How long counting may take: a run that is to stop has little time."""


async def landed(run: Run, seconds: float = COUNT_SECONDS) -> Counter[str]:
    """Battles of the run that are decided, void or waiting in its arena, by state. At least so many are: counting ends
    when its time is up."""
    found: Counter[str] = Counter()
    ends = time.monotonic() + seconds
    for start, stop in run.schedule.chunks(max(1, CHUNK // run.schedule.matchmaker.per_prompt())):
        matches = list(run.schedule.matches(start, stop))
        for bench in run.cast.benches.values():
            keys = [match.key(bench.contestant.key) for match in matches]
            found.update(battle_states(run.store.reader, run.arena.id, keys).values())
        await asyncio.sleep(0)
        if time.monotonic() > ends:
            break
    return found
