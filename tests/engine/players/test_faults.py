"""Every fault of `tests/servers/faulty.py`, done by a real server on loopback: what becomes of it is one of three.

retried     within the deadline, and the row is that of an undisturbed run; where it stays, the row is a failure that
            says why
recorded    as what it is, and asked once
pauses      the run ends with an error that says why and whether time may mend it, for the worker to wait upon
"""

from __future__ import annotations

import asyncio
import re
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from engine.errors import EndpointError
from engine.players.base import ChatReply, ChatRequest
from engine.players.http import HttpPlayer
from engine.records import ResponseStatus
from tests.engine.players.asking import ask, ask_one, player, replies, request
from tests.servers import openai_server as server
from tests.servers.fake_clock import FakeClock
from tests.servers.faulty import FAULTS, Becomes
from tests.servers.loopback import LoopbackServer, Request
from tests.servers.openai_server import Served

OK, FAILED = ResponseStatus.OK, ResponseStatus.FAILED
DOC = Path(__file__).parents[3] / "docs" / "endpoints.md"


@pytest.fixture
def served(loopback: LoopbackServer) -> Served:
    return Served(loopback)


def named(becomes: Becomes) -> list[str]:
    return [name for name, fault in FAULTS.items() if fault.becomes is becomes]


@contextmanager
def time_passes(served: Served, clock: FakeClock, fault: str, times: int | None = None):
    """Where only a deadline ends a fault, let it pass whenever a request has met the fault."""

    async def run(asked: HttpPlayer, requests: list[ChatRequest]) -> list[ChatReply]:
        loop = asyncio.get_running_loop()
        if FAULTS[fault].endless:
            served.on_chat = lambda _: (
                loop.call_soon_threadsafe(clock.expire)
                if times is None or len(served.chats) <= times
                else None
            )
        return await replies(asked, requests)

    yield lambda asked, *requests: asyncio.run(run(asked, list(requests)))


def row(reply: ChatReply) -> ChatReply:
    return replace(reply, latency_ms=None)


@pytest.mark.parametrize("name", named(Becomes.RETRIED))
def test_a_fault_that_passes_leaves_the_row_of_an_undisturbed_run(
    loopback: LoopbackServer, clock: FakeClock, name: str
) -> None:
    quiet, served = Served(loopback), Served(loopback)
    undisturbed = ask_one(player(FakeClock(), quiet))
    served.script(FAULTS[name].behave)
    with time_passes(served, clock, name, times=1) as asking:
        (reply,) = asking(player(clock, served, max_body_mb=1), request())
    assert row(reply) == row(undisturbed)
    assert len(served.chats) == 2
    (wait,) = clock.slept
    assert FAULTS[name].wait + 0.5 <= wait <= FAULTS[name].wait + 1.5  # not undercut, and not dawdled


@pytest.mark.parametrize("name", named(Becomes.RETRIED))
def test_a_fault_that_stays_is_a_failure_that_says_why(served: Served, clock: FakeClock, name: str) -> None:
    served.choose = lambda _: FAULTS[name].behave
    with time_passes(served, clock, name) as asking:
        (reply,) = asking(player(clock, served, max_body_mb=1, attempts=3, attempt_s=30), request())
    assert (reply.status, reply.text, reply.retryable) == (FAILED, "", True)
    assert FAULTS[name].says in (reply.error or "")
    assert (reply.error or "").endswith("(3 attempts, no attempt is left)")
    assert len(served.chats) == 3


@pytest.mark.parametrize("name", named(Becomes.RECORDED))
def test_an_answer_is_taken_for_what_it_is_and_asked_for_once(
    served: Served, clock: FakeClock, name: str
) -> None:
    fault = FAULTS[name]
    served.script(fault.behave)
    reply = ask_one(player(clock, served))
    assert (reply.status, reply.text, reply.retryable) == (fault.status, fault.text, False)
    assert fault.says in (reply.error or "")
    assert (len(served.chats), clock.slept) == (1, [])


@pytest.mark.parametrize("name", named(Becomes.PAUSES))
def test_a_server_that_refuses_us_from_the_start_ends_the_run_and_says_why(
    served: Served, clock: FakeClock, name: str
) -> None:
    served.script(FAULTS[name].behave)
    with pytest.raises(EndpointError) as raised:
        ask(player(clock, served, start=1, concurrency=1), *(request(f"k{i}") for i in range(20)))
    assert FAULTS[name].says in raised.value.text
    assert served.url in raised.value.text
    assert not raised.value.may_return
    assert (len(served.chats), clock.slept) == (1, [])


