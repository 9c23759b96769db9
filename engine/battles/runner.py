"""Playing a run: players answer a schedule, judges follow, and everything lands in the store."""

from __future__ import annotations

import asyncio
import time

from engine.battles.judging import Judging
from engine.battles.responding import Responding
from engine.battles.run import Run


async def play(run: Run) -> None:
    """Answer and judge all that is missing.

    Raises:
        BaseExceptionGroup: a player, a judge or the store cannot go on. The first failure ends the run, and comes
            first in the group; what was had before is landed.
        RuntimeError: a player or judge left something undone without a word.
    """
    progress = run.progress
    progress.total = run.schedule.battles * len(run.cast.benches)
    progress.responses_total = run.schedule.responses
    progress.started_at = time.monotonic()
    progress.load = run.cast.load
    responding = [Responding(run, seat) for seat in run.cast.seats.values()]
    frontiers = [one.frontier for one in responding]
    async with asyncio.TaskGroup() as tasks:
        for one in responding:
            tasks.create_task(one.run())
        for bench in run.cast.benches.values():
            tasks.create_task(Judging(run, bench, frontiers).run())
    if progress.done < progress.total and not run.stop.is_set():
        raise RuntimeError(f"{progress.total - progress.done} battles of {progress.total} were left undone")
