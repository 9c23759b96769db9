"""A clock for players whose waits cost nothing: sleeping moves it on, deadlines pass when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any


class FakeClock:
    """See `engine.players.clock.Clock`.

    Attributes:
        slept: every wait that was asked for, in seconds.
    """

    def __init__(self) -> None:
        self._now = 1000.0
        self._open: list[tuple[float, asyncio.Timeout]] = []
        self.slept: list[float] = []

    def now(self) -> float:
        return self._now

    def wall(self) -> float:
        return 1_800_000_000.0 + self._now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self._now += seconds
        await asyncio.sleep(0)

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Any]:
        return self._timeout(seconds)

    @asynccontextmanager
    async def _timeout(self, seconds: float | None) -> AsyncIterator[None]:
        async with asyncio.timeout(None) as timeout:
            entry = (self._now + (float("inf") if seconds is None else seconds), timeout)
            self._open.append(entry)
            try:
                yield
            finally:
                self._open.remove(entry)

    @property
    def deadlines(self) -> int:
        """How many are open."""
        return len(self._open)

    def expire(self) -> None:
        """Let time pass until the next open deadline. Call it in the client's event loop."""
        ends, timeout = min(self._open, key=lambda entry: entry[0])
        self._now = max(self._now, ends)
        timeout.reschedule(asyncio.get_running_loop().time())
