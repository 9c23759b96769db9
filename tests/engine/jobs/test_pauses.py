"""Pauses: a drain, a wait, and the same again under the same attempt, with the same rows at the end."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from typing import Any

import pytest

from engine.errors import Cancelled, EndpointError, Unfinished
from engine.jobs import attempts, events, jobs
from engine.jobs.pausing import PauseOver
from engine.store import Store, counts, open_store
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.driving import Driven, driven, gate
from tests.engine.jobs.stored import Rows, content, number
from tests.servers.loopback import LoopbackServer
from tests.servers.openai_server import hang, status


@pytest.fixture(autouse=True)
def _quick_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.jobs.worker.REQUEST_SECONDS", 0.01)


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, loopback: LoopbackServer
) -> Iterator[dict[str, Rows]]:
    arena = Arena(tmp_path_factory.mktemp("undisturbed"), loopback)
    arena.run()
    with open_store(arena.path) as store:
        yield content(store)


def play(test: Coroutine[Any, Any, None]) -> None:
    asyncio.run(test)


def check_whole(arena: Arena, undisturbed: dict[str, Rows], calls: int = 72) -> None:
    """One attempt made all rows of an undisturbed run, and asked nobody twice."""
    assert (arena.player_calls, len(arena.judge.chats)) == (36, calls)
    with open_store(arena.path) as store:
        assert content(store) == undisturbed
        assert counts.differences(store.reader, 1) == []
        (job,) = jobs.read_jobs(store.reader)
        assert (job.state, job.request, job.reason) == ("done", None, None)
        assert [one["state"] for one in attempts.read_attempts(store.reader, 1)] == ["ended"]


def kinds(store: Store) -> list[str]:
    return [one.kind for one in events.read_events(store.reader, 1)]


async def paused_when_asked(arena: Arena, run: Driven, release: Any) -> None:
    """Ask for a pause with calls in flight; they finish first."""
    await run.until(lambda: len(arena.judge.chats) > 20)
    assert run.ask("pause").request == "pause"
    await run.warning("asked to pause")
    release()
    await run.event("paused")


def test_a_pause_that_is_asked_for_waits_and_goes_on_under_the_same_attempt(
    arena: Arena, undisturbed: dict[str, Rows]
) -> None:
    async def test() -> None:
        release = gate(arena, 20)
        async with driven(arena) as run:
            await paused_when_asked(arena, run, release)
            assert (run.job.state, run.job.reason) == ("paused", "asked to pause")
            with open_store(arena.path) as store:
                told = [one for one in events.read_events(store.reader, 1) if "pause" in str(one)]
            assert [(one.kind, one.level) for one in told] == [("requested", "info"), ("paused", "info")]
            asked = len(arena.judge.chats)
            with open_store(arena.path) as store:  # what was in flight has landed
                assert number(store, "SELECT COUNT(*) FROM verdicts") == asked
            await run.advance(4, asleep=5)
            run.resume()
            assert (await run.event("resumed")).facts["reason"] == "asked to pause"
            assert (await run.end()).states == {"decided": 36}
            assert [kind for kind in run.kinds() if kind != "warning"] == [
                "preflight",
                "started",
                "paused",
                "resumed",
            ]
            paused = await run.event("paused")
            assert paused.facts["waits_seconds"] == 900
            assert paused.facts["progress"]["total"] == 36
            (*_, last) = [event for event in run.events if event.kind == "progress"]
            assert last.facts["calls"]["judge"] == 72  # of both goes

    play(test())
    check_whole(arena, undisturbed)
    with open_store(arena.path) as store:
        assert [kind for kind in kinds(store) if kind != "warning"] == [
            "queued",
            "started",
            "requested",
            "paused",
            "requested",
            "resumed",
            "finished",
        ]


def test_a_pause_that_is_taken_back_before_it_began_is_none(arena: Arena) -> None:
    async def test() -> None:
        release = gate(arena, 20)
        async with driven(arena) as run:
            await run.until(lambda: len(arena.judge.chats) > 20)
            run.ask("pause")
            await run.warning("asked to pause")
            run.resume()
            await run.until(lambda: run.job.request is None)
            await asyncio.sleep(0.1)  # it may look several times more, and must not mind
            release()
            assert (await run.end()).states == {"decided": 36}
            assert "paused" not in run.kinds()

    play(test())
    assert len(arena.judge.chats) == 72


def test_a_pause_over_its_limit_ends_unfinished_and_running_again_goes_on(
    arena: Arena, undisturbed: dict[str, Rows]
) -> None:
    async def test() -> None:
        release = gate(arena, 20)
        async with driven(arena, pause_seconds=120) as run:
            await paused_when_asked(arena, run, release)
            await run.advance(5, asleep=5)
            await run.advance(116, asleep=5)
            with pytest.raises(PauseOver, match="asked to pause; paused for 120 s") as over:
                await run.end()
            assert over.value.exit_code == 3
            assert (run.job.state, run.job.reason) == ("paused", "asked to pause; paused for 120 s")
        async with driven(arena) as run:  # who runs the plan wants it to go on
            assert (await run.end()).states == {"decided": 36}

    play(test())
    with open_store(arena.path) as store:
        assert content(store) == undisturbed
        assert [one["exit_code"] for one in attempts.read_attempts(store.reader, 1)] == [3, 0]


def test_a_paused_run_can_be_drained_and_cancelled(arena: Arena) -> None:
    async def test() -> None:
        release = gate(arena, 20)
        async with driven(arena) as run:
            await paused_when_asked(arena, run, release)
            run.stop.set()
            with pytest.raises(Unfinished, match="stopped while it was paused"):
                await run.end()
            assert run.job.state == "unfinished"
        arena.events.clear()
        asked = len(arena.judge.chats)
        release = gate(arena, asked)
        async with driven(arena) as run:
            await run.until(lambda: len(arena.judge.chats) > asked)
            run.ask("pause")
            await run.warning("asked to pause")
            release()
            await run.event("paused")
            run.ask("cancel")
            with pytest.raises(Cancelled):
                await run.end()
            assert run.job.state == "cancelled"

    play(test())


def test_a_cancel_drops_what_is_in_flight_at_once_and_keeps_what_has_landed(arena: Arena) -> None:
    async def test() -> None:
        answered = arena.judge.choose
        assert answered is not None
        arena.judge.choose = lambda request: answered(request) if len(arena.judge.chats) <= 20 else hang()
        async with driven(arena) as run:
            await run.until(lambda: len(arena.judge.chats) > 20)
            run.ask("cancel")
            with pytest.raises(Cancelled) as cancelled:
                await run.end()
            assert cancelled.value.exit_code == 130
            assert run.job.state == "cancelled"
        arena.judge.choose = answered
        with open_store(arena.path) as store:
            landed = number(store, "SELECT COUNT(*) FROM verdicts")
        given_up = len(arena.judge.chats) - landed
        async with driven(arena) as run:  # another job, which finds what the first has landed
            assert (await run.end()).states == {"decided": 36}
            assert run.job.id == 2
        assert arena.asked_again(landed) >= given_up > 0

    play(test())


@pytest.mark.parametrize("request_", ["drain", "pause"])
def test_calls_in_flight_have_their_grace_and_no_more(arena: Arena, request_: Any) -> None:
    async def test() -> None:
        answered = arena.judge.choose
        assert answered is not None
        arena.judge.choose = lambda request: answered(request) if len(arena.judge.chats) <= 20 else hang()
        async with driven(arena, grace_seconds=30) as run:
            await run.until(lambda: len(arena.judge.chats) > 20)
            run.ask(request_)
            await run.warning(f"asked to {request_}")
            await run.advance(30, asleep=30)
            if request_ == "pause":
                await run.event("paused")
                return
            with pytest.raises(Unfinished, match="in flight after 30 s"):
                await run.end()
            assert run.job.state == "unfinished"

    play(test())


def test_a_server_that_goes_away_is_waited_for(arena: Arena, undisturbed: dict[str, Rows]) -> None:
    """It refuses for as long as a player is patient, then the run pauses and tries again after 5, 10, 20 s."""

    async def test() -> None:
        answered = arena.judge.choose
        assert answered is not None
        arena.judge.choose = lambda request: (
            answered(request) if len(arena.judge.chats) <= 20 else status(503)
        )
        async with driven(arena, "judges.judge.options.player.patience_s=0.05") as run:
            paused = await run.event("paused")
            assert "endpoint" in paused.facts["reason"]
            assert run.job.state == "paused"
            asked = len(arena.judge.chats)
            await run.advance(5, asleep=5)
            await run.until(lambda: run.clock.is_slept_on(10), "a longer wait")
            assert len(arena.judge.chats) > asked
            kinds = [kind for kind in run.kinds() if kind != "warning"]
            assert kinds[-1] == "paused"  # it is one pause, however often it is tried
            arena.judge.choose = answered
            await run.advance(9, asleep=10)
            assert run.clock.is_slept_on(1)  # it is in no hurry
            await run.advance(1, asleep=1)
            await run.event("resumed")
            assert (await run.end()).states == {"decided": 36}

    play(test())
    with open_store(arena.path) as store:
        assert content(store) == undisturbed


def test_a_server_that_never_answered_is_no_pause(arena: Arena) -> None:
    async def test() -> None:
        async with driven(arena, "players.ada.endpoints=['http://127.0.0.1:9/v1']") as run:
            with pytest.raises(EndpointError):
                await run.end()
            assert run.job.state == "failed"

    play(test())


def test_a_full_disk_is_waited_for(arena: Arena, undisturbed: dict[str, Rows]) -> None:
    """SQLite is allowed not one page more, and so says what it says of a full disk."""

    async def test() -> None:
        async with driven(arena) as run:
            await run.until(lambda: len(arena.judge.chats) > 20)
            writer = run.batch.store._writer
            assert writer is not None
            writer.execute("PRAGMA max_page_count = 1")  # SQLite takes the pages that there are
            paused = await run.event("paused")
            assert paused.facts["reason"].endswith("is full")
            for _ in range(3):  # the disk has room, says the disk, but the store has next to none
                await run.until(lambda: run.clock.is_waited_on, "a wait")
                run.clock.advance(60)
            await run.until(lambda: run.clock.is_waited_on, "a wait")
            assert run.kinds()[-1] == "paused"
            writer.execute("PRAGMA max_page_count = 1000000")
            run.clock.advance(60)
            await run.event("resumed")
            assert (await run.end()).states == {"decided": 36}

    play(test())
    with open_store(arena.path) as store:
        assert content(store) == undisturbed
        assert {"paused", "resumed"} <= set(kinds(store))  # told when there was room
        assert [one["state"] for one in attempts.read_attempts(store.reader, 1)] == ["ended"]


def test_limits_that_are_lowered_drain_a_run_and_raised_let_it_go_on(arena: Arena) -> None:
    async def test() -> None:
        release = gate(arena, 20)
        async with driven(arena) as run:
            await run.until(lambda: len(arena.judge.chats) > 20)
            run.set(max_calls=40)
            await run.warning("new limits: max_calls 40")
            release()
            with pytest.raises(Unfinished, match="the budget of 40 calls is reached"):
                await run.end()
            assert run.job.state == "unfinished"
            asked = arena.player_calls + len(arena.judge.chats)
            with pytest.raises(Unfinished):  # the limit stays with the job, also where the plan has none
                async with driven(arena) as again:
                    await again.end()
            assert arena.player_calls + len(arena.judge.chats) == asked
            run.set(max_calls=None)
        async with driven(arena) as run:
            assert (await run.end()).states == {"decided": 36}

    play(test())
    assert (arena.player_calls, len(arena.judge.chats)) == (36, 72)


def test_a_limit_that_is_raised_while_the_run_drains_for_it_calls_the_run_back(arena: Arena) -> None:
    async def test() -> None:
        release = gate(arena, 20)
        async with driven(arena, run="max_calls = 62") as run:
            await run.until(lambda: arena.player_calls + len(arena.judge.chats) == 62)
            run.set(max_calls=1000)
            await run.warning("new limits: max_calls 1000")
            release()
            assert (await run.end()).states == {"decided": 36}

    play(test())
    with open_store(arena.path) as store:
        assert len(attempts.read_attempts(store.reader, 1)) == 1
    assert (arena.player_calls, len(arena.judge.chats)) == (36, 72)


@pytest.mark.parametrize("own", [None, 3600.0])
def test_the_time_may_be_set_while_it_runs(arena: Arena, own: float | None) -> None:
    """Also against what the command line said: the newer word counts."""

    async def test() -> None:
        release = gate(arena, 20)
        async with driven(arena, stop_after=own) as run:
            await run.until(lambda: len(arena.judge.chats) > 20)
            run.clock.advance(100)  # nobody minds: there is no limit, or a larger one
            run.set(stop_after=90)
            await run.warning("the time is up")
            release()
            with pytest.raises(Unfinished, match="stopped"):
                await run.end()

    play(test())


def test_a_plan_with_another_limit_overrules_what_was_set_before(arena: Arena) -> None:
    async def test() -> None:
        async with driven(arena, run="max_calls = 30") as run:
            with pytest.raises(Unfinished):
                await run.end()
            run.set(max_calls=40)
        async with driven(
            arena, run="max_calls = 30"
        ) as run:  # the same plan: the newer word is what was set
            with pytest.raises(Unfinished, match="40 calls"):
                await run.end()
        async with driven(arena, run="max_calls = 50") as run:
            with pytest.raises(Unfinished, match="50 calls"):
                await run.end()

    play(test())
