"""A bad day: a tenth of 2,000 requests meets a fault. On a clock of its own, so that it takes seconds.

Faults are drawn per request and try from a seed, Retry-After is up to 2 s, the deadline 5 s. What failed by then
is asked once more, as a run does.
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from dataclasses import replace

import pytest

from engine.players.backoff import Backoff
from engine.players.base import ChatReply
from engine.players.http import HttpOptions, HttpPlayer
from engine.records import ResponseStatus
from tests.engine.players.asking import opened, request, spec
from tests.servers.faulty import BadDay
from tests.servers.loopback import LoopbackServer, Request
from tests.servers.openai_server import Served
from tests.servers.virtual_clock import START, VirtualClock

REQUESTS = 2000
OPTIONS = HttpOptions(concurrency=64, start=64, deadline_s=5, max_body_mb=1)


class Watch:
    """Sees at the server when a request comes, and when it was told to come again.

    Attributes:
        undercut: seconds by which a Retry-After was undercut, of those that were.
        waited: how many were kept to.
    """

    def __init__(self, served: Served, clock: VirtualClock) -> None:
        self.undercut: list[float] = []
        self.waited = 0
        self._clock = clock
        self._due: dict[str, float] = {}
        served.on_chat = self._came

    def told(self, text: str, wait: float) -> None:
        self._due[text] = self._clock.now() + wait

    def _came(self, request: Request) -> None:
        due = self._due.pop(request.json["messages"][-1]["content"], None)
        if due is not None:
            self.waited += 1
            if self._clock.now() < due:
                self.undercut.append(due - self._clock.now())


async def day(clock: VirtualClock, asked: HttpPlayer, bad: BadDay) -> dict[str, ChatReply]:
    """All replies, by key; a request that may be tried again had another go."""

    def idle() -> bool:
        return asked.load.in_flight == bad.stuck

    rows: dict[str, ChatReply] = {}
    async with opened(asked):
        passing = asyncio.create_task(clock.pass_time(idle))
        try:
            for _ in range(2):
                left = [i for i in range(REQUESTS) if f"k{i}" not in rows or rows[f"k{i}"].retryable]
                async with aclosing(asked.chat(request(f"k{i}", f"t{i}") for i in left)) as replies:
                    rows |= {reply.key: replace(reply, latency_ms=None) async for reply in replies}
        finally:
            passing.cancel()
    return rows


@pytest.mark.parametrize("seed", [1, 2])
def test_a_bad_day_ends_row_for_row_as_a_quiet_one(loopback: LoopbackServer, seed: int) -> None:
    clock, served = VirtualClock(), Served(loopback)
    watch = Watch(served, clock)
    bad = BadDay(seed, share=0.1, longest_wait=2.0, told=watch.told)
    served.choose = bad
    asked = HttpPlayer("p", spec(served), OPTIONS, clock, Backoff())
    rows = asyncio.run(day(clock, asked, bad))

    assert rows == {
        f"k{i}": ChatReply(f"k{i}", ResponseStatus.OK, f"re: t{i}", None, "stop", 7, 3, reported_model="m")
        for i in range(REQUESTS)
    }
    assert 150 <= bad.met.total() <= 300
    assert len(served.chats) == REQUESTS + bad.met.total()  # each fault is one try more, and nothing else is
    assert watch.undercut == []
    assert watch.waited >= 50
    assert clock.now() - START < 60
