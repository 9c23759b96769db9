"""Workers that outlive who started them, and jobs that are asked for things from other processes."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.jobs import attempts, jobs, settling
from engine.store import counts, open_store
from tests.cli.schemas import check_command, check_event
from tests.e2e.programs import PROGRAM, Program, environment, read_terminal
from tests.e2e.test_signals import BATTLES, JUDGE_CALLS, PLAYER_CALLS, holds_back_after
from tests.e2e.waiting import until, until_gone, until_job, until_state
from tests.engine.jobs.arena_on_loopback import Arena

Start = Callable[..., Program]


@pytest.fixture(autouse=True)
def _no_worker_is_left(arena: Arena) -> Iterator[None]:
    """Whatever a test found, the workers that it started are ended: by their ids in its own store."""
    yield
    if not arena.path.exists():
        return
    with open_store(arena.path) as store:
        rows = store.reader.execute("SELECT pid FROM workers WHERE log IS NOT NULL").fetchall()
    for (pid,) in rows:
        with contextlib.suppress(psutil.NoSuchProcess):
            if str(arena.path) in psutil.Process(pid).cmdline():
                os.kill(pid, signal.SIGKILL)


@pytest.fixture
def ask(arena: Arena, start: Start) -> Callable[..., Any]:
    """Runs a command on the arena's store in a process of its own, and reads its JSON."""

    def asking(*words: str | Path, shape: str) -> Any:
        found = json.loads(start(*words, "--store", arena.path, "--json").text())
        check_command(shape, found)
        return found

    return asking


def detach(arena: Arena, ask: Callable[..., Any], *options: str) -> dict[str, Any]:
    found: dict[str, Any] = ask("--batch", arena.folder / "plan.toml", "--detach", *options, shape="worker")
    return found


def assert_all_is_done(arena: Arena, job: int = 1) -> None:
    until_state(arena.path, "done", job)
    assert (arena.player_calls, len(arena.judge.chats)) == (PLAYER_CALLS, JUDGE_CALLS)
    with open_store(arena.path) as store:
        decided = store.reader.execute("SELECT COUNT(*) FROM battles WHERE state = 'decided'").fetchone()
        assert decided == (BATTLES,)
        assert counts.differences(store.reader, 1) == []


def test_a_worker_survives_the_terminal_that_started_it(arena: Arena) -> None:
    """The terminal's shell starts it and is hung up, as by an SSH connection that drops."""
    release = holds_back_after(arena, 20)
    master, slave = pty.openpty()
    words = [*PROGRAM, "--batch", str(arena.folder / "plan.toml"), "--detach", "--store", str(arena.path)]
    # The shell stays, as its session's leader with the terminal as its own, and would hand a hangup on to its jobs.
    shell = subprocess.Popen(
        ["/bin/sh", "-c", '"$@"; read line', "sh", *words],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(),
        preexec_fn=lambda: _take_terminal(slave),
    )
    os.close(slave)
    said = b""
    while b"log: " not in said:
        chunk = read_terminal(master)
        assert chunk, said
        said += chunk
    until_job(arena.path, lambda job: bool(job.progress), "progress")
    with open_store(arena.path) as store:
        (attempt,) = attempts.read_attempts(store.reader, 1)
    os.close(master)
    assert shell.wait(timeout=60) != 0  # hung up, or nothing to read
    assert psutil.Process(attempt["pid"]).is_running()
    assert os.getsid(attempt["pid"]) == attempt["pid"]
    release()
    assert_all_is_done(arena)
    until_gone(attempt["pid"])
    assert attempt["log"] is not None
    log = Path(attempt["log"])
    assert "36 of 36 battles decided" in log.read_text()
    assert log.stat().st_mode & 0o077 == 0  # texts of models may stand in it


def test_a_foreground_batch_whose_terminal_goes_away_drains(arena: Arena) -> None:
    release = holds_back_after(arena, 20)
    master, slave = pty.openpty()
    words = [*PROGRAM, "--batch", str(arena.folder / "plan.toml"), "--store", str(arena.path)]
    program = subprocess.Popen(
        words,
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(),
        preexec_fn=lambda: _take_terminal(slave),
    )
    os.close(slave)
    said = b""
    while b"attempt 1" not in said:
        chunk = read_terminal(master)
        assert chunk, said
        said += chunk
    os.close(master)
    until_job(arena.path, lambda job: bool(job.progress), "progress")
    release()
    assert program.wait(timeout=90) == 3
    with open_store(arena.path) as store:
        (job,) = jobs.read_jobs(store.reader)
        assert job.state == "unfinished"
        (verdicts,) = store.reader.execute("SELECT COUNT(*) FROM verdicts").fetchone()
        assert verdicts == len(arena.judge.chats) < JUDGE_CALLS


