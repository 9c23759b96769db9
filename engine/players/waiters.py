"""Who waits for a place, and who works beside: the asyncio of a pool of endpoints, apart from its rules."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from typing import Any


class Waiters:
    """Those who wait for a change, first come first woken."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()

    async def wait(self) -> None:
        """Until something may have changed."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self.wake(1)  # whoever woke us meant somebody
            raise
        finally:
            if (not future.done() or future.cancelled()) and future in self._waiting:
                self._waiting.remove(future)

    def wake(self, number: int) -> None:
        """Let so many look again."""
        while number > 0 and self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                number -= 1

    def wake_all(self) -> None:
        self.wake(len(self._waiting))


class Errands:
    """Work that goes on beside, until `close`.

    Args:
        failed: called when one of them raised.

    Attributes:
        bug: what it raised, for whoever asks next.
    """

    def __init__(self, failed: Callable[[], None]) -> None:
        self.bug: BaseException | None = None
        self._failed = failed
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)

    async def close(self) -> None:
        """Cancel all that goes on."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self.bug = task.exception()
            self._failed()
