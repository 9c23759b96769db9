"""Runs that end before they are done, by a stop, a budget or a failure: what is kept, and that they go on."""

from __future__ import annotations

import asyncio

import pytest

from engine.errors import EndpointError, Unfinished
from engine.jobs import attempts, jobs
from engine.jobs.worker import Batch, run_batch
from engine.plan import read_plan
from engine.store import open_store
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.stored import content, number, rows
from tests.servers.loopback import Request
from tests.servers.openai_server import Behaviour, status


def test_a_drained_run_is_unfinished_and_goes_on(arena: Arena) -> None:
    stop_after = 20
    plan = arena.folder / "plan.toml"
    plan.write_text(arena.plan_text())

    async def drained() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_chat(_: Request) -> None:
            if len(arena.judge.chats) == stop_after:
                loop.call_soon_threadsafe(stop.set)

        arena.judge.on_chat = on_chat
        with arena.open() as store:
            await run_batch(Batch(store, read_plan(plan), arena.events.append), stop)

    with pytest.raises(Unfinished) as unfinished:
        asyncio.run(drained())
    assert unfinished.value.exit_code == 3
    with open_store(arena.path) as store:
        (job,) = jobs.read_jobs(store.reader)
        assert job.state == "unfinished"
        verdicts = rows(store, "SELECT COUNT(*) FROM verdicts")[0][0]
        assert verdicts == len(arena.judge.chats)  # what was in flight was finished and kept
    assert arena.run().done == 36
    assert (arena.player_calls, len(arena.judge.chats)) == (36, 72)
    with open_store(arena.path) as store:
        assert [(job.id, job.state) for job in jobs.read_jobs(store.reader)] == [(1, "done")]
        assert [one["number"] for one in attempts.read_attempts(store.reader, 1)] == [1, 2]


def test_what_a_run_leaves_does_not_depend_on_how_often_it_was_stopped(
    arena: Arena, tmp_path_factory: pytest.TempPathFactory
) -> None:
    arena.run()
    with open_store(arena.path) as store:
        whole = content(store)
    pieces = Arena(tmp_path_factory.mktemp("pieces"), arena.loopback)
    pieces.served, pieces.judge = arena.served, arena.judge
    for limit in (1, 5, 12):
        pieces.run(limit=limit)
    with open_store(pieces.path) as store:
        assert content(store) == whole


def test_a_failed_run_has_the_same_places_when_it_is_run_again(
    arena: Arena, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good, served = arena.judge.choose, arena.judge.listed

    def becomes_another(request: Request) -> Behaviour:
        if len(arena.judge.chats) <= 20:
            return good(request)
        arena.judge.listed = [{"id": "judge", "root": "other weights"}]
        return status(500)

    arena.judge.choose = becomes_another
    with pytest.raises(EndpointError, match="it serves something else now"):
        arena.run()
    arena.judge.choose, arena.judge.listed = good, served
    arena.run()
    undisturbed = Arena(tmp_path_factory.mktemp("undisturbed"), arena.loopback)
    undisturbed.run()
    with open_store(arena.path) as store, open_store(undisturbed.path) as other:
        assert [job.state for job in jobs.read_jobs(store.reader)] == ["done", "failed"]
        assert content(store) == content(other)


@pytest.mark.parametrize(
    ("limit", "calls"), [("max_calls = 40", 40), ("max_tokens = 400", 42), ("max_calls = 7", 7)]
)
def test_a_budget_drains_the_run_and_a_larger_one_goes_on(arena: Arena, limit: str, calls: int) -> None:
    with pytest.raises(Unfinished, match="the budget of") as unfinished:
        arena.run(run=limit)
    assert unfinished.value.exit_code == 3
    asked = arena.player_calls + len(arena.judge.chats)
    if "calls" in limit:
        assert asked == calls
    with open_store(arena.path) as store:
        assert (
            number(store, "SELECT COUNT(*) FROM responses") + number(store, "SELECT COUNT(*) FROM verdicts")
            == asked
        )
        assert jobs.read_jobs(store.reader)[0].state == "unfinished"
    with pytest.raises(Unfinished):  # spent is spent, also by an earlier attempt
        arena.run(run=limit)
    assert arena.player_calls + len(arena.judge.chats) == asked
    assert arena.run().states == {"decided": 36}
    with open_store(arena.path) as store:
        assert [job.id for job in jobs.read_jobs(store.reader)] == [1]


def test_a_budget_of_money_counts_by_price(arena: Arena) -> None:
    """The judge costs 7 x 1000 + 3 x 2000 a million calls; players nothing."""
    with pytest.raises(Unfinished, match=r"budget of 0\.13 is reached"):
        arena.run(run="max_cost = 0.13", judge="price_in = 1000\nprice_out = 2000")
    assert 10 <= len(arena.judge.chats) < 72


@pytest.mark.parametrize("dry_run", [False, True])
def test_a_run_that_is_stopped_before_it_began_asks_nobody(arena: Arena, dry_run: bool) -> None:
    plan = arena.write_plan()

    async def stopped() -> None:
        stop = asyncio.Event()
        stop.set()
        with arena.open() as store:
            await run_batch(Batch(store, read_plan(plan), arena.events.append, dry_run=dry_run), stop)

    with pytest.raises(Unfinished):
        asyncio.run(stopped())
    assert arena.player_calls + len(arena.judge.chats) == 0
    with open_store(arena.path) as store:
        states = [job.state for job in jobs.read_jobs(store.reader)]
    assert states == ([] if dry_run else ["unfinished"])


def test_a_run_that_is_cancelled_keeps_what_had_come_and_goes_on(arena: Arena) -> None:
    """A second Ctrl-C: what is in flight is given up."""
    plan = arena.write_plan()

    async def cancelled() -> None:
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()

        def on_chat(_: Request) -> None:
            if len(arena.judge.chats) == 30:
                loop.call_soon_threadsafe(task.cancel)

        arena.judge.on_chat = on_chat
        with arena.open() as store:
            await run_batch(Batch(store, read_plan(plan), arena.events.append), asyncio.Event())

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelled())
    arena.judge.on_chat = None
    with open_store(arena.path) as store:
        (job,) = jobs.read_jobs(store.reader)
        assert (job.state, job.reason) == ("unfinished", "interrupted")
        assert [one["exit_code"] for one in attempts.read_attempts(store.reader, 1)] == [130]
        landed = number(store, "SELECT COUNT(*) FROM verdicts")
    given_up = len(arena.judge.chats) - landed
    assert arena.run().states == {"decided": 36}
    assert arena.asked_again(landed) >= given_up