@pytest.mark.parametrize("name", named(Becomes.PAUSES))
def test_one_that_has_answered_and_refuses_for_a_while_costs_no_row(
    served: Served, clock: FakeClock, name: str
) -> None:
    served.choose = lambda _: FAULTS[name].behave if 3 < len(served.chats) <= 6 else None
    answers = ask(player(clock, served, start=1, concurrency=1), *(request(f"k{i}") for i in range(12)))
    assert [reply.status for reply in answers] == [OK] * 12
    assert served.asked["/v1/models"] == 1 + 3  # it is checked before each new try


@pytest.mark.parametrize("name", named(Becomes.PAUSES))
def test_one_that_has_answered_and_goes_on_refusing_may_return(
    served: Served, clock: FakeClock, name: str
) -> None:
    served.choose = lambda _: FAULTS[name].behave if len(served.chats) > 3 else None
    asked = player(clock, served, start=1, concurrency=1, patience_s=60)
    with pytest.raises(EndpointError) as raised:
        ask(asked, *(request(f"k{i}") for i in range(12)))
    assert raised.value.may_return
    assert FAULTS[name].says in raised.value.text
    assert 60 <= clock.now() - 1000 < 150
    told = "does not answer and is tried again for 60 s at most"
    assert asked.notes == [f"{served.url} {told}: {_reason(raised.value)}"]


def _reason(error: EndpointError) -> str:
    return error.text.split("/v1: ", 1)[1]


# Down for minutes, then back


def is_down(served: Served, clock: FakeClock, until: float) -> None:
    """From its eleventh chat request on, nothing is answered on any path until the clock says so."""
    served.gate = lambda _: server.reset() if len(served.chats) >= 10 and clock.now() < 1000 + until else None


@pytest.mark.parametrize("deadline", [5, 1200])
def test_down_for_minutes_and_back_costs_no_row(served: Served, clock: FakeClock, deadline: float) -> None:
    is_down(served, clock, until=240)
    asked = player(clock, served, start=4, concurrency=4, deadline_s=deadline)
    answers = ask(asked, *(request(f"k{i}", f"t{i}") for i in range(60)))
    assert {reply.key: reply.text for reply in answers} == {f"k{i}": f"re: t{i}" for i in range(60)}
    assert any("does not answer and is tried again" in note for note in asked.notes)


def test_down_for_longer_than_our_patience_may_return(served: Served, clock: FakeClock) -> None:
    is_down(served, clock, until=1e9)
    asked = player(clock, served, start=4, concurrency=4, deadline_s=5)
    with pytest.raises(EndpointError) as raised:
        ask(asked, *(request(f"k{i}") for i in range(60)))
    assert raised.value.may_return
    assert "no response" in raised.value.text


def test_nobody_there_at_the_start_may_return(clock: FakeClock) -> None:
    with pytest.raises(EndpointError) as raised:
        ask(player(clock, plan={"endpoints": ("http://127.0.0.1:9/v1",)}))
    assert raised.value.may_return


def test_a_wrong_key_at_the_start_may_not(served: Served, clock: FakeClock) -> None:
    served.gate = lambda _: server.status(401, "bad key")
    with pytest.raises(EndpointError, match="bad key") as raised:
        ask(player(clock, served))
    assert not raised.value.may_return


def test_one_that_comes_back_before_it_knows_its_model_is_waited_for(
    served: Served, clock: FakeClock
) -> None:
    def starting(seen: Request) -> server.Behaviour | None:
        if len(served.chats) < 10 or clock.now() > 1000 + 120:
            return None
        return server.status(404) if seen.path == "/v1/models" else server.reset()

    served.gate = starting
    answers = ask(player(clock, served, start=2, concurrency=2), *(request(f"k{i}") for i in range(40)))
    assert [reply.status for reply in answers] == [OK] * 40


def test_a_request_that_brings_its_server_down_each_time_is_recorded_in_the_end(
    served: Served, clock: FakeClock
) -> None:
    served.choose = lambda seen: server.reset() if b"poison" in seen.body else None
    asked = player(clock, served, start=1, concurrency=1, patience_s=1e9)
    answers = ask(asked, request("a"), request("b", "poison"), request("c"))
    assert {reply.key: reply.status for reply in answers} == {"a": OK, "b": FAILED, "c": OK}


# The page


def test_the_page_says_of_each_fault_what_becomes_of_it() -> None:
    said = dict(re.findall(r"^\| ([^|]+?) \| (retried|recorded|pauses)\b", DOC.read_text(), flags=re.M))
    assert said.items() >= {name: fault.becomes.value for name, fault in FAULTS.items()}.items()
