"""How tests here make an http player and ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from engine.players.backoff import Backoff
from engine.players.base import ChatReply, ChatRequest, PlayerSpec
from engine.players.http import HttpOptions, HttpPlayer
from engine.records import Message, Sampling
from tests.servers.fake_clock import FakeClock
from tests.servers.openai_server import Served


def request(key: str = "k", text: str = "hello", **changes: Any) -> ChatRequest:
    fields = {"messages": (Message("user", text),), "sampling": Sampling(), "seed": 1} | changes
    return ChatRequest(key=key, **fields)


def spec(*served: Served, **changes: Any) -> PlayerSpec:
    fields = {"name": "p", "model": "m", "endpoints": tuple(s.url for s in served)} | changes
    return PlayerSpec(**fields)


def player(
    clock: FakeClock, *served: Served, plan: dict[str, Any] | None = None, **options: Any
) -> HttpPlayer:
    """An http player on a fake clock whose waits have no jitter."""
    entry = spec(*served, **(plan or {}))
    HttpPlayer.from_plan("p", entry)
    return HttpPlayer("p", entry, HttpOptions(**options), clock, Backoff(uniform=lambda: 1.0))


@asynccontextmanager
async def opened(asked: HttpPlayer):
    await asked.open()
    try:
        yield asked
    finally:
        await asked.close()


async def replies(asked: HttpPlayer, requests: Iterable[ChatRequest]) -> list[ChatReply]:
    async with opened(asked), aclosing(asked.chat(requests)) as answers:
        return [reply async for reply in answers]


def ask(asked: HttpPlayer, *requests: ChatRequest) -> list[ChatReply]:
    """Open, ask, close."""
    return asyncio.run(replies(asked, requests or [request()]))


def ask_one(asked: HttpPlayer) -> ChatReply:
    (reply,) = ask(asked)
    return reply
