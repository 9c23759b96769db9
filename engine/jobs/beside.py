"""Work that goes on beside a block of code, and ends with it; whichever fails first ends both."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager

MOST_OF_TIME = 1 / 20
"""What a repeated step may take of the event loop's time; a slower one is called less often."""


@asynccontextmanager
async def beside(*work: Coroutine[object, object, None]) -> AsyncIterator[None]:
    """Run `work` while the block runs, and cancel it at the block's end.

    Raises:
        whatever failed first, by itself and not in a group.
    """
    with first_failure():
        async with asyncio.TaskGroup() as tasks:
            running = [tasks.create_task(one) for one in work]
            yield
            for task in running:
                task.cancel()


async def repeating(every_seconds: float, step: Callable[[], object]) -> None:
    """Call `step` every so many seconds, for ever."""
    pause = every_seconds
    while True:
        await asyncio.sleep(pause)
        began = time.monotonic()
        step()
        pause = max(every_seconds, (time.monotonic() - began) / MOST_OF_TIME)


@contextmanager
def first_failure() -> Iterator[None]:
    """Raise the first failure of the block's tasks by itself rather than in a group."""
    failure: BaseException | None = None
    try:
        yield
    except BaseExceptionGroup as group:
        failure = _first(group)
    if failure is not None:
        raise failure


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The order of a task group's failures is that in which its tasks ended."""
    first = group.exceptions[0]
    return _first(first) if isinstance(first, BaseExceptionGroup) else first
