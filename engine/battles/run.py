"""A run: what its two halves, responding and judging, share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from engine.battles.budget import Budget
from engine.battles.cast import Cast
from engine.battles.progress import Progress
from engine.battles.schedule import Schedule
from engine.store.battles import Arena
from engine.store.store import Fence, Store


@dataclass(slots=True)
class Run:
    """One go at a schedule. What is in the store already is not done again, so a run may be stopped and repeated.

    Attributes:
        fence: the attempt on whose behalf everything is written.
        budget: what may be spent; its `stop` drains the run: what is in flight finishes, nothing new is asked.
        first_position: place of the schedule's first battle in the arena's order.
        rehearsal: keep responses and verdicts only, and land no battle.
        set_aside: content keys of what the job asks for no more, since it kills its workers.
    """

    store: Store
    fence: Fence | None
    schedule: Schedule
    arena: Arena
    cast: Cast
    budget: Budget
    first_position: int = 0
    rehearsal: bool = False
    progress: Progress = field(default_factory=Progress)
    set_aside: set[str] = field(default_factory=set)

    @property
    def stop(self) -> asyncio.Event:
        """Set it to drain the run."""
        return self.budget.stop

    def head(self, prompts: int) -> Run:
        """The same run on its first prompts only, with counts of its own."""
        return replace(self, schedule=self.schedule.head(prompts), progress=Progress())