def _take_terminal(slave: int) -> None:
    """Become the leader of a session whose terminal it is, as a login shell is."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(slave, termios.TIOCSCTTY, 0)


def test_a_detached_run_needs_nothing_of_where_it_was_started(
    arena: Arena, start: Start, tmp_path: Path
) -> None:
    """Relative paths of the plan, its limit of prompts, and what --set said are kept with the job."""
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    program = start(
        *("--batch", "../plan.toml", "--store", "../arena.db", "--limit", "4", "--set", "run.arena=mine"),
        *("--detach", "--json"),
        cwd=elsewhere,
    )
    found = json.loads(program.text())
    job = until_state(arena.path, "done")
    assert (job.prompt_limit, job.progress["total"]) == (4, 12)
    assert Path(found["log"]).parent == arena.folder
    with open_store(arena.path) as store:
        assert store.reader.execute("SELECT name FROM arenas").fetchall() == [("mine",)]


def test_a_key_that_is_not_set_is_said_before_anything_is_queued(arena: Arena, start: Start) -> None:
    keyed = ("--set", "players.ada.api_key_env=NO_SUCH_KEY")
    program = start("--batch", arena.folder / "plan.toml", *keyed, "--detach", "--store", arena.path)
    code, _, err = program.rest()
    assert (code, "NO_SUCH_KEY of the plan's keys is not set" in err) == (2, True)
    assert not arena.path.exists()


def test_a_job_is_paused_resumed_limited_and_cancelled_from_elsewhere(
    arena: Arena, ask: Callable[..., Any]
) -> None:
    release = holds_back_after(arena, 20)
    started = detach(arena, ask)
    until_job(arena.path, lambda job: job.progress.get("responses") == PLAYER_CALLS, "all responses")
    asked = ask("jobs", "pause", "1", shape="jobs pause")
    assert (asked["state"], asked["request"], asked["worker"]) == ("running", "pause", started["worker"])
    until(lambda: "asked to pause" in Path(started["log"]).read_text(), "word that it pauses")
    release()
    until_state(arena.path, "paused")
    (listed,) = ask("jobs", "list", shape="jobs list")
    assert (listed["state"], listed["worker"]["lives"]) == ("paused", True)
    limited = ask("jobs", "set", "1", "max_calls=90", "stop_after=2h", shape="jobs set")
    assert limited["limits"] == {"max_calls": 90, "stop_after": 7200}
    resumed = ask("jobs", "resume", "1", shape="jobs resume")
    assert (resumed["worker"], resumed["pid"]) == (started["worker"], None)  # nobody else is started
    ended = until_state(arena.path, "unfinished")
    assert ended.reason == "the budget of 90 calls is reached (run.max_calls)"
    assert arena.player_calls + len(arena.judge.chats) == 90
    until_gone(started["pid"])
    ask("jobs", "set", "1", "max_calls=none", shape="jobs set")
    again = ask("jobs", "resume", "1", shape="jobs resume")
    assert again["worker"] not in (None, started["worker"])
    assert_all_is_done(arena)
    logs = ask("jobs", "logs", "1", shape="jobs logs")
    kinds = [event["kind"] for event in logs["events"] if event["kind"] != "warning"]
    assert kinds == [
        *("queued", "started", "requested", "paused", "limits", "requested", "resumed", "finished"),
        *("limits", "requested", "started", "finished"),
    ]
    assert logs["log"] == again["log"]
    check_command("jobs show", ask("jobs", "show", "1", shape="jobs show"))


def test_a_cancelled_job_stops_at_once(arena: Arena, ask: Callable[..., Any], start: Start) -> None:
    holds_back_after(arena, 20)
    started = detach(arena, ask)
    until_job(arena.path, lambda job: job.progress.get("responses") == PLAYER_CALLS, "all responses")
    follower = start("jobs", "logs", "1", "--follow", "--json", "--store", arena.path)
    follower.event(lambda event: event["kind"] == "started")
    ask("jobs", "cancel", "1", shape="jobs cancel")
    last = follower.event(lambda event: event["kind"] == "finished")
    check_command("job_event", last)
    assert last["facts"]["state"] == "cancelled"
    assert follower.rest()[0] == 0
    assert until_state(arena.path, "cancelled").reason == "cancelled, as was asked"
    until_gone(started["pid"])


def test_a_worker_takes_up_what_a_dead_one_left_and_what_is_queued(
    arena: Arena, ask: Callable[..., Any], start: Start
) -> None:
    """The first job's worker is killed; a second job was queued, and its plan asks for what the first one has."""
    release = holds_back_after(arena, 20)
    started = detach(arena, ask)
    until_job(arena.path, lambda job: job.progress.get("responses") == PLAYER_CALLS, "all responses")
    os.kill(started["pid"], signal.SIGKILL)
    until_gone(started["pid"])
    release()
    (listed,) = ask("jobs", "list", shape="jobs list")
    assert (listed["state"], listed["worker"]["lives"]) == ("running", False)
    second = start(
        *("--batch", arena.folder / "plan.toml", "--set", "run.seed=1", "--detach"), "--store", arena.path
    )
    second.text()
    until_state(arena.path, "done", 2)
    until(lambda: not ask("jobs", "list", shape="jobs list")[0]["worker"], "the end of the second job")
    worker = start("worker", "--foreground", "--json", "--store", arena.path)
    code, lines, err = worker.rest()
    events = [json.loads(line) for line in lines]
    for event in events:
        check_event(event)
    assert (code, {event["job"] for event in events}) == (0, {1}), err
    assert [event["attempt"] for event in events if event["event"] == "started"] == [2]
    with open_store(arena.path) as store:
        assert {job.state for job in jobs.read_jobs(store.reader)} == {"done"}
        assert counts.differences(store.reader, 1) == []
    assert ask("worker", shape="worker") == {"job": None, "worker": None, "pid": None, "log": None}


