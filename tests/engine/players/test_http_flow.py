"""How many the http player asks at a time, of whom, and what is left when it is stopped."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import aclosing

import pytest

from engine.errors import EndpointError, UsageError
from engine.players.base import ChatRequest
from engine.players.http import HttpPlayer
from engine.records import ResponseStatus
from tests.engine.players.asking import ask, opened, player, replies, request
from tests.servers import openai_server as server
from tests.servers.fake_clock import FakeClock
from tests.servers.loopback import Connection, LoopbackServer, Request
from tests.servers.openai_server import Served


@pytest.fixture
def served(loopback: LoopbackServer) -> Served:
    return Served(loopback)


def test_every_request_is_answered_once_in_whatever_order(served: Served, clock: FakeClock) -> None:
    answers = ask(player(clock, served), *(request(f"k{i}", f"t{i}") for i in range(200)))
    assert {reply.key: reply.text for reply in answers} == {f"k{i}": f"re: t{i}" for i in range(200)}
    assert len(answers) == len(served.chats) == 200


def test_no_requests_no_answers(served: Served, clock: FakeClock) -> None:
    assert asyncio.run(replies(player(clock, served), [])) == []


def test_as_many_are_in_flight_as_the_plan_allows_and_no_more(served: Served, clock: FakeClock) -> None:
    waves = server.together(6)  # hangs unless six are asked at a time
    served.choose = lambda _: waves
    asked = player(clock, served, start=6, concurrency=6)
    assert len(ask(asked, *(request(f"k{i}") for i in range(60)))) == 60
    assert served.peak == 6


def test_concurrency_begins_at_start_and_grows_while_the_server_answers(
    served: Served, clock: FakeClock
) -> None:
    first, later = server.together(2), server.together(16)
    served.choose = lambda _: first if len(served.chats) <= 48 else later
    asked = player(clock, served, start=2, concurrency=16)
    assert len(ask(asked, *(request(f"k{i}") for i in range(48 + 16 * 4)))) == 112
    assert served.peak == 16


def test_requests_are_taken_only_as_there_is_room(served: Served, clock: FakeClock) -> None:
    taken = answered = most = 0

    def source() -> Iterator[ChatRequest]:
        nonlocal taken, most
        for i in range(600):
            taken += 1
            most = max(most, taken - answered)
            yield request(f"k{i}")

    async def run() -> None:
        nonlocal answered
        async with opened(player(clock, served, start=8, concurrency=8)) as asked:
            async for _ in asked.chat(source()):
                answered += 1

    asyncio.run(run())
    assert answered == 600
    assert most <= 8 + 1  # in flight, and the one whose reply is being handed out


class Waiting(FakeClock):
    """Waits end when a test lets them."""

    def __init__(self) -> None:
        super().__init__()
        self.go_on = asyncio.Event()

    async def sleep(self, seconds: float) -> None:
        await self.go_on.wait()
        await super().sleep(seconds)


@pytest.mark.parametrize("late", [1, 2])
def test_requests_that_wait_for_their_retry_hold_no_place(served: Served, late: int) -> None:
    async def run() -> list[str]:
        clock = Waiting()
        served.choose = lambda seen: (
            server.status(503) if b"late" in seen.body and not clock.go_on.is_set() else None
        )
        got: list[str] = []
        asked = player(clock, served, start=late, concurrency=late)
        requests = [*(request(f"late{n}", "late") for n in range(late)), request("b"), request("c")]
        async with opened(asked):
            async for reply in asked.chat(requests):
                got.append(reply.key)
                if len(got) == 2:
                    clock.go_on.set()
        return got

    got = asyncio.run(run())
    assert sorted(got[:2]) == ["b", "c"]
    assert len(got) == 2 + late


def test_closing_the_stream_cancels_what_is_in_flight(served: Served, clock: FakeClock) -> None:
    async def run() -> int:
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()
        served.script(server.answer())
        served.choose = lambda _: server.hang() if len(served.chats) > 1 else None
        served.on_chat = lambda _: loop.call_soon_threadsafe(arrived.set) if len(served.chats) == 5 else None
        async with opened(player(clock, served, start=4, concurrency=4)) as asked:
            async with aclosing(asked.chat(request(f"k{i}") for i in range(100))) as answers:
                async for _ in answers:
                    await arrived.wait()
                    break
            return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1  # the test's own
    assert len(served.chats) == 5


def test_cancelling_the_consumer_cancels_what_is_in_flight(served: Served, clock: FakeClock) -> None:
    async def run() -> int:
        arrived = asyncio.Event()
        loop = asyncio.get_running_loop()
        served.choose = lambda _: server.hang()
        served.on_chat = lambda _: loop.call_soon_threadsafe(arrived.set) if len(served.chats) == 4 else None
        async with opened(player(clock, served, start=4, concurrency=4)) as asked:
            consumer = asyncio.create_task(_drain(asked, 100))
            await arrived.wait()
            consumer.cancel()
            with pytest.raises(asyncio.CancelledError):
                await consumer
            return len(asyncio.all_tasks())

    assert asyncio.run(run()) == 1


async def _drain(asked, number: int) -> None:
    async with aclosing(asked.chat(request(f"k{i}") for i in range(number))) as answers:
        async for _ in answers:
            pass


def test_a_player_can_be_asked_again(served: Served, clock: FakeClock) -> None:
    async def run() -> list[str]:
        async with opened(player(clock, served)) as asked:
            first = [reply.key async for reply in asked.chat([request("a")])]
            return first + [reply.key async for reply in asked.chat([request("b")])]

    assert asyncio.run(run()) == ["a", "b"]


def test_a_player_whose_server_refused_says_so_each_time_and_never_ends_as_if_done(
    served: Served, clock: FakeClock
) -> None:
    async def run() -> None:
        served.script(server.status(401))
        async with opened(player(clock, served)) as asked:
            for _ in range(2):
                with pytest.raises(EndpointError):
                    await _drain(asked, 3)
            await _drain(asked, 0)

    asyncio.run(run())


def test_a_proxy_of_the_environment_is_not_for_a_server_on_this_machine(
    served: Served, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    assert [reply.status for reply in ask(player(clock, served), request())] == [ResponseStatus.OK]


CANARY = "sk-canary-of-the-model"


@pytest.fixture
def proxied(loopback: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """What a proxy gets that the environment names, with a user. It opens no tunnel."""
    seen: list[Request] = []

    async def proxy(request: Request, connection: Connection) -> None:
        seen.append(request)
        if request.method == "CONNECT":
            await connection.respond(407, b"")
        elif request.path.endswith("/chat/completions"):
            await server.answer("through it")(request, connection)
        else:
            await connection.respond(200, json.dumps({"data": [{"id": "m", "root": "w"}]}).encode())

    loopback.serve_as_proxy(proxy, "model.invalid")
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, f"http://user:pass%2Fword@127.0.0.1:{loopback.port}")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("TEST_ARENA_KEY", CANARY)
    return seen


def through_proxy(clock: FakeClock, url: str) -> HttpPlayer:
    return player(clock, plan={"endpoints": (url,), "api_key_env": "TEST_ARENA_KEY"})


def test_a_server_in_the_world_is_asked_through_the_proxy_of_the_environment(
    proxied: list[Request], clock: FakeClock
) -> None:
    (reply,) = ask(through_proxy(clock, "http://model.invalid/v1"))
    assert (reply.status, reply.text) == (ResponseStatus.OK, "through it")
    login = "Basic " + base64.b64encode(b"user:pass/word").decode()
    assert {seen.headers["proxy-authorization"] for seen in proxied} == {login}
    assert {seen.headers["authorization"] for seen in proxied} == {f"Bearer {CANARY}"}


def test_a_proxy_that_opens_a_tunnel_gets_no_key_of_the_server(
    proxied: list[Request], clock: FakeClock
) -> None:
    with pytest.raises(EndpointError) as raised:
        ask(through_proxy(clock, "https://model.invalid/v1"))
    assert "407" in raised.value.text
    assert "pass/word" not in raised.value.text
    assert proxied
    assert all(seen.method == "CONNECT" and CANARY not in repr(seen.headers) for seen in proxied)


# Several endpoints


def test_requests_are_spread_evenly_over_the_endpoints(loopback: LoopbackServer, clock: FakeClock) -> None:
    many = [Served(loopback) for _ in range(4)]
    assert len(ask(player(clock, *many), *(request(f"k{i}") for i in range(400)))) == 400
    assert all(80 <= len(one.chats) <= 120 for one in many)


def test_one_at_a_time_goes_round(loopback: LoopbackServer, clock: FakeClock) -> None:
    many = [Served(loopback) for _ in range(4)]
    ask(player(clock, *many, start=1, concurrency=1), *(request(f"k{i}") for i in range(8)))
    assert all(len(one.chats) >= 1 for one in many)


def test_a_slow_endpoint_gets_less(loopback: LoopbackServer, clock: FakeClock) -> None:
    slow, fast = Served(loopback), Served(loopback)
    slow.choose = lambda _: server.hang()
    stopped = asyncio.run(_until_stalled(player(clock, slow, fast, start=4, concurrency=4), 200))
    assert stopped == 196
    assert (len(slow.chats), len(fast.chats)) == (4, 196)


async def _until_stalled(asked, number: int) -> int:
    """Answers until only hanging requests are left."""
    count = 0
    async with opened(asked), aclosing(asked.chat(request(f"k{i}") for i in range(number))) as answers:
        async for _ in answers:
            count += 1
            if count == number - 4:
                break
    return count


def test_an_endpoint_that_goes_down_is_set_aside_and_its_requests_go_elsewhere(
    loopback: LoopbackServer, clock: FakeClock
) -> None:
    good, bad = Served(loopback), Served(loopback)
    bad.choose = lambda _: server.reset() if len(bad.chats) > 10 else None
    answers = ask(player(clock, good, bad), *(request(f"k{i}") for i in range(300)))
    assert Counter(reply.status for reply in answers) == {ResponseStatus.OK: 300}


def test_an_endpoint_that_comes_back_is_asked_again_after_its_fingerprint(
    loopback: LoopbackServer, clock: FakeClock
) -> None:
    shaky = Served(loopback)
    shaky.choose = lambda _: server.status(500) if 3 < len(shaky.chats) <= 8 else None
    answers = ask(player(clock, shaky, start=1, concurrency=1), *(request(f"k{i}") for i in range(20)))
    assert [reply.status for reply in answers] == [ResponseStatus.OK] * 20
    assert shaky.asked["/v1/models"] >= 2


def test_an_endpoint_that_comes_back_as_something_else_is_not_asked_again(
    loopback: LoopbackServer, clock: FakeClock
) -> None:
    served = Served(loopback)

    def change(_: object) -> server.Behaviour | None:
        if len(served.chats) <= 3:
            return None
        served.listed = [{"id": "m", "root": "other weights", "max_model_len": 4096}]
        return server.status(500)

    served.choose = change
    with pytest.raises(EndpointError) as raised:
        ask(player(clock, served, start=1, concurrency=1), *(request(f"k{i}") for i in range(20)))
    assert "it serves something else now" in raised.value.text
    assert len(served.chats) == 3 + 5


def test_a_server_that_stays_down_stops_the_run_after_patience(served: Served, clock: FakeClock) -> None:
    served.choose = lambda _: server.reset()
    with pytest.raises(EndpointError) as raised:
        ask(player(clock, served, patience_s=60, attempts=1000, deadline_s=1e6), request())
    assert "no response" in raised.value.text
    assert 60 <= clock.now() - 1000 < 130


def test_a_server_that_asks_for_more_than_our_patience_stops_the_run(
    served: Served, clock: FakeClock
) -> None:
    served.choose = lambda _: server.status(429, "come back tomorrow", {"retry-after": "86400"})
    asked = player(clock, served, deadline_s=1e6, start=8)
    with pytest.raises(EndpointError) as raised:
        ask(asked, *(request(f"k{i}") for i in range(20)))
    assert "come back tomorrow" in raised.value.text


def test_endpoints_that_serve_different_things_are_named(loopback: LoopbackServer, clock: FakeClock) -> None:
    one = Served(loopback)
    two = Served(loopback, listed=[{"id": "m", "root": "other", "max_model_len": 4096}])
    with pytest.raises(UsageError) as raised:
        ask(player(clock, one, two))
    assert one.url in raised.value.text
    assert two.url in raised.value.text


def test_an_endpoint_that_is_down_at_the_start_is_said_and_the_others_serve(
    loopback: LoopbackServer, clock: FakeClock
) -> None:
    asked = player(
        clock, Served(loopback), plan={"endpoints": (Served(loopback).url, "http://127.0.0.1:9/v1")}
    )
    answers = ask(asked, *(request(f"k{i}") for i in range(10)))
    assert [reply.status for reply in answers] == [ResponseStatus.OK] * 10
    assert any("http://127.0.0.1:9/v1 does not answer" in note for note in asked.notes)


def test_when_none_answers_at_the_start_each_is_named(clock: FakeClock) -> None:
    asked = player(clock, plan={"endpoints": ("http://127.0.0.1:9/v1", "http://127.0.0.1:19/v1")})
    with pytest.raises(EndpointError) as raised:
        ask(asked)
    assert "127.0.0.1:9/" in raised.value.text
    assert "127.0.0.1:19/" in raised.value.text
