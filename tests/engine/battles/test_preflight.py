"""Preflight: what is counted is what is asked, and what it takes follows from the calls that were made."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.battles.matchmaking import Mode
from engine.battles.preflight import Preflight, survey
from engine.judges.base import Question
from engine.plan import Plan
from engine.players.base import ChatReply, ChatRequest
from engine.records import ResponseStatus, Verdict
from engine.store import Store, open_store
from engine.store.prompts import land_prompts
from tests.engine.battles.small_run import World, other_judge, questions, said, scored, unparsable, world


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.db", writable=True) as opened:
        yield opened


def better_is_first(question: Question) -> Verdict:
    return scored(9, 1)


def own_words(request: ChatRequest) -> ChatReply:
    """No two responses are equal: of equal ones a judge is asked once, which is known when they are there."""
    return said(request, request.key)


def plan_of(small: World, **prices: Any) -> Plan:
    """A plan that names the same players and judges; `prices` are of all of them."""
    model = {"kind": "plug-in", **prices}
    players = {one.name: model for one in small.players}
    judges = {one.name: model for one in small.umpires}
    return Plan.model_validate(
        {"run": {"name": "small"}, "prompts": {"set": "set"}, "players": players, "judges": judges}
    )


def surveyed(small: World, **prices: Any) -> Preflight:
    return asyncio.run(survey(small.run(), plan_of(small, **prices)))


def needed(found: Preflight) -> dict[str, int]:
    return {one.name: one.needed for one in found.calls}


def asked(small: World) -> dict[str, int]:
    return {one.name: len(one.asked) for one in (*small.players, *small.umpires)}


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    mode=st.sampled_from(["i", "ii", "iii", "round-robin"]),
    samples=st.integers(1, 3),
    later_turns=st.lists(st.just("and then?"), max_size=2),
    games=st.integers(1, 2),
    judges=st.integers(1, 2),
    done=st.integers(0, 8),
    failing=st.booleans(),
)
def test_what_is_counted_is_what_is_asked(
    tmp_path_factory: pytest.TempPathFactory,
    mode: Mode,
    samples: int,
    later_turns: list[str],
    games: int,
    judges: int,
    done: int,
    failing: bool,
) -> None:
    """After a part of the run was made, in which a player and a judge failed now and then."""
    names = {"i": "ab", "ii": "abcd", "iii": "abc", "round-robin": "abcd"}[mode]
    with open_store(tmp_path_factory.mktemp("p") / "a.db", writable=True) as store:
        small = world(store, better_is_first, players=names)
        small.mode, small.samples = mode, samples
        small.umpires[0].games = games
        if judges == 2:
            small.umpires.append(other_judge(small.umpires[0], "second"))
        for one in small.players:
            one.say = own_words
        if failing:
            _fail_now_and_then(small)
        small.prompts = questions(done, *later_turns)
        if done:
            small.play()
        for one in small.players:
            one.say = own_words
            one.asked.clear()
        for judge in small.umpires:
            judge.decide = better_is_first
            judge.asked.clear()
        small.prompts = questions(8, *later_turns)
        found = surveyed(small)
        run = small.play()
        assert needed(found) == asked(small)
        assert found.battles == run.progress.total == run.progress.done
        assert found.found == run.progress.found


def _fail_now_and_then(small: World) -> None:
    def fails(request: ChatRequest) -> ChatReply:
        if int(request.key.split("/")[0][-1], 16) < 4:
            return said(request, status=ResponseStatus.FAILED, error="no")
        return own_words(request)

    small.players[0].say = fails
    small.umpires[0].decide = lambda question: (
        unparsable() if int(question.key[-1], 16) < 4 else better_is_first(question)
    )


def test_a_run_in_another_arena_needs_no_call(store: Store) -> None:
    world(store, better_is_first).play()
    again = world(store, better_is_first)
    again.arena = "another"
    found = surveyed(again)
    assert (found.needed, found.found, found.battles) == (0, 0, 18)
    assert (found.seconds, found.is_unknown) == (0.0, False)


def test_nothing_to_do_is_nothing(store: Store) -> None:
    small = world(store, better_is_first)
    small.play()
    found = surveyed(small, price_in=1.0, price_out=1.0)
    assert (found.needed, found.found, found.seconds, found.cost) == (0, 18, 0.0, 0.0)


def test_before_anything_is_asked_nothing_is_known(store: Store) -> None:
    found = surveyed(world(store, better_is_first), price_in=1.0)
    assert found.is_unknown
    assert (found.seconds, found.cost) == (None, None)
    assert needed(found) == {"ada": 6, "bob": 6, "eve": 6, "umpire": 36}


def test_tokens_time_and_cost_are_those_of_a_call(store: Store) -> None:
    """A response of three turns is three calls: 20 tokens in, 30 out and 100 ms each, four at a time."""
    small = world(store, better_is_first, players=("ada", "bob"))
    small.prompts = questions(2, "and then?", "why?")
    small.play()
    small.prompts = questions(12, "and then?", "why?")
    found = surveyed(small, price_in=1e6, price_out=2e6)
    ada = found.calls[0]
    assert (ada.needed, ada.sampled, ada.tokens_in, ada.tokens_out) == (30, 6, 600, 900)
    assert ada.seconds == pytest.approx(30 * 0.1 / 4)
    assert ada.cost == pytest.approx(600 + 1800)
    judge = found.calls[-1]
    assert (judge.needed, judge.sampled, judge.tokens_in) == (20, 4, 4000)
    assert judge.seconds == pytest.approx(20 * 0.05 / 4)
    assert found.cost == pytest.approx(2 * 2400 + 20 * (200 + 2 * 10))


def test_models_in_this_process_take_turns_and_servers_do_not(store: Store) -> None:
    small = world(store, better_is_first)
    small.play()
    small.prompts = questions(26)
    assert surveyed(small).seconds == pytest.approx(120 * 0.05 / 4)  # the judge sets the pace
    small.umpires[0].player.parallel = 1000
    assert surveyed(small).seconds == pytest.approx(20 * 0.1 / 4)
    local = world(store, better_is_first, players=("x", "y", "z"))
    local.prompts = questions(6, set_name="other")
    for one in local.players:
        one.local = True
    local.play()
    local.prompts = questions(26, set_name="other")
    local.umpires[0].player.parallel = 1000
    assert surveyed(local).seconds == pytest.approx(3 * 20 * 0.1 / 4)


def test_the_store_grows_about_as_was_said(store: Store) -> None:
    def size() -> int:
        pages, of = (
            store.reader.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size")
        )
        return int(pages * of)

    small = world(store, better_is_first)
    for one in small.players:
        one.say = lambda request: said(request, f"{request.key} " + "an answer of some length " * 20)
    small.umpires[0].decide = lambda question: replace(
        scored(9, 1),
        raw=f"{question.key} " + "a verdict " * 40,
        explanation=f"{question.key} " + "because " * 40,
    )
    small.play()
    small.prompts = questions(150)
    with store.write() as tx:
        land_prompts(tx, small.prompts)
    expected, before = surveyed(small).growth_bytes, size()
    small.play()
    assert expected == pytest.approx(size() - before, rel=0.25)
