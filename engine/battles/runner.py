"""A run: players answer a schedule, judges follow, and everything lands in the store."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from engine.battles.cast import Cast
from engine.battles.judging import Judging
from engine.battles.progress import Progress
from engine.battles.responding import Responding
from engine.battles.schedule import Schedule
from engine.store.battles import Arena
from engine.store.store import Fence, Store


@dataclass(slots=True)
class Run:
    """One go at a schedule. What is in the store already is not done again, so a run may be stopped and repeated.

    Attributes:
        fence: the attempt on whose behalf everything is written.
        first_position: place of the schedule's first battle in the arena's order.
        stop: set it to drain: what is in flight finishes, nothing new is asked.
    """

    store: Store
    fence: Fence | None
    schedule: Schedule
    arena: Arena
    cast: Cast
    first_position: int = 0
    progress: Progress = field(default_factory=Progress)
    stop: asyncio.Event = field(default_factory=asyncio.Event)

    async def play(self) -> Progress:
        """Answer and judge all that is missing.

        Raises:
            UserError: a player or judge cannot go on; the first failure ends the run, with all landed that was had.
        """
        self.progress.total = self.schedule.battles * len(self.cast.benches)
        responding = [self._responding(name) for name in self.cast.seats]
        self.progress.responses_total = sum(
            len(self.schedule.answers_on(name, prompt))
            for name in self.cast.seats
            for prompt in self.schedule.prompts
        )
        frontiers = [one.frontier for one in responding]
        async with asyncio.TaskGroup() as tasks:
            for one in responding:
                tasks.create_task(one.run())
            for bench in self.cast.benches.values():
                judging = Judging(
                    self.store,
                    self.fence,
                    self.schedule,
                    self.arena,
                    bench,
                    self.progress,
                    self.stop,
                    self.first_position,
                )
                tasks.create_task(judging.run(frontiers))
        return self.progress

    def _responding(self, name: str) -> Responding:
        seat = self.cast.seats[name]
        return Responding(self.store, self.fence, self.schedule, seat, self.progress, self.stop)


async def ticking(every_seconds: float, tick: Callable[[], None]) -> None:
    """Call `tick` now and then until cancelled."""
    while True:
        await asyncio.sleep(every_seconds)
        tick()
