"""One go at a plan, and what its steps share."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from engine.battles.progress import Listener
from engine.jobs.telling import Teller
from engine.plan import EffectivePlan, Plan
from engine.store.store import Fence, Store


@dataclass(slots=True)
class Batch:
    """A plan to be run now, in this process.

    Attributes:
        limit: only the first so many prompts of the seeded shuffle.
        dry_run: stop after the preflight. The responses and verdicts of the few calls that it makes are kept.
        job_id: number of the job, once it is made; a dry run makes none.
    """

    store: Store
    effective: EffectivePlan
    listener: Listener
    limit: int | None = None
    dry_run: bool = False
    job_id: int | None = None

    @property
    def plan(self) -> Plan:
        return self.effective.plan


@dataclass(slots=True)
class Attempt:
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
