"""A clock whose time passes only when nothing else can happen, so that minutes of waits take no time and nothing races.

Waits and deadlines are events of the future. `pass_time` moves on to the next one whenever `idle` says that nobody is
at work: every request in flight hangs, or waits.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import count
from typing import Any

START = 1000.0


class VirtualClock:
    """See `engine.players.clock.Clock`."""

    def __init__(self) -> None:
        self._now = START
        self._order = count()
        self._events: list[tuple[float, int, Callable[[], None]]] = []

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return 1_800_000_000.0 + self._now

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        future = asyncio.get_running_loop().create_future()
        self._at(seconds, lambda: None if future.done() else future.set_result(None))
        await future

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Any]:
        return self._timeout(seconds)

    @asynccontextmanager
    async def _timeout(self, seconds: float | None) -> AsyncIterator[None]:
        async with asyncio.timeout(None) as timeout:
            is_open = True

            def expire() -> None:
                if is_open:
                    timeout.reschedule(asyncio.get_running_loop().time())

            if seconds is not None:
                self._at(seconds, expire)
            try:
                yield
            finally:
                is_open = False

    async def pass_time(self, idle: Callable[[], bool]) -> None:
        """Run beside what is tested, until cancelled."""
        while True:
            await asyncio.sleep(0.001)
            if self._events and idle():
                self._now, _, happen = heapq.heappop(self._events)
                happen()

    def _at(self, seconds: float, happen: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self._now + seconds, next(self._order), happen))
