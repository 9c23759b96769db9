"""Many pieces of work at a time out of a stream, results as they get done, memory bounded by what is under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from typing import TypeVar

ItemT = TypeVar("ItemT")
ResultT = TypeVar("ResultT")


async def flow(
    items: Iterable[ItemT], work: Callable[[ItemT], Awaitable[ResultT]], room: Callable[[], int]
) -> AsyncGenerator[ResultT, None]:
    """Results of `work` in the order in which they get done.

    Items are taken while fewer than `room()` are under way, and an iterator that had nothing to give is asked
    again after each result. Closing the generator, or an exception of `work`, cancels and awaits all that is
    under way: use `contextlib.aclosing`.
    """
    source = iter(items)
    under_way: set[asyncio.Future[ResultT]] = set()
    done: asyncio.Queue[asyncio.Future[ResultT]] = asyncio.Queue()

    def fill() -> None:
        while len(under_way) < room():
            try:
                item = next(source)
            except StopIteration:
                return
            task = asyncio.ensure_future(work(item))
            under_way.add(task)
            task.add_done_callback(done.put_nowait)

    try:
        fill()
        while under_way:
            task = await done.get()
            under_way.discard(task)
            fill()  # before the result is handed out, so that a slow consumer keeps nobody idle
            yield task.result()
            fill()  # the consumer may have made new items out of it
    finally:
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
