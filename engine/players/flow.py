"""Many pieces of work at a time out of a stream, results as they get done, memory bounded by what is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import Generic, TypeVar

SENT_AFTER = 3
"""Turns of the event loop from taking an item to its request being on the wire. So many are given to it before its
predecessor's result is handed out: of replies that come together each is followed by its successor at once, and not by
the work on all of them first. That spreads them in time, and a server waits for the work on one and not on all."""

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


class Flow(Generic[ItemT, ResultT]):
    """Items through `work`, as many at a time as there is room for.

    An iterator that had nothing to give is asked again after each result.

    Args:
        room: how many may be under way now; asked again and again.
    """

    def __init__(
        self, items: Iterable[ItemT], work: Callable[[ItemT], Awaitable[ResultT]], room: Callable[[], int]
    ) -> None:
        self._source = iter(items)
        self._work = work
        self._room = room
        self._over = False
        self._under_way: set[asyncio.Future[ResultT]] = set()
        self._done: asyncio.Queue[asyncio.Future[ResultT]] = asyncio.Queue()

    def fill(self) -> None:
        """Take items while there is room. Call it when the room has grown without a result."""
        while not self._over and len(self._under_way) < self._room():
            try:
                item = next(self._source)
            except StopIteration:
                return
            task = asyncio.ensure_future(self._work(item))
            self._under_way.add(task)
            task.add_done_callback(self._done.put_nowait)

    async def results(self) -> AsyncGenerator[ResultT, None]:
        """Results in the order in which they get done.

        Closing the generator, or an exception of `work`, cancels and awaits all that is under way: use
        `contextlib.aclosing`.
        """
        try:
            self.fill()
            while self._under_way:
                task = await self._done.get()
                self._under_way.discard(task)
                self.fill()  # before the result is handed out, so that a slow consumer keeps nobody idle
                result = task.result()
                for _ in range(SENT_AFTER):
                    await asyncio.sleep(0)
                yield result
                self.fill()  # the consumer may have made new items out of it
        finally:
            self._over = True
            for task in self._under_way:
                task.cancel()
            await asyncio.gather(*self._under_way, return_exceptions=True)
