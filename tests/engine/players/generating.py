"""How tests here make a transformers player on a tiny checkpoint and ask it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from engine.players.base import ChatReply, ChatRequest, ModelIdentity, PlayerSpec
from engine.players.transformers import TransformersPlayer
from engine.records import Message, Sampling

QUESTIONS = [
    "Write hello backwards.",
    "What is 2 + 2?",
    "x",
    "Sort the letters zebra.",
    "Say " + "very " * 30 + "much.",
]
GREEDY = Sampling(temperature=0, max_tokens=24)
WARM = Sampling(temperature=0.8, max_tokens=24)


def make(folder: Path, **options: Any) -> TransformersPlayer:
    return TransformersPlayer.from_plan("p", PlayerSpec("p", str(folder), options=options))


def request(key: str, *texts: str, sampling: Sampling = GREEDY, seed: int | None = 1) -> ChatRequest:
    roles = ["user", "assistant"]
    messages = tuple(Message(roles[i % 2], text) for i, text in enumerate(texts or ("hello",)))
    return ChatRequest(key, messages, sampling, seed)


def asked(player: TransformersPlayer, requests: Iterable[ChatRequest]) -> dict[str, ChatReply]:
    async def run() -> dict[str, ChatReply]:
        await player.open()
        async with aclosing(player.chat(requests)) as replies:
            found = {reply.key: reply async for reply in replies}
        await player.close()
        return found

    return asyncio.run(run())


def identity(folder: Path) -> ModelIdentity:
    async def run() -> ModelIdentity:
        player = make(folder)
        await player.open()
        return player.identity()

    return asyncio.run(run())
