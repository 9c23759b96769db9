"""A run in the foreground and its signals: drained with 3, stopped at once with 130, and taken up again."""

from __future__ import annotations

import asyncio
import json
import signal
from collections.abc import Callable
from functools import partial

import pytest

from engine.jobs import events, jobs
from engine.store import counts, open_store
from tests.cli.schemas import check_event
from tests.e2e.programs import Program
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.stored import content
from tests.servers.loopback import Connection, Request
from tests.servers.openai_server import hang

BATTLES, PLAYER_CALLS, JUDGE_CALLS = 36, 36, 72


Batch = Callable[..., Program]


@pytest.fixture
def batch(arena: Arena, start: Callable[..., Program]) -> Batch:
    """Runs the arena's plan, with JSON lines."""
    return partial(start, "--batch", arena.folder / "plan.toml", "--store", arena.path, "--json")


def hangs_after(arena: Arena, calls: int) -> None:
    """Let the judge answer so many questions (a preflight asks 12), and then never."""
    scored = arena.judge.choose
    assert scored is not None
    arena.judge.choose = lambda request: scored(request) if len(arena.judge.chats) <= calls else hang()


def holds_back_after(arena: Arena, calls: int) -> Callable[[], None]:
    """Let the judge answer so many questions, and then hold its answers back until what is returned is called."""
    released = asyncio.Event()
    scored = arena.judge.choose
    assert scored is not None

    async def held(request: Request, connection: Connection) -> None:
        await released.wait()
        behave = scored(request)
        assert behave is not None
        await behave(request, connection)

    arena.judge.choose = lambda request: scored(request) if len(arena.judge.chats) <= calls else held
    return lambda: arena.loopback.call(released.set)


def is_draining(event: object) -> bool:
    return event["event"] == "warning" and "draining" in event["text"]  # type: ignore[index]


def assert_all_is_done(
    arena: Arena, code: int, events: list[dict[str, object]], landed: int = JUDGE_CALLS
) -> None:
    """Every battle is decided, and nobody was asked twice but for the verdicts that had not landed when calls were
    thrown away."""
    assert code == 0
    assert events[-1]["event"] == "finished"
    assert arena.player_calls == PLAYER_CALLS
    arena.asked_again(landed)
    with open_store(arena.path) as store:
        assert [job.state for job in jobs.read_jobs(store.reader)] == ["done"]
        (decided,) = store.reader.execute("SELECT COUNT(*) FROM battles WHERE state = 'decided'").fetchone()
        assert decided == BATTLES
        assert counts.differences(store.reader, 1) == []


def finish(batch: Batch) -> tuple[int, list[dict[str, object]]]:
    """Run it again, to its end."""
    code, lines, _ = batch().rest()
    return code, [json.loads(line) for line in lines]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGUSR1, signal.SIGHUP])
def test_a_signal_drains_and_running_again_goes_on(
    arena: Arena, batch: Batch, number: signal.Signals
) -> None:
    """The signal comes with the tenth question to the judge, whose answer is awaited and kept."""
    programs: list[Program] = []

    def on_chat(_: Request) -> None:
        if len(arena.judge.chats) == 10:
            programs[0].send(number)

    arena.judge.on_chat = on_chat
    programs.append(batch())
    code, lines, err = programs[0].rest()
    events = [json.loads(line) for line in lines]
    for event in events:
        check_event(event)
    assert code == 3
    assert any(is_draining(event) for event in events)
    assert [event["event"] for event in events[-2:]] == ["paused", "finished"]
    assert events[-1]["exit_code"] == 3
    assert "Run it again" in err
    with open_store(arena.path) as store:
        assert [job.state for job in jobs.read_jobs(store.reader)] == ["unfinished"]
        (verdicts,) = store.reader.execute("SELECT COUNT(*) FROM verdicts").fetchone()
        assert 10 <= verdicts == len(arena.judge.chats) < JUDGE_CALLS
    if number is signal.SIGINT:
        assert_all_is_done(arena, *finish(batch))


def test_a_job_is_drained_from_another_terminal(
    arena: Arena, batch: Batch, start: Callable[..., Program]
) -> None:
    """The judge holds its answers back until the worker has heard."""
    release = holds_back_after(arena, 20)
    program = batch()
    program.event(lambda event: event["event"] == "progress")
    code, _, err = start("jobs", "drain", "1", "--store", arena.path).rest()
    assert (code, "job 1 is asked to drain" in err) == (0, True)
    program.event(lambda event: event["event"] == "warning" and "asked to drain" in event["text"])
    release()
    code, lines, _ = program.rest()
    assert (code, json.loads(lines[-1])["exit_code"]) == (3, 3)
    with open_store(arena.path) as store:
        assert (jobs.read_job(store.reader, 1).state, jobs.read_job(store.reader, 1).request) == (
            "unfinished",
            None,
        )


