"""Looking up what is missing: a chunk at a time, with a turn for others between, whatever is missing and wherever."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.battles.responding import CHUNK, Responding
from engine.battles.run import Run
from engine.records import Response, ResponseStatus, Turn
from engine.store import Store, open_store
from engine.store.responses import NewResponse, land_responses
from tests.engine.battles.small_run import Speaker, World, questions, scored, world

PROMPTS = 4 * CHUNK


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "a.db", writable=True) as opened:
        yield opened


def large(store: Store) -> World:
    made = world(store, lambda question: scored(5, 5), prompts=1)
    made.prompts = questions(PROMPTS)
    return made


def land_all(run: Run, name: str, failed: set[int]) -> None:
    """Responses of one player to all prompts, failures at some places."""
    seat = run.cast.seats[name]
    good = Response(ResponseStatus.OK, (Turn("fine"),))
    bad = Response(ResponseStatus.FAILED, (), error="no")
    with run.store.write() as tx:
        land_responses(
            tx,
            [
                NewResponse(key, prompt.id, seat.contestant.id, bad if place in failed else good)
                for place, prompt in enumerate(run.schedule.prompts)
                for key in run.schedule.answers_on(name, prompt)
            ],
        )


async def respond(run: Run, name: str) -> int:
    """Let one player answer; how often somebody else had a turn meanwhile."""
    turns, over = 0, asyncio.Event()

    async def beside() -> None:
        nonlocal turns
        while not over.is_set():
            turns += 1
            await asyncio.sleep(0)

    watching = asyncio.create_task(beside())
    await asyncio.sleep(0)
    responding = Responding(run, run.cast.seats[name])
    await responding.run()
    over.set()
    await watching
    assert responding.frontier.position == PROMPTS
    return turns


def test_looking_up_what_is_known_lets_others_have_their_turn(store: Store) -> None:
    run = large(store).run()
    land_all(run, "ada", failed=set())
    assert asyncio.run(respond(run, "ada")) > PROMPTS / CHUNK
    assert run.progress.responses_found == PROMPTS


@pytest.mark.parametrize(
    "failed", [{0}, {PROMPTS - 1}, {3, CHUNK, 3 * CHUNK + 1}, set(range(0, PROMPTS, 50))]
)
def test_failures_are_asked_again_wherever_they_are(store: Store, failed: set[int]) -> None:
    made = large(store)
    run = made.run()
    land_all(run, "ada", failed)
    asyncio.run(respond(run, "ada"))
    assert len(made.players[0].asked) == len(failed)
    assert (run.progress.responses_found, run.progress.responses_made) == (PROMPTS - len(failed), len(failed))


def test_far_apart_failures_are_asked_at_one_time(store: Store) -> None:
    """A player with room for many is given all of them, not one after the other as the look-up comes to them."""

    class Counting(Speaker):
        async def chat(self, requests):  # type: ignore[no-untyped-def, override]
            taken.append(list(requests))
            for request in taken[-1]:
                yield self.say(request)

    taken: list[list[object]] = []
    made = large(store)
    made.players[0] = Counting("ada")
    run = made.run()
    land_all(run, "ada", {1, 2 * CHUNK, PROMPTS - 1})
    asyncio.run(respond(run, "ada"))
    assert [len(one) for one in taken] == [3]
