"""How the http player asks, waits and keeps to its limits; what it makes of each fault is in test_faults.py."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from email.utils import formatdate

import pytest

from engine.errors import EndpointError
from engine.players.base import ChatReply
from engine.players.failures import Transient
from engine.records import Message, ResponseStatus, Sampling
from tests.engine.players.asking import ask, ask_one, opened, player, replies, request
from tests.servers import openai_server as server
from tests.servers.fake_clock import FakeClock
from tests.servers.loopback import Connection, LoopbackServer, Request
from tests.servers.openai_server import Served


@pytest.fixture
def served(loopback: LoopbackServer) -> Served:
    return Served(loopback)


def test_a_good_answer(served: Served, clock: FakeClock) -> None:
    reply = ask_one(player(clock, served))
    assert (reply.status, reply.text, reply.finish_reason) == (ResponseStatus.OK, "re: hello", "stop")
    assert (reply.tokens_in, reply.tokens_out, reply.reported_model) == (7, 3, "m")
    assert reply.error is None


def test_what_is_sent(served: Served, clock: FakeClock) -> None:
    sampling = Sampling(0.5, 0.9, 40, 64, ("\n\n",), extra={"min_p": 0.1})
    messages = (Message("system", "be brief"), Message("user", "hi"))
    ask(player(clock, served), request(messages=messages, sampling=sampling, seed=77))
    assert served.chats[0].json == {
        "model": "m",
        "messages": [{"role": "system", "content": "be brief"}, {"role": "user", "content": "hi"}],
        "temperature": 0.5,
        "top_p": 0.9,
        "top_k": 40,
        "max_tokens": 64,
        "stop": ["\n\n"],
        "min_p": 0.1,
        "seed": 77,
    }


def test_nothing_is_sent_that_was_not_said(served: Served, clock: FakeClock) -> None:
    ask(player(clock, served), request(seed=None))
    assert served.chats[0].json.keys() == {"model", "messages"}


@pytest.mark.parametrize(
    "text", ["lone \ud83d surrogate", "nul \x00 and \x1b[31m", "é\u202e\U0001f600\u2028"]
)
def test_text_survives_the_way_there_and_back_exactly(served: Served, clock: FakeClock, text: str) -> None:
    (reply,) = ask(player(clock, served), request(text=text))
    assert served.chats[0].json["messages"][0]["content"] == text
    assert reply.text == f"re: {text}"


# Answers that are not simply good


def test_thinking_is_kept_apart(served: Served, clock: FakeClock) -> None:
    served.script(
        server.answer("yes", message={"reasoning_content": "hm"}), server.answer("<think>hm</think>\n\nyes")
    )
    for reply in ask(player(clock, served), request("a"), request("b")):
        assert (reply.text, reply.thinking) == ("yes", "hm")


def test_the_name_of_another_model_that_answers_is_kept(served: Served, clock: FakeClock) -> None:
    served.script(server.answer("hi", model="impostor"))
    reply = ask_one(player(clock, served))
    assert (reply.text, reply.reported_model, reply.retryable) == ("", "impostor", False)


def test_a_dated_name_can_be_accepted(served: Served, clock: FakeClock) -> None:
    served.script(server.answer("hi", model="m-2026-11-24"))
    reply = ask_one(player(clock, served, accept_models=("m-2026-11-24",)))
    assert (reply.status, reply.reported_model) == (ResponseStatus.OK, "m-2026-11-24")


@pytest.mark.parametrize(("limit", "status"), [(1, ResponseStatus.FAILED), (3, ResponseStatus.OK)])
def test_the_limit_on_bodies_is_the_plans(
    served: Served, clock: FakeClock, limit: float, status: ResponseStatus
) -> None:
    served.choose = lambda _: server.answer("x" * 2_000_000)
    assert ask_one(player(clock, served, max_body_mb=limit, attempts=1)).status is status


# Retry-After


def http_date(wall: float) -> str:
    return formatdate(wall, usegmt=True)


def test_retry_after_in_seconds_is_not_undercut(served: Served, clock: FakeClock) -> None:
    served.script(server.status(429, headers={"retry-after": "7"}))
    assert ask_one(player(clock, served)).status is ResponseStatus.OK
    assert clock.slept == [7.5]  # and half a second of jitter, here at its most


def test_retry_after_as_a_date_is_taken_against_the_servers_own_clock(
    served: Served, clock: FakeClock
) -> None:
    wrong = clock.wall() + 86_400  # the server's clock is a day fast
    served.script(
        server.status(503, headers={"retry-after": http_date(wrong + 20), "date": http_date(wrong)})
    )
    assert ask_one(player(clock, served)).status is ResponseStatus.OK
    assert clock.slept == [20.5]


def test_retry_after_as_a_date_without_the_servers_clock(served: Served, clock: FakeClock) -> None:
    served.script(server.status(503, headers={"retry-after": http_date(clock.wall() + 20)}))
    ask_one(player(clock, served))
    assert clock.slept == [20.5]


def test_a_wait_past_the_deadline_is_not_begun(served: Served, clock: FakeClock) -> None:
    served.script(server.status(429, headers={"retry-after": "30"}))
    reply = ask_one(player(clock, served, deadline_s=20))
    assert (reply.status, reply.retryable, clock.slept) == (ResponseStatus.FAILED, True, [])
    assert "past the deadline, 30 s asked for" in (reply.error or "")
    assert len(served.chats) == 1


# Deadlines


@pytest.mark.parametrize("behaviour", [server.hang(), server.hang(after_head=True), server.trickle()])
def test_what_never_ends_is_ended_by_the_deadline(
    served: Served, clock: FakeClock, behaviour: server.Behaviour
) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        served.on_chat = lambda _: loop.call_soon_threadsafe(clock.expire)
        served.choose = lambda _: behaviour
        (reply,) = await replies(player(clock, served, deadline_s=100, attempt_s=40), [request()])
        assert (reply.status, reply.retryable) == (ResponseStatus.FAILED, True)
        assert (reply.error or "").startswith("no answer within")
        assert 99 <= clock.now() - 1000 <= 101
        assert len(served.chats) == 3  # 40 s, 40 s, and what was left

    asyncio.run(run())


def test_one_hanging_attempt_leaves_time_for_another(served: Served, clock: FakeClock) -> None:
    async def run() -> None:
        loop = asyncio.get_running_loop()
        served.script(server.hang())
        served.on_chat = lambda _: loop.call_soon_threadsafe(clock.expire) if len(served.chats) == 1 else None
        (reply,) = await replies(player(clock, served), [request()])
        assert (reply.status, reply.text) == (ResponseStatus.OK, "re: hello")

    asyncio.run(run())


def test_the_deadline_holds_while_a_retry_waits_for_a_place(served: Served, clock: FakeClock) -> None:
    """`a` fails once; `b` takes the only place and hangs; nothing is left for `a` but its deadline."""

    async def expire_when_both_wait() -> None:
        while clock.deadlines < 2:
            await asyncio.sleep(0)
        clock.expire()

    async def run() -> ChatReply:
        served.script(server.status(500), server.hang())
        asked = player(clock, served, start=1, concurrency=1, deadline_s=100, attempt_s=100)
        async with opened(asked), aclosing(asked.chat([request("a"), request("b")])) as answers:
            first, _ = await asyncio.gather(anext(answers), expire_when_both_wait())
            return first

    reply = asyncio.run(run())
    assert (reply.key, reply.retryable) == ("a", True)
    assert reply.error == "HTTP 500: 500 no (1 attempt, the deadline passed)"


# Faults of the endpoint


def test_what_was_in_flight_when_the_server_began_to_refuse_is_still_answered(
    served: Served, clock: FakeClock
) -> None:
    refused = asyncio.Event()

    async def refuse(seen: Request, connection: Connection) -> None:
        await server.status(401)(seen, connection)
        refused.set()

    async def answer_late(seen: Request, connection: Connection) -> None:
        await refused.wait()
        await server.answer()(seen, connection)

    served.choose = lambda seen: refuse if b"bad" in seen.body else answer_late
    asked = player(clock, served, start=3, concurrency=3)
    got: list[str] = []

    async def run() -> None:
        async with opened(asked):
            async for reply in asked.chat([request("a"), request("b"), request("c", "bad")]):
                got.append(reply.key)  # noqa: PERF401 - what was had before it raised

    with pytest.raises(EndpointError):
        asyncio.run(run())
    assert sorted(got) == ["a", "b"]


def test_a_connection_that_is_given_up_is_no_bug(served: Served) -> None:
    async def run() -> None:
        from engine.players.wire import Wire

        wire = Wire(served.url, None, max_body_bytes=1000, wall=lambda: 0.0)
        await wire.close()
        with pytest.raises(Transient, match="given up"):
            await wire.get("/models")

    asyncio.run(run())