def test_a_worker_that_is_told_to_stop_leaves_its_job_to_the_next(
    arena: Arena, ask: Callable[..., Any]
) -> None:
    release = holds_back_after(arena, 20)
    started = detach(arena, ask)
    until_job(arena.path, lambda job: job.progress.get("responses") == PLAYER_CALLS, "all responses")
    os.kill(started["pid"], signal.SIGHUP)  # nobody's end is its end
    os.kill(started["pid"], signal.SIGTERM)
    until(lambda: "SIGTERM: draining" in Path(started["log"]).read_text(), "the drain")
    release()
    until_state(arena.path, "unfinished")
    until_gone(started["pid"])
    assert "SIGHUP" not in Path(started["log"]).read_text()
    ask("jobs", "resume", "1", shape="jobs resume")
    assert_all_is_done(arena)


def test_calls_that_hang_are_given_up_after_the_grace(arena: Arena, start: Start) -> None:
    holds_back_after(arena, 20)
    program = start(
        *("--batch", arena.folder / "plan.toml", "--store", arena.path, "--json", "--grace", "1s")
    )
    program.event(lambda event: event["event"] == "progress" and event["responses"] == PLAYER_CALLS)
    program.send(signal.SIGTERM)
    code, lines, err = program.rest()
    assert (code, json.loads(lines[-1])["exit_code"]) == (3, 3)
    assert "calls were still in flight after 1 s" in err
    with open_store(arena.path) as store:
        assert jobs.read_job(store.reader, 1).state == "unfinished"


def test_a_paused_batch_ends_when_its_pause_takes_too_long(arena: Arena, start: Start) -> None:
    release = holds_back_after(arena, 20)
    program = start(
        *("--batch", arena.folder / "plan.toml", "--store", arena.path, "--json", "--pause-limit", "1s")
    )
    program.event(lambda event: event["event"] == "progress" and event["responses"] == PLAYER_CALLS)
    start("jobs", "pause", "1", "--store", arena.path).rest()
    program.event(lambda event: event["event"] == "warning" and "asked to pause" in event["text"])
    release()
    code, lines, err = program.rest()
    events = [json.loads(line) for line in lines]
    for event in events:
        check_event(event)
    assert [event["event"] for event in events if event["event"] != "progress"] == ["paused", "finished"]
    assert (code, "asked to pause; paused for 1 s" in err) == (3, True)
    with open_store(arena.path) as store:
        assert jobs.read_job(store.reader, 1).state == "paused"
    with open_store(arena.path, writable=True) as store, store.write() as tx:
        assert settling.settle_all(tx) == []  # who paused it says when it goes on
