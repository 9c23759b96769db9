"""One go at a plan, and what its steps share."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from engine.battles.budget import Budget
from engine.battles.progress import Listener, Progress
from engine.jobs.control import Control
from engine.jobs.limits import Limits
from engine.jobs.notifying import Notifier
from engine.jobs.pausing import Pausing
from engine.jobs.telling import Teller
from engine.plan import EffectivePlan, Plan
from engine.players.clock import Clock, SystemClock
from engine.store.store import Fence, Store

if TYPE_CHECKING:
    from engine.jobs.mirroring import HeldMirror

GRACE_SECONDS = 25.0
"""How long a drain lets calls in flight go on; Slurm kills 30 s after its TERM, and the rest is for saving."""

PAUSE_SECONDS = 15 * 60.0
"""How long a run waits in a pause before it ends, unfinished: it may be holding what others could use."""


@dataclass(slots=True)
class Batch:
    """A plan to be run now, in this process.

    Attributes:
        limit: only the first so many prompts of the seeded shuffle.
        dry_run: stop after the preflight. The responses and verdicts of the few calls that it makes are kept.
        job_id: number of the job, once it is made; a dry run makes none.
        stop_after: seconds after which this attempt drains; None leaves that to the plan and the job.
        grace_seconds: how long a drain or a pause lets calls in flight go on.
        pause_seconds: how long a pause may take.
        clock: time, for waits of the run itself.
        mirror: the mirror that this process owns; None where there is none, or not yet.
    """

    store: Store
    effective: EffectivePlan
    listener: Listener
    limit: int | None = None
    dry_run: bool = False
    job_id: int | None = None
    stop_after: float | None = None
    grace_seconds: float = GRACE_SECONDS
    pause_seconds: float = PAUSE_SECONDS
    clock: Clock = field(default_factory=SystemClock)
    mirror: HeldMirror | None = None

    @property
    def plan(self) -> Plan:
        return self.effective.plan


@dataclass(slots=True)
class Attempt:
    """One attempt at a job, or a dry run, which has no fence. It makes one go, and another after each pause.

    Attributes:
        limits: as the plan, the job and the command line say by now.
        pausing: the pause that it is in, or may come to.
        started: whether a go has come through its preflight.
        budget: of the go that is under way.
        asked: counts of the calls of all goes before.
    """

    batch: Batch
    fence: Fence | None
    teller: Teller
    control: Control
    limits: Limits
    pausing: Pausing
    notifier: Notifier
    started: bool = False
    budget: Budget | None = None
    asked: Progress = field(default_factory=Progress)

    @classmethod
    def of(cls, batch: Batch, fence: Fence | None) -> Attempt:
        """An attempt that has not begun."""
        control = Control(batch.clock)
        teller = Teller(batch.listener, batch.store, fence)
        pausing = Pausing(batch.clock, control, batch.pause_seconds)
        command = None if fence is None else batch.plan.run.on_event
        notifier = Notifier(command, teller.warn)
        return cls(batch, fence, teller, control, Limits.of(batch.plan), pausing, notifier)

    @property
    def store(self) -> Store:
        return self.batch.store

    @property
    def plan(self) -> Plan:
        return self.batch.plan

    def limit(self, limits: Limits) -> None:
        """New limits, from now on."""
        self.limits = limits
        if self.budget is not None:
            self.budget.limit(limits.max_calls, limits.max_tokens, limits.max_cost)
        self.control.move()
