"""run.on_event: the command gets its events as JSON, in order, and can do a run no harm."""

from __future__ import annotations

import asyncio
import json
import shlex
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.errors import Unfinished
from engine.jobs import notifying
from engine.jobs.notifying import Notifier
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.driving import driven, gate


def script(folder: Path, *lines: str) -> str:
    """A command that runs these lines of Python; what it writes to `said` is what is read back."""
    program = folder / "notify me.py"
    program.write_text("\n".join(["import os, sys, time", f"said = {str(folder / 'said')!r}", *lines]))
    return shlex.join([sys.executable, str(program), "with; no $shell"])


APPEND = "open(said, 'a').write(sys.stdin.read())"


def said(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "said").read_text().splitlines()]


def tell(command: str, *events: dict[str, Any]) -> list[str]:
    """Hand events to a command; what it was warned of."""
    warnings: list[str] = []

    async def telling() -> None:
        notifier = Notifier(command, warnings.append)
        for event in events:
            notifier.tell(event)
        await notifier.done()

    asyncio.run(telling())
    return warnings


def test_events_come_one_after_another_as_json_on_the_input(tmp_path: Path) -> None:
    command = script(tmp_path, "assert sys.argv[1] == 'with; no $shell'", APPEND)
    assert tell(command, *({"event": "paused", "n": n} for n in range(5))) == []
    assert said(tmp_path) == [{"schema": 1, "event": "paused", "n": n} for n in range(5)]


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (["sys.exit('no such address')"], "exit code 1. no such address"),
        (["os.close(0)", "sys.exit(7)"], "exit code 7"),
        (["os.kill(os.getpid(), 9)"], "exit code -9"),
    ],
)
def test_a_command_that_fails_is_told(tmp_path: Path, lines: list[str], told: str) -> None:
    (warning,) = tell(script(tmp_path, *lines), {"event": "finished"})
    assert warning.startswith("run.on_event: ")
    assert warning.endswith(told)


@pytest.mark.parametrize("command", ["/no/such/program", "'unclosed"])
def test_a_command_that_cannot_be_run_is_told(command: str) -> None:
    (warning,) = tell(command, {"event": "finished"})
    assert "failed" in warning


def test_a_command_that_does_not_end_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifying, "SECONDS", 0.2)
    (warning,) = tell(script(tmp_path, "time.sleep(600)"), {"event": "finished"})
    assert "it took longer than 0.2 s" in warning


def test_who_is_in_a_hurry_ends_the_command_and_waits_no_longer(tmp_path: Path) -> None:
    command = script(tmp_path, "open(said, 'w').write(str(os.getpid()))", "time.sleep(600)")

    async def hurrying() -> None:
        notifier = Notifier(command, pytest.fail)
        notifier.tell({"event": "paused"})
        notifier.tell({"event": "finished"})
        while not (tmp_path / "said").exists() or not (tmp_path / "said").read_text():
            await asyncio.sleep(0.01)
        await notifier.done(0.0)

    asyncio.run(asyncio.wait_for(hurrying(), 60))
    assert not psutil.pid_exists(int((tmp_path / "said").read_text()))


def test_a_command_that_floods_its_output_is_no_matter(tmp_path: Path) -> None:
    lines = ["sys.stdout.write('x' * 10_000_000)", "sys.stderr.write('y' * 10_000_000)", APPEND]
    assert tell(script(tmp_path, *lines), {"event": "finished"}) == []
    assert [event["event"] for event in said(tmp_path)] == ["finished"]


def test_a_run_tells_pauses_resumes_and_its_end(arena: Arena, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.jobs.worker.REQUEST_SECONDS", 0.01)
    command = script(arena.folder, APPEND)

    async def test() -> None:
        release = gate(arena, 20)
        async with driven(arena, run=f"on_event = {json.dumps(command)}") as run:
            await run.until(lambda: len(arena.judge.chats) > 20)
            run.ask("pause")
            await run.warning("asked to pause")
            release()
            await run.event("paused")
            run.resume()
            await run.end()

    asyncio.run(test())
    events = said(arena.folder)
    assert [event["event"] for event in events] == ["paused", "resumed", "finished"]
    assert {(event["job"], event["name"], event["store"]) for event in events} == {
        (1, "loop", str(arena.path))
    }
    assert events[0]["reason"] == "asked to pause"
    assert (events[2]["state"], events[2]["exit_code"], events[2]["progress"]["decided"]) == ("done", 0, 36)


def test_a_run_that_ends_early_says_why(arena: Arena) -> None:
    command = script(arena.folder, APPEND)
    with pytest.raises(Unfinished):
        arena.run(run=f"on_event = {json.dumps(command)}\nmax_calls = 20")
    (event,) = said(arena.folder)
    assert (event["event"], event["state"], event["exit_code"]) == ("finished", "unfinished", 3)
    assert event["reason"] == "the budget of 20 calls is reached (run.max_calls)"


def test_a_command_that_fails_is_a_warning_and_no_more(arena: Arena) -> None:
    assert arena.run(run="on_event = '/no/such/program'").states == {"decided": 36}
    assert any("/no/such/program" in str(event.facts.get("text")) for event in arena.events)
