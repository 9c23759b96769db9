"""A server that fails before a run has begun is told while it is waited for, and not only once waiting is over."""

from __future__ import annotations

import asyncio

import pytest

from tests.engine.jobs.arena_on_loopback import Arena, judge_by_skill
from tests.engine.jobs.driving import driven
from tests.servers.loopback import Request
from tests.servers.openai_server import Behaviour, answer, status


@pytest.fixture(autouse=True)
def _soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.players.pool.BREAKER_AFTER", 1)
    monkeypatch.setattr("engine.battles.cast.NOTES_SECONDS", 0.02)
    monkeypatch.setattr("engine.jobs.preparing.NOTES_SECONDS", 0.02)


def check_told(arena: Arena, url: str, mended: asyncio.Event, *sets: str) -> None:
    """The server fails until somebody was told of it; then the run comes to its end."""

    async def test() -> None:
        async with driven(arena, *sets) as run:
            await run.warning(f"{url} does not answer and is tried again for 300 s at most: HTTP 500")
            assert run.kinds() == ["warning"]
            mended.set()
            assert (await run.end()).states == {"decided": 36}

    asyncio.run(test())


def test_a_player_that_fails_in_the_preflight(arena: Arena) -> None:
    mended = asyncio.Event()

    def choose(request: Request) -> Behaviour:
        text = request.json["messages"][-1]["content"]
        return answer(f"i am ada and heard {text}") if mended.is_set() else status(500)

    arena.served["ada"].choose = choose
    check_told(arena, arena.served["ada"].url, mended)


def test_a_judge_that_fails_when_it_is_opened(arena: Arena) -> None:
    """Whether it holds to a schema is tried then."""
    mended = asyncio.Event()

    def choose(request: Request) -> Behaviour:
        if not mended.is_set():
            return status(500)
        is_trial = "i am " not in request.json["messages"][-1]["content"]
        return answer("{}") if is_trial else judge_by_skill(request)

    arena.judge.choose = choose
    check_told(arena, arena.judge.url, mended, "judges.judge.options.player.structured=auto")
