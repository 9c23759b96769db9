"""What the http player makes of what servers do, against a real server on loopback that does it."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from email.utils import formatdate

import pytest

from engine.errors import EndpointError
from engine.players.base import ChatReply
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

STATUSES = {
    "cut": (server.answer("half an ans", finish_reason="length"), ResponseStatus.CUT, "half an ans"),
    "filtered": (server.answer("", finish_reason="content_filter"), ResponseStatus.REFUSED, ""),
    "refusal": (server.answer(None, message={"refusal": "I won't"}), ResponseStatus.REFUSED, "I won't"),
    "empty": (server.answer(""), ResponseStatus.EMPTY, ""),
    "blank": (server.answer(" \n"), ResponseStatus.EMPTY, " \n"),
    "thinking ate it": (
        server.answer(None, message={"reasoning_content": "hm"}, finish_reason="length"),
        ResponseStatus.CUT,
        "",
    ),
    "thinking alone": (server.answer(None, message={"reasoning": "hm"}), ResponseStatus.EMPTY, ""),
    "unclosed thinking": (server.answer("<think>hm, well"), ResponseStatus.CUT, ""),
    "thinking in tags": (server.answer("<think>hm</think>\n\nyes"), ResponseStatus.OK, "yes"),
}


@pytest.mark.parametrize("case", STATUSES)
def test_each_kind_of_answer_has_its_status_and_is_asked_once(
    served: Served, clock: FakeClock, case: str
) -> None:
    behaviour, status, text = STATUSES[case]
    served.script(behaviour)
    reply = ask_one(player(clock, served))
    assert (reply.status, reply.text) == (status, text)
    assert len(served.chats) == 1


def test_thinking_is_kept_apart(served: Served, clock: FakeClock) -> None:
    served.script(
        server.answer("yes", message={"reasoning_content": "hm"}), server.answer("<think>hm</think>\n\nyes")
    )
    for reply in ask(player(clock, served), request("a"), request("b")):
        assert (reply.text, reply.thinking) == ("yes", "hm")


def test_another_model_answers(served: Served, clock: FakeClock) -> None:
    served.script(server.answer("hi", model="impostor"))
    reply = ask_one(player(clock, served))
    assert reply.status is ResponseStatus.FAILED
    assert reply.error == "other model: 'impostor'"
    assert (reply.text, reply.reported_model, reply.retryable) == ("", "impostor", False)


def test_a_dated_name_can_be_accepted(served: Served, clock: FakeClock) -> None:
    served.script(server.answer("hi", model="m-2026-11-24"))
    reply = ask_one(player(clock, served, accept_models=("m-2026-11-24",)))
    assert (reply.status, reply.reported_model) == (ResponseStatus.OK, "m-2026-11-24")


# Faults that pass

PASSING = {
    "429": server.status(429),
    "500": server.status(500),
    "502 in HTML": server.body(b"<html>Bad Gateway</html>", {"content-type": "text/html"}, 502),
    "503": server.status(503),
    "529": server.status(529),
    "408": server.status(408),
    "reset before": server.reset(),
    "reset in the head": server.reset(b"HTTP/1.1 200 OK\r\nconte"),
    "reset in the body": server.reset(b'HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{"choi'),
    "closed early": server.cut_short(),
    "not HTTP": server.reset(b"SSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "truncated JSON": server.body(b'{"choices": [{"mess'),
    "HTML with 200": server.body(b"<html>login</html>", {"content-type": "text/html"}),
    "error with 200": server.body(b'{"error": {"message": "overloaded", "code": 503}}'),
    "not UTF-8": server.body(b'{"choices": "\xff\xfe"}'),
    "array": server.body(b"[]"),
    "empty body": server.body(b""),
    "no choices": server.body(b'{"model": "m"}'),
    "null choices": server.answer("x", choices=None),
    "empty choices": server.answer("x", choices=[]),
    "two choices": server.answer("x", choices=[{}, {}]),
    "no message": server.answer("x", choices=[{"finish_reason": "stop"}]),
    "null content": server.answer(None, message={}),
    "content a number": server.answer(None, message={"content": 3}),
    "content a list": server.answer(None, message={"content": ["x"]}),
    "reasoning a number": server.answer("x", message={"reasoning": 3}),
    "tool calls": server.answer(None, message={"tool_calls": []}, finish_reason="tool_calls"),
    "no finish_reason": server.answer("x", finish_reason=None),
    "odd finish_reason": server.answer("x", finish_reason="whatever"),
    "NaN": server.body(b'{"choices": [], "usage": NaN}'),
    "huge number": server.body(b'{"choices": [], "usage": ' + b"9" * 5000 + b"}"),
    "infinite number": server.body(b'{"choices": [], "usage": 1e999}'),
    "text for a count": server.answer("x", usage={"prompt_tokens": "7"}),
    "negative count": server.answer("x", usage={"prompt_tokens": -1}),
    "duplicate keys": server.body(b'{"choices": [], "choices": []}'),
    "nested deeply": server.body(b"[" * 200_000),
    "model a number": server.answer("x", model=5),
    "endless": server.endless(),
    "endless error": server.endless(500),
    "bomb": server.bomb(40),
    "bad gzip": server.body(b"no gzip", {"content-encoding": "gzip"}),
    "bad length": server.body(b"{}", {"content-length": "x"}),
}


@pytest.mark.parametrize("case", PASSING)
def test_a_fault_that_passes_leaves_the_row_of_an_undisturbed_run(
    served: Served, clock: FakeClock, case: str
) -> None:
    served.script(PASSING[case])
    reply = ask_one(player(clock, served, max_body_mb=1))
    assert (reply.status, reply.text, reply.error) == (ResponseStatus.OK, "re: hello", None)
    assert len(served.chats) == 2
    assert clock.slept == [0.5]


@pytest.mark.parametrize("case", PASSING)
def test_a_fault_that_stays_is_a_failure_that_may_be_tried_again(
    served: Served, clock: FakeClock, case: str
) -> None:
    served.choose = lambda request: PASSING[case]
    reply = ask_one(player(clock, served, max_body_mb=1, attempts=3))
    assert (reply.status, reply.text, reply.retryable) == (ResponseStatus.FAILED, "", True)
    assert reply.error is not None
    assert reply.error.endswith("(3 attempts, no attempt is left)")
    assert len(served.chats) == 3


def test_the_reason_of_a_failure_says_what_came(served: Served, clock: FakeClock) -> None:
    def reason(behaviour: server.Behaviour) -> str:
        served.script(behaviour)
        return (ask_one(player(clock, served, attempts=1, max_body_mb=1)).error or "").split(" (1 attempt")[0]

    assert reason(server.status(503, "too busy")) == "HTTP 503: 503 too busy"
    assert reason(PASSING["error with 200"]) == "bad body: an error with status 200: 503 overloaded"
    assert reason(PASSING["duplicate keys"]) == "bad body: duplicate key"
    assert reason(PASSING["NaN"]) == "bad body: not a number in JSON"
    assert reason(PASSING["huge number"]) == "bad body: number too long"
    assert reason(PASSING["nested deeply"]) == "bad body: nested too deeply"
    assert reason(PASSING["bomb"]) == "the body is larger than 1 MB"
    assert reason(PASSING["502 in HTML"]) == "HTTP 502: <html>Bad Gateway</html>"


@pytest.mark.parametrize(("limit", "status"), [(1, ResponseStatus.FAILED), (3, ResponseStatus.OK)])
def test_the_limit_on_bodies_is_the_plans(
    served: Served, clock: FakeClock, limit: float, status: ResponseStatus
) -> None:
    served.choose = lambda _: server.answer("x" * 2_000_000)
    assert ask_one(player(clock, served, max_body_mb=limit, attempts=1)).status is status


def test_a_connection_closed_after_each_answer_is_no_fault(served: Served, clock: FakeClock) -> None:
    served.choose = lambda request: server.closing()
    answers = ask(player(clock, served, start=1, concurrency=1), *(request(f"k{i}") for i in range(5)))
    assert [reply.status for reply in answers] == [ResponseStatus.OK] * 5


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


@pytest.mark.parametrize("value", ["soon", "-5", "nan", "inf", "", "Thu, 99 Foo 2026"])
def test_nonsense_in_retry_after_is_as_if_it_were_not_there(
    served: Served, clock: FakeClock, value: str
) -> None:
    served.script(server.status(429, headers={"retry-after": value}))
    assert ask_one(player(clock, served)).status is ResponseStatus.OK
    assert clock.slept == [0.5]


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


# Faults of the request


@pytest.mark.parametrize("code", [400, 413, 422])
def test_a_request_that_is_refused_is_recorded_and_not_repeated(
    served: Served, clock: FakeClock, code: int
) -> None:
    served.script(server.status(code, "maximum context length is 4096 tokens"))
    reply = ask_one(player(clock, served))
    assert (reply.status, reply.retryable) == (ResponseStatus.FAILED, False)
    assert reply.error == f"HTTP {code}: {code} maximum context length is 4096 tokens"
    assert (len(served.chats), clock.slept) == (1, [])


# Faults of the endpoint


@pytest.mark.parametrize(
    ("behaviour", "reason"),
    [
        (server.status(401, "bad key"), "HTTP 401: 401 bad key"),
        (server.status(403, "not yours"), "HTTP 403: 403 not yours"),
        (server.status(404, "no such model"), "HTTP 404: 404 no such model"),
        (server.status(429, "insufficient_quota: pay first"), "insufficient_quota"),
        (server.body(b"", {"location": "http://elsewhere.invalid/v1"}, 307), "redirects are not followed"),
        (server.body(b"", {"location": "/v1/chat/completions"}, 301), "redirects are not followed"),
    ],
)
def test_a_server_that_refuses_us_stops_the_run_and_says_why(
    served: Served, clock: FakeClock, behaviour: server.Behaviour, reason: str
) -> None:
    served.script(behaviour)
    with pytest.raises(EndpointError) as raised:
        ask(player(clock, served, start=1, concurrency=1), *(request(f"k{i}") for i in range(20)))
    assert reason in raised.value.text
    assert served.url in raised.value.text
    assert len(served.chats) == 1


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
