"""A run under a test's hand: its events are awaited, its clock goes on when the test says so, and its job is asked
for things from another connection, as from another terminal."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from engine.battles.progress import Progress, RunEvent
from engine.jobs import requests
from engine.jobs.jobs import Job, read_job
from engine.jobs.limits import Said
from engine.jobs.settling import Request
from engine.jobs.worker import Batch, run_batch
from engine.plan import read_plan
from engine.players.clock import SystemClock
from engine.store import open_store
from engine.store.store import Transaction
from tests.engine.jobs.arena_on_loopback import Arena

DEADLINE = 60.0
"""Seconds after which what a test waits for will not come any more."""


class SteppedClock(SystemClock):
    """Stands still until it is moved: who sleeps sleeps until then."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Event]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        sleeper = self._now + seconds, asyncio.Event()
        self._sleepers.append(sleeper)
        try:
            await sleeper[1].wait()
        finally:  # who was called away does not sleep: time that passed for it would be lost on who sleeps anew
            self._sleepers = [one for one in self._sleepers if one is not sleeper]

    @property
    def is_waited_on(self) -> bool:
        """Whether anybody sleeps."""
        return bool(self._sleepers)

    def is_slept_on(self, seconds: float) -> bool:
        """Whether somebody sleeps for just so long from now."""
        return any(abs(ends - self._now - seconds) < 1e-6 for ends, _ in self._sleepers)

    def advance(self, seconds: float) -> None:
        """Let time pass, and wake whose time has come."""
        self._now += seconds
        for ends, woken in self._sleepers:
            if ends <= self._now:
                woken.set()
        self._sleepers = [one for one in self._sleepers if one[0] > self._now]


@dataclass
class Driven:
    """A run that goes on beside the test."""

    arena: Arena
    clock: SteppedClock
    stop: asyncio.Event
    task: asyncio.Task[Progress]
    batch: Batch
    told: asyncio.Condition = field(default_factory=asyncio.Condition)

    @property
    def events(self) -> list[RunEvent]:
        return self.arena.events

    def kinds(self) -> list[str]:
        """Of events so far, but for progress."""
        return [event.kind for event in self.events if event.kind != "progress"]

    async def event(self, kind: str, nth: int = 1) -> RunEvent:
        """Wait for the nth event of a kind."""
        await self.until(lambda: sum(event.kind == kind for event in self.events) >= nth, kind)
        return [event for event in self.events if event.kind == kind][nth - 1]

    async def warning(self, text: str) -> None:
        """Wait for a warning that holds a text."""
        await self.until(lambda: any(text in str(event.facts.get("text")) for event in self.events), text)

    async def until(self, holds: Callable[[], bool], what: str = "") -> None:
        """Wait until something holds; a run that ends before it does fails the test."""
        async with asyncio.timeout(DEADLINE):
            while not holds():
                if self.task.done():
                    assert holds(), f"the run ended before: {what}; {self.task!r}, {self.kinds()}"
                    return
                await asyncio.sleep(0.005)

    async def advance(self, seconds: float, asleep: float) -> None:
        """Let time pass as soon as the run sleeps for just `asleep` seconds."""
        await self.until(lambda: self.clock.is_slept_on(asleep), f"a wait of {asleep} s")
        self.clock.advance(seconds)

    async def end(self) -> Progress:
        """Wait for the end; what it raises."""
        async with asyncio.timeout(DEADLINE):
            return await self.task

    def ask(self, request: Request) -> Job:
        return self.write(lambda tx: requests.ask(tx, self.job.id, request))

    def resume(self) -> Job:
        return self.write(lambda tx: requests.resume(tx, self.job.id))

    def set(self, **said: float | None) -> Job:
        limits: Said = said
        return self.write(lambda tx: requests.set_limits(tx, self.job.id, limits))

    def write(self, act: Callable[[Transaction], Any]) -> Any:
        """From another connection."""
        with open_store(self.arena.path, writable=True) as other, other.write() as tx:
            return act(tx)

    @property
    def job(self) -> Job:
        """As another connection sees it."""
        assert self.batch.job_id is not None
        with open_store(self.arena.path) as other:
            return read_job(other.reader, self.batch.job_id)


@asynccontextmanager
async def driven(
    arena: Arena, *sets: str, run: str = "", judge: str = "", **settings: Any
) -> AsyncIterator[Driven]:
    """Start the arena's plan; it is cancelled at the end of the block if it goes on."""
    plan = arena.write_plan(run, judge)
    clock, stop = SteppedClock(), asyncio.Event()
    with arena.open() as store:
        batch = Batch(store, read_plan(plan, sets), arena.events.append, clock=clock, **settings)
        task = asyncio.create_task(run_batch(batch, stop))
        try:
            yield Driven(arena, clock, stop, task, batch)
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


def gate(arena: Arena, chats: int) -> Callable[[], None]:
    """Let the judge answer so many questions (a preflight asks 12), and then hold its answers back until what is
    returned is called."""
    released = asyncio.Event()
    scored = arena.judge.choose
    assert scored is not None

    async def held(request: Any, connection: Any) -> None:
        await released.wait()
        behave = scored(request)
        assert behave is not None
        await behave(request, connection)

    arena.judge.choose = lambda request: scored(request) if len(arena.judge.chats) <= chats else held
    return lambda: arena.loopback.call(released.set)
