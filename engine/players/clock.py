"""Time for players, in one place that tests can put another in its place: waits and deadlines."""

from __future__ import annotations

import asyncio
import time
from contextlib import AbstractAsyncContextManager
from typing import Any, Protocol


class Clock(Protocol):
    """What a player knows of time."""

    def now(self) -> float:
        """Seconds that never go back, from an arbitrary start."""

    def wall(self) -> float:
        """Seconds since 1970 as this machine believes, for dates that a server sends."""

    async def sleep(self, seconds: float) -> None:
        """Wait at least so long."""

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Any]:
        """Cancels what runs inside after so many seconds and raises TimeoutError; None never does."""


class SystemClock:
    """The machine's own time."""

    def now(self) -> float:
        return time.monotonic()

    def wall(self) -> float:
        return time.time()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def timeout(self, seconds: float | None) -> AbstractAsyncContextManager[Any]:
        return asyncio.timeout(seconds)
