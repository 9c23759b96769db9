"""What a run tells of its progress never falls below what the store has."""

from __future__ import annotations

import asyncio

import pytest

from engine.errors import Unfinished
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.driving import driven


def test_a_run_that_is_stopped_before_it_has_counted_tells_what_is_landed(arena: Arena) -> None:
    """A part of the plan is done by another job; the next one is to stop at once."""
    arena.run(limit=4)

    async def test() -> None:
        async with driven(arena) as run:
            run.stop.set()
            with pytest.raises(Unfinished, match="12 of 36 battles are done"):
                await run.end()
            assert [run.job.progress[name] for name in ("done", "decided", "total")] == [12, 12, 36]

    asyncio.run(test())
    assert arena.run().states == {"decided": 36}
