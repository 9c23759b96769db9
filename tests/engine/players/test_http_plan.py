"""What a plan may say of an http player, and what a schema becomes."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys

import pytest

from engine.errors import EndpointError, PlanError, UsageError
from engine.players.base import PlayerSpec
from engine.players.http import HttpPlayer
from engine.records import ResponseStatus, Sampling
from tests.engine.players.asking import ask, opened, player, request
from tests.servers import openai_server as server
from tests.servers.fake_clock import FakeClock
from tests.servers.loopback import LoopbackServer, Request
from tests.servers.openai_server import Served

URL = ("http://127.0.0.1:8000/v1",)
SCHEMA = {"type": "object", "properties": {"score": {"type": "integer"}}, "required": ["score"]}


@pytest.fixture
def served(loopback: LoopbackServer) -> Served:
    return Served(loopback)


def test_all_wrong_options_are_told_at_once_with_the_nearest() -> None:
    spec = PlayerSpec(
        "p", "m", endpoints=URL, options={"concurency": 4, "attempts": 0, "structured": "maybe"}
    )
    with pytest.raises(PlanError) as raised:
        HttpPlayer.from_plan("p", spec)
    problems = {problem.key: problem for problem in raised.value.problems}
    assert problems["players.p.options.concurency"].nearest == "concurrency"
    assert problems.keys() >= {"players.p.options.attempts", "players.p.options.structured"}


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        (PlayerSpec("p", None, endpoints=URL), "players.p needs a model"),
        (PlayerSpec("p", "m"), "players.p needs endpoints"),
        (PlayerSpec("p", "m", endpoints=URL, sampling=Sampling(extra={"model": "x"})), "must not set model"),
        (PlayerSpec("p", "m", endpoints=URL, sampling=Sampling(extra={"n": 4})), "must not set n"),
        (PlayerSpec("p", "m", endpoints=("localhost:8000",)), "no URL that can be asked"),
    ],
)
def test_what_is_missing_or_wrong_is_said(spec: PlayerSpec, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        HttpPlayer.from_plan("p", spec)


def test_a_slash_at_the_end_or_an_endpoint_twice_makes_no_difference(
    served: Served, clock: FakeClock
) -> None:
    asked = player(clock, plan={"endpoints": (served.url, served.url + "/")})
    assert len(ask(asked, request("a"), request("b"))) == 2
    assert served.asked["/v1/models"] == 1


def test_the_limit_on_tokens_has_the_name_that_the_server_knows(served: Served, clock: FakeClock) -> None:
    asked = player(clock, served, token_limit_field="max_completion_tokens")
    ask(asked, request(sampling=Sampling(max_tokens=9)))
    assert served.chats[0].json["max_completion_tokens"] == 9
    assert "max_tokens" not in served.chats[0].json


def test_naming_players_imports_neither_client_nor_torch() -> None:
    named = ", ".join(f"engine.players.{name}" for name in ("http", "transformers", "recorded", "turns"))
    heavy = {"aiohttp", "torch", "transformers", "numpy"}
    code = f"import sys, {named}; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# A JSON schema for the reply


def no_schema(seen: Request) -> server.Behaviour | None:
    return server.status(400, "response_format is not supported") if "response_format" in seen.json else None


def test_a_schema_is_asked_for_as_openai_words_it(served: Served, clock: FakeClock) -> None:
    ask(player(clock, served), request(schema=SCHEMA))
    assert served.chats[0].json["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "reply", "schema": SCHEMA, "strict": True},
    }


def test_a_request_without_a_schema_asks_for_none(served: Served, clock: FakeClock) -> None:
    ask(player(clock, served))
    assert "response_format" not in served.chats[0].json


def test_auto_finds_out_once_that_the_server_holds_to_none_and_says_so(
    served: Served, clock: FakeClock
) -> None:
    served.choose = no_schema
    asked = player(clock, served, start=1, concurrency=1)
    assert asked.holds_schema
    answers = ask(asked, *(request(f"k{i}", schema=SCHEMA) for i in range(10)))
    assert [reply.status for reply in answers] == [ResponseStatus.OK] * 10
    assert sum("response_format" in seen.json for seen in served.chats) == 1
    assert not asked.holds_schema
    assert len(asked.notes) == 1
    assert "response_format is not supported" in asked.notes[0]


def test_auto_does_not_blame_the_schema_for_a_request_that_is_refused_without_it_too(
    served: Served, clock: FakeClock
) -> None:
    served.script(server.status(400, "too long"), server.status(400, "too long"))
    asked = player(clock, served, start=1, concurrency=1)
    long, short = ask(asked, request("long", schema=SCHEMA), request("short", schema=SCHEMA))
    assert (long.status, short.status) == (ResponseStatus.FAILED, ResponseStatus.OK)
    assert asked.holds_schema
    assert asked.notes == []
    assert "response_format" in served.chats[2].json


def test_auto_keeps_the_schema_once_it_was_held_to(served: Served, clock: FakeClock) -> None:
    served.script(server.answer(json.dumps({"score": 5})), server.status(400, "too long"))
    asked = player(clock, served, start=1, concurrency=1)
    good, long = ask(asked, request("good", schema=SCHEMA), request("long", schema=SCHEMA))
    assert (good.text, long.status) == ('{"score": 5}', ResponseStatus.FAILED)
    assert len(served.chats) == 2


def test_json_schema_never_falls_back(served: Served, clock: FakeClock) -> None:
    served.choose = no_schema
    (reply,) = ask(player(clock, served, structured="json_schema"), request(schema=SCHEMA))
    assert (reply.status, len(served.chats)) == (ResponseStatus.FAILED, 1)


def test_none_never_asks_for_one(served: Served, clock: FakeClock) -> None:
    asked = player(clock, served, structured="none")
    ask(asked, request(schema=SCHEMA))
    assert not asked.holds_schema
    assert "response_format" not in served.chats[0].json


def tried(asked: HttpPlayer) -> bool:
    async def run() -> bool:
        async with opened(asked):
            return await asked.try_schema(SCHEMA)

    return asyncio.run(run())


def test_trying_settles_it_before_anything_is_asked(served: Served, clock: FakeClock) -> None:
    holding = player(clock, served)
    assert tried(holding)
    assert served.chats[0].json["response_format"]["json_schema"]["schema"] == SCHEMA
    assert served.chats[0].json["max_tokens"] == 16
    served.choose = no_schema
    refusing = player(clock, served)
    assert not tried(refusing)
    assert not refusing.holds_schema


@pytest.mark.parametrize(("structured", "holds"), [("json_schema", True), ("none", False)])
def test_what_the_plan_settles_is_not_tried(
    served: Served, clock: FakeClock, structured: str, holds: bool
) -> None:
    assert tried(player(clock, served, structured=structured)) is holds
    assert served.chats == []


def test_trying_a_server_that_fails_is_an_error_of_the_endpoint(served: Served, clock: FakeClock) -> None:
    served.choose = lambda _: server.status(500, "down")
    with pytest.raises(EndpointError, match="down"):
        tried(player(clock, served))