def test_a_worker_that_slept_past_its_lease_writes_nothing_and_says_so(arena: Arena, batch: Batch) -> None:
    """A laptop's lid was shut; another process has taken over and has come to the end when the first one wakes."""
    release = holds_back_after(arena, 20)
    sleeper = batch()
    sleeper.event(lambda event: event["event"] == "progress" and event["responses"] == PLAYER_CALLS)
    sleeper.send(signal.SIGSTOP)
    with open_store(arena.path, writable=True) as store, store.write() as tx:
        tx.connection.execute("UPDATE attempts SET lease_until = 0, lease_boot = 0")  # so long it slept
    release()
    code, _, err = batch().rest()
    assert code == 0, err
    with open_store(arena.path) as store:
        before, told = content(store), events.read_events(store.reader, 1)
    sleeper.send(signal.SIGCONT)
    code, lines, err = sleeper.rest()
    last = json.loads(lines[-1])
    assert (code, last["event"], last["exit_code"]) == (1, "finished", 1)
    assert "attempt 1 of job 1 lost its lease: another worker may have taken over" in err
    with open_store(arena.path) as store:
        assert (content(store), events.read_events(store.reader, 1)) == (before, told)
        assert jobs.read_job(store.reader, 1).state == "done"
        assert counts.differences(store.reader, 1) == []


def test_a_second_interrupt_stops_at_once(arena: Arena, batch: Batch) -> None:
    """The judge stops answering, so that draining would take for ever."""
    answered = arena.judge.choose
    hangs_after(arena, 20)
    program = batch()
    program.event(lambda event: event["event"] == "progress" and event["responses"] == PLAYER_CALLS)
    program.send(signal.SIGINT)
    program.event(is_draining)
    program.send(signal.SIGINT)
    code, lines, err = program.rest()
    last = json.loads(lines[-1])
    check_event(last)
    assert (code, last["event"], last["exit_code"]) == (130, "finished", 130)
    assert "Traceback" not in err
    with open_store(arena.path) as store:
        assert [job.state for job in jobs.read_jobs(store.reader)] == ["unfinished"]
        (kept,) = store.reader.execute("SELECT COUNT(*) FROM verdicts").fetchone()
    arena.judge.choose = answered
    assert_all_is_done(arena, *finish(batch), landed=kept)


def test_a_signal_that_is_ignored_stays_ignored(arena: Arena, batch: Batch) -> None:
    """As under nohup, or in a script's background."""
    programs: list[Program] = []

    def on_chat(_: Request) -> None:
        if len(arena.judge.chats) == 10:
            programs[0].send(signal.SIGHUP)

    arena.judge.on_chat = on_chat
    programs.append(batch(ignoring=[signal.SIGHUP]))
    code, lines, _ = programs[0].rest()
    assert_all_is_done(arena, code, [json.loads(line) for line in lines])


def test_time_that_is_up_drains(arena: Arena, batch: Batch) -> None:
    """The judge holds its answers back until the run says that its time is up."""
    release = holds_back_after(arena, 0)
    program = batch("--stop-after", "1s")
    warned = program.event(is_draining)
    assert warned["text"].startswith("the time is up")
    release()
    code, lines, _ = program.rest()
    assert (code, json.loads(lines[-1])["exit_code"]) == (3, 3)
    assert_all_is_done(arena, *finish(batch))


def test_a_killed_run_is_taken_up_again_and_asks_nobody_twice_for_what_it_kept(
    arena: Arena, batch: Batch
) -> None:
    programs: list[Program] = []

    def on_chat(_: Request) -> None:
        if len(arena.judge.chats) == 20:
            programs[0].send(signal.SIGKILL)

    arena.judge.on_chat = on_chat
    programs.append(batch())
    code, _, _ = programs[0].rest()
    assert code == -signal.SIGKILL
    with open_store(arena.path) as store:
        (kept,) = store.reader.execute("SELECT COUNT(*) FROM verdicts WHERE status = 'ok'").fetchone()
    arena.judge.on_chat, arena.judge.chats = None, []
    code, events = finish(batch)
    assert code == 0
    assert len(arena.judge.chats) == JUDGE_CALLS - kept
    assert [event["attempt"] for event in events if event["event"] == "started"] == [2]
    with open_store(arena.path) as store:
        assert counts.differences(store.reader, 1) == []


def test_a_reader_that_goes_away_does_not_stop_a_run(arena: Arena, batch: Batch) -> None:
    program = batch()
    program.event(lambda event: event["event"] == "started")
    assert program.process.stdout is not None
    program.process.stdout.close()
    assert program.process.stderr is not None
    err = program.process.stderr.read()
    assert program.process.wait(timeout=120) == 0
    assert "nobody reads the events any more" in err
    assert "Traceback" not in err
    assert len(arena.judge.chats) == JUDGE_CALLS


def test_two_runs_of_one_plan_do_not_meet(arena: Arena, batch: Batch) -> None:
    """The second says who is at it, and does nothing."""
    hangs_after(arena, 20)
    first = batch()
    first.event(lambda event: event["event"] == "progress")
    code, lines, err = batch().rest()
    assert code == 1
    assert json.loads(lines[-1])["exit_code"] == 1
    assert "job 1 is being run already" in err
    assert f"by process {first.process.pid} on" in err
