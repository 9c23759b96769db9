"""How tests here make a judge that asks a real server on loopback, and what such a judge model may say."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import aclosing, asynccontextmanager
from typing import Any

from engine.judges.base import Judge, JudgeSpec, Question, Shown
from engine.judges.llm import LlmJudge, asked_by
from engine.players.http import HttpPlayer
from engine.records import Verdict
from tests.servers import openai_server as server
from tests.servers.loopback import Connection, Request
from tests.servers.openai_server import Served

SECRET = b"a store's secret"


def judge(served: Served, secret: bytes = SECRET, **entry: Any) -> LlmJudge:
    """An `llm` judge from a plan's entry. Its server is known to hold to a schema, unless the entry says otherwise, so
    that nothing is asked when it is opened."""
    player = {"structured": "json_schema"} | entry.get("options", {}).get("player", {})
    entry["options"] = entry.get("options", {}) | {"player": player}
    spec = JudgeSpec("judge", **({"model": "m", "endpoints": (served.url,), "template": "brief"} | entry))
    kind, player_spec = asked_by(spec)
    assert kind == "http"
    return LlmJudge.from_plan("judge", spec, HttpPlayer.from_plan("judge", player_spec), secret)


@asynccontextmanager
async def opened(asked: Judge) -> AsyncIterator[Judge]:
    await asked.open()
    try:
        yield asked
    finally:
        await asked.close()


async def verdicts(asked: Judge, games: Iterable[Shown], attempt: int = 0) -> list[tuple[Question, Verdict]]:
    """Open, ask, close; in the order of the games."""
    async with opened(asked):
        questions = [asked.question(game) for game in games]
        async with aclosing(asked.judge(questions, attempt)) as answers:
            by_id = {id(question): (question, verdict) async for question, verdict in answers}
    return [by_id[id(question)] for question in questions]


def ask(asked: Judge, *games: Shown, attempt: int = 0) -> list[Verdict]:
    return [verdict for _, verdict in asyncio.run(verdicts(asked, games, attempt))]


def page_of(request: Request) -> str:
    """The user's message of a request."""
    return str(request.json["messages"][-1]["content"])


def nonce_of(request: Request) -> str:
    """The code that a judge was told, read off its page."""
    found = re.search(r"with the code ([0-9a-f]{16}):", page_of(request))
    assert found
    return found[1]


def saying(reply: Callable[[Request], str]) -> server.Behaviour:
    """A server whose model says what a function makes of the request."""

    async def behave(request: Request, connection: Connection) -> None:
        await server.answer(reply(request))(request, connection)

    return behave
