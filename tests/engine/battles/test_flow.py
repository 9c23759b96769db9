"""Frontiers, and rows landed in groups."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.battles.flow import Frontier, GroupLanding


@given(data=st.data(), prompts=st.integers(1, 12), samples=st.integers(1, 3))
def test_a_frontier_stands_before_the_first_prompt_that_is_not_answered(
    data: st.DataObject, prompts: int, samples: int
) -> None:
    frontier = Frontier()
    left = [samples] * prompts
    for index in range(prompts):
        for _ in range(samples):
            frontier.ask(index)
        frontier.pass_by(index + 1)
    for index in data.draw(st.permutations([i for i in range(prompts) for _ in range(samples)])):
        assert frontier.position == next(i for i, n in enumerate(left) if n)
        frontier.settle(index)
        left[index] -= 1
    assert frontier.position == prompts


def test_a_frontier_wakes_who_waits_when_it_moves_and_when_it_ends() -> None:
    async def scene() -> list[bool]:
        frontier = Frontier()
        waiting = [asyncio.create_task(frontier.beyond(n)) for n in (0, 1, 5)]
        await asyncio.sleep(0)
        frontier.pass_by(1)
        first = await waiting[0]
        frontier.pass_by(2)
        second = await waiting[1]
        frontier.end()
        return [first, second, await waiting[2]]

    assert asyncio.run(scene()) == [True, True, False]


def test_what_comes_while_a_group_is_landed_makes_the_next_one() -> None:
    groups: list[list[int]] = []

    async def scene() -> None:
        landing: GroupLanding[int] = GroupLanding(lambda group: groups.append(list(group)), most=4)
        for item in range(10):
            await landing.put(item)
        await landing.drain()

    asyncio.run(scene())
    assert [item for group in groups for item in group] == list(range(10))
    assert max(len(group) for group in groups) <= 4


def test_a_landing_that_failed_keeps_nobody_waiting_and_lands_nothing_more() -> None:
    landed: list[int] = []

    def land(group: Sequence[int]) -> None:
        if 3 in group:
            raise OSError("full")
        landed.extend(group)

    async def put_many(landing: GroupLanding[int]) -> None:
        for item in range(100):
            await landing.put(item)

    async def scene() -> None:
        landing: GroupLanding[int] = GroupLanding(land, most=2)
        with pytest.raises(OSError, match="full"):
            await put_many(landing)
        with pytest.raises(OSError, match="full"):
            await landing.drain()

    asyncio.run(asyncio.wait_for(scene(), 30))
    assert max(landed) < 3
