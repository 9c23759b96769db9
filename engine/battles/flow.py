"""How far a run is, for those who wait on it: frontiers of players, and rows landed in groups."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")


class Frontier:
    """How far a player's answers go without a gap, in prompts of the schedule.

    Answers come back in any order; judging needs all answers to a prompt, so it follows the frontiers.
    """

    def __init__(self) -> None:
        self.position = 0
        """Number of prompts from the first on that are answered, or had their chance."""
        self._asked = 0
        self._outstanding: OrderedDict[int, int] = OrderedDict()
        self._ended = False
        self._moved = asyncio.Event()

    def ask(self, index: int) -> None:
        """An answer to the prompt of this index is on its way. Prompts are asked in order."""
        self._outstanding[index] = self._outstanding.get(index, 0) + 1

    def settle(self, index: int) -> None:
        """It is in the store, a failure too."""
        self._outstanding[index] -= 1
        if not self._outstanding[index]:
            del self._outstanding[index]
            self._move()

    def pass_by(self, index: int) -> None:
        """All prompts before this index have been asked for."""
        self._asked = index
        self._move()

    def end(self) -> None:
        """Nothing more is asked or answered."""
        self._ended = True
        self._wake()

    async def beyond(self, position: int) -> bool:
        """Wait until the frontier is further than that; False when it ended before."""
        while self.position <= position and not self._ended:
            await self._moved.wait()
        return self.position > position

    def _move(self) -> None:
        position = next(iter(self._outstanding), self._asked)
        if position != self.position:
            self.position = position
            self._wake()

    def _wake(self) -> None:
        self._moved.set()
        self._moved = asyncio.Event()


class GroupLanding(Generic[T]):
    """Lands items in groups: all that have come while the last group was being written make the next one.

    So a row is written as soon as the store is free, and a flood costs few transactions. A full queue holds up
    whoever brings more.
    """

    def __init__(self, land: Callable[[Sequence[T]], None], most: int = 512) -> None:
        self._land = land
        self._most = most
        self._queue: asyncio.Queue[T] = asyncio.Queue(maxsize=most)
        self._failure: Exception | None = None
        self._task = asyncio.create_task(self._run())

    async def put(self, item: T) -> None:
        """Hand over an item.

        Raises:
            whatever landing raised.
        """
        self._check()
        await self._queue.put(item)

    async def drain(self) -> None:
        """Wait until everything is written, and stop.

        Raises:
            whatever landing raised.
        """
        try:
            await self._queue.join()
        finally:
            self._task.cancel()
        self._check()

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    async def _run(self) -> None:
        """After a failure nothing more is landed, but all is taken, so that nobody waits for ever."""
        while True:
            group = [await self._queue.get()]
            while len(group) < self._most and not self._queue.empty():
                group.append(self._queue.get_nowait())
            try:
                if self._failure is None:
                    self._land(group)
            except Exception as error:  # noqa: BLE001  raised to whoever puts or drains next
                self._failure = error
            finally:
                for _ in group:
                    self._queue.task_done()
