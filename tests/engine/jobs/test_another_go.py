"""A response that met its limits is asked for once more in the same run, and no more than that."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.records import ResponseStatus
from engine.store import open_store
from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import LoopbackServer, Request
from tests.servers.openai_server import Behaviour, answer, status

ONE_ATTEMPT = "players.ada.options.attempts=1"


@pytest.fixture
def arena(loopback: LoopbackServer, tmp_path: Path) -> Arena:
    return Arena(tmp_path, loopback, prompts=4)


def fails(arena: Arena, times: int) -> None:
    """The server of `ada` fails so many times on one prompt."""
    met = 0

    def choose(request: Request) -> Behaviour:
        nonlocal met
        text = request.json["messages"][-1]["content"]
        if text == "question 0" and met < times:
            met += 1
            return status(500)
        return answer(f"i am ada and heard {text}")

    arena.served["ada"].choose = choose


def failures(arena: Arena) -> int:
    with open_store(arena.path) as store:
        query = "SELECT COUNT(*) FROM responses WHERE status = ?"
        return int(store.reader.execute(query, (ResponseStatus.FAILED.value,)).fetchone()[0])


def test_what_fails_once_is_there_in_the_end(arena: Arena) -> None:
    fails(arena, times=1)
    progress = arena.run(ONE_ATTEMPT)
    assert progress.states == {"decided": 12}
    assert failures(arena) == 0
    assert len(arena.served["ada"].chats) == 5


def test_what_fails_twice_is_a_failed_response(arena: Arena) -> None:
    fails(arena, times=9)
    progress = arena.run(ONE_ATTEMPT)
    assert (progress.states["decided"], progress.problems) == (10, {"failed response": 1})
    assert failures(arena) == 1
    assert len(arena.served["ada"].chats) == 5


def test_what_is_refused_is_not_asked_again(arena: Arena) -> None:
    arena.served["ada"].choose = lambda request: (
        status(400, "too long") if b"question 0" in request.body else answer("i am ada")
    )
    arena.run(ONE_ATTEMPT)
    assert failures(arena) == 1
    assert len(arena.served["ada"].chats) == 4
