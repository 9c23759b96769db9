"""Conversations of several turns, with a player that is a function of what it was asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing
from itertools import islice
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PluginError
from engine.keys import request_seed
from engine.players.base import ChatReply, ChatRequest, ModelIdentity, PlayerSpec
from engine.players.recorded import RecordedPlayer
from engine.players.turns import Answered, Item, answer
from engine.records import Conversation, Message, ResponseStatus, Sampling
from tests.engine.players.asking import opened, player
from tests.servers import openai_server as server
from tests.servers.fake_clock import FakeClock
from tests.servers.loopback import LoopbackServer
from tests.servers.openai_server import Served

Say = Callable[[ChatRequest], ChatReply]


class Scripted:
    """A player that answers as told, in batches, newest first, from an iterable that it reads once to its end."""

    name, sampling, holds_schema = "scripted", Sampling(), False

    def __init__(self, say: Say, batch: int = 3) -> None:
        self.say, self.batch = say, batch
        self.notes: list[str] = []
        self.seen: list[ChatRequest] = []

    @classmethod
    def from_plan(cls, name: str, spec: PlayerSpec) -> Scripted:
        raise NotImplementedError

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def try_schema(self, schema: Mapping[str, Any]) -> bool:
        return False

    def identity(self) -> ModelIdentity:
        return ModelIdentity("name", {})

    async def chat(self, requests: Iterable[ChatRequest]) -> AsyncIterator[ChatReply]:
        source = iter(requests)
        while batch := list(islice(source, self.batch)):
            self.seen += batch
            for request in reversed(batch):
                yield self.say(request)


def ok(request: ChatRequest) -> ChatReply:
    said = "+".join(f"{m.role[0]}:{m.content}" for m in request.messages)
    return ChatReply(request.key, ResponseStatus.OK, f"<{said}>", thinking="secret thoughts")


def item(key: str, *turns: str, **changes: Any) -> Item:
    return Item(key, Conversation.of(*turns), **({"sampling": Sampling(), "seed": 3} | changes))


def run(asked: Any, items: Iterable[Item]) -> list[Answered]:
    async def collect() -> list[Answered]:
        async with aclosing(answer(asked, items)) as answers:
            return [answered async for answered in answers]

    return asyncio.run(collect())


def test_the_second_turn_sees_the_models_own_first_without_its_thinking() -> None:
    (answered,) = run(Scripted(ok), [item("k", "one", "two", sample=2)])
    assert [turn.answer for turn in answered.response.turns] == ["<u:one>", "<u:one+a:<u:one>+u:two>"]
    assert [turn.thinking for turn in answered.response.turns] == ["secret thoughts"] * 2
    assert (answered.response.status, answered.response.sample) == (ResponseStatus.OK, 2)


def test_given_turns_are_shown_as_given_and_open_ones_filled() -> None:
    conversation = Conversation(
        (
            Message("system", "s"),
            Message("user", "1"),
            Message("assistant", "given"),
            Message("user", "2"),
            Message("assistant", None),
            Message("user", "3"),
            Message("assistant", None),
        )
    )
    (answered,) = run(Scripted(ok), [Item("k", conversation, Sampling())])
    assert answered.response.turns[0].answer == "<s:s+u:1+a:given+u:2>"
    assert answered.response.turns[1].answer == "<s:s+u:1+a:given+u:2+a:<s:s+u:1+a:given+u:2>+u:3>"


def test_each_turn_has_its_own_seed_and_key_the_same_each_time() -> None:
    first, again = Scripted(ok), Scripted(ok)
    run(first, [item("k", "one", "two", "three")])
    run(again, [item("k", "one", "two", "three")])
    assert [r.seed for r in first.seen] == [3, request_seed(3, "k/1"), request_seed(3, "k/2")]
    assert first.seen == again.seen


def test_an_unseeded_conversation_stays_unseeded() -> None:
    asked = Scripted(ok)
    run(asked, [item("k", "one", "two", seed=None)])
    assert [r.seed for r in asked.seen] == [None, None]


@pytest.mark.parametrize(
    ("status", "turns"),
    [
        ("cut", ["<u:1>", "half"]),
        ("refused", ["<u:1>", "half"]),
        ("empty", ["<u:1>", "half"]),
        ("failed", ["<u:1>"]),
    ],
)
def test_a_turn_that_is_not_ok_ends_the_conversation(status: str, turns: list[str]) -> None:
    def say(request: ChatRequest) -> ChatReply:
        if request.messages[-1].content != "2":
            return ok(request)
        return ChatReply(request.key, ResponseStatus(status), "half", error="why", retryable=True)

    asked = Scripted(say)
    (answered,) = run(asked, [item("k", "1", "2", "3")])
    assert answered.response.status == status
    assert [turn.answer for turn in answered.response.turns] == turns
    assert (answered.response.error, answered.retryable) == ("why", True)
    assert len(asked.seen) == 2


@given(lengths=st.lists(st.integers(1, 4), max_size=25), batch=st.integers(1, 9))
def test_every_item_is_answered_once_in_full(lengths: list[int], batch: int) -> None:
    items = [item(f"k{n}", *map(str, range(length))) for n, length in enumerate(lengths)]
    answers = run(Scripted(ok, batch), items)
    assert sorted(a.item.key for a in answers) == sorted(i.key for i in items)
    assert all(len(a.response.turns) == a.item.conversation.open_turns for a in answers)


def test_few_conversations_are_under_way_at_a_time() -> None:
    taken = 0

    def source() -> Iterator[Item]:
        nonlocal taken
        for n in range(500):
            taken += 1
            yield item(f"k{n}", "1", "2", "3")

    async def most() -> int:
        widest = done = 0
        async with aclosing(answer(Scripted(ok, batch=4), source())) as answers:
            async for _ in answers:
                done += 1
                widest = max(widest, taken - done)
        return widest

    assert asyncio.run(most()) <= 12


def test_two_items_under_way_with_one_key_are_a_mistake() -> None:
    with pytest.raises(ValueError, match="share the key k"):
        run(Scripted(ok), [item("k", "1"), item("k", "2")])


def test_a_player_that_swallows_a_request_is_found_out() -> None:
    class Swallows(Scripted):
        async def chat(self, requests: Iterable[ChatRequest]) -> AsyncIterator[ChatReply]:
            for request in list(requests)[1:]:
                yield self.say(request)

    with pytest.raises(PluginError, match="'scripted' left 1 requests without a reply"):
        run(Swallows(ok), [item("a", "1"), item("b", "2")])


def test_recorded_fails_whatever_the_store_lacks() -> None:
    asked = RecordedPlayer.from_plan("old", PlayerSpec("old"))
    (answered,) = run(asked, [item("k", "1", "2")])
    assert (answered.response.status, answered.response.error) == (ResponseStatus.FAILED, "not recorded")
    assert answered.response.turns == ()
    assert not answered.retryable


def test_over_http_later_turns_do_not_wait_for_everybodys_first(
    loopback: LoopbackServer, clock: FakeClock
) -> None:
    """One first turn hangs; all other conversations come to their end meanwhile."""
    served = Served(loopback)
    served.choose = lambda seen: server.hang() if b"slow" in seen.body else None

    async def collect() -> list[str]:
        items = [item("slow", "slow", "2"), *(item(f"k{n}", "1", "2", "3") for n in range(50))]
        done: list[str] = []
        asked = player(clock, served, start=4, concurrency=4)
        async with opened(asked), aclosing(answer(asked, items)) as answers:
            async for answered in answers:
                done.append(answered.item.key)
                if len(done) == 50:
                    break
        return done

    assert sorted(asyncio.run(collect())) == sorted(f"k{n}" for n in range(50))
