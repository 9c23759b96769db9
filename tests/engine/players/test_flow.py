from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from engine.players.flow import Flow


async def double(number: int) -> int:
    await asyncio.sleep(0)
    return 2 * number


def collect(items: object, room: int) -> list[int]:
    async def run() -> list[int]:
        async with aclosing(Flow(items, double, lambda: room).results()) as results:  # type: ignore[arg-type]
            return [result async for result in results]

    return asyncio.run(run())


@pytest.mark.parametrize("room", [1, 2, 7, 1000])
def test_each_item_has_one_result(room: int) -> None:
    assert sorted(collect(range(100), room)) == list(range(0, 200, 2))


def test_an_iterator_may_have_more_after_a_result() -> None:
    class Countdown(Iterator[int]):
        """Each result makes the next item, so that most of the time there is none."""

        def __init__(self) -> None:
            self.ready = [5]

        def __next__(self) -> int:
            if not self.ready:
                raise StopIteration
            return self.ready.pop()

    async def run() -> list[int]:
        source, seen = Countdown(), []
        async with aclosing(Flow(source, double, lambda: 10).results()) as results:
            async for result in results:
                seen.append(result)
                if result > 2:
                    source.ready.append(result // 2 - 1)
        return seen

    assert asyncio.run(run()) == [10, 8, 6, 4, 2]


def test_an_exception_of_the_work_ends_everything() -> None:
    cancelled = []

    async def work(number: int) -> int:
        if number == 3:
            raise LookupError("three")
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(number)
            raise
        return number

    async def run() -> None:
        async with aclosing(Flow(range(10), work, lambda: 5).results()) as results:
            async for _ in results:
                pass

    with pytest.raises(LookupError):
        asyncio.run(run())
    assert sorted(cancelled) == [0, 1, 2, 4]


def test_no_room_takes_nothing() -> None:
    assert collect(range(10), 0) == []
