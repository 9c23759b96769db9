"""`jobs show` and `jobs logs`: why a job stopped, whole, and what goes on with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.jobs import events, jobs
from engine.store import open_store
from tests.cli.commanding import command

PROMPTS = '{"id": "q", "prompt": "2 + 2?"}\n'
PLAN = """\
[run]
name = "dies"
[prompts]
file = "prompts.jsonl"
[players.ada]
kind = "http"
model = "ada"
endpoints = ["http://127.0.0.1:9/v1"]
options.patience_s = 0.01
[players.bob]
kind = "http"
model = "bob"
endpoints = ["http://127.0.0.1:9/v1"]
[judges.judge]
kind = "checker"
"""


def page(store: Path) -> str:
    return command("jobs", "show", "1", store=store).out


def left(store: Path, state: str, reason: str | None = None) -> str:
    """The page of a job that was left in a state."""
    with open_store(store, writable=True) as opened, opened.write() as tx:
        jobs.submit(tx, "d", "loop", "")
        jobs.leave(tx, 1, state, reason)
    return page(store)


def test_a_job_that_failed_tells_the_whole_reason_and_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "plan.toml").write_text(PLAN)
    (tmp_path / "prompts.jsonl").write_text(PROMPTS)
    store = tmp_path / "arena.db"
    assert command("--batch", tmp_path / "plan.toml", store=store).code == 1
    lines = [line.strip() for line in page(store).splitlines()]
    assert lines[0].endswith("failed · no endpoint of the model 'ada' answers")
    assert lines[1].startswith("http://127.0.0.1:9/v1: ")
    assert lines[2] == "Start the server, or mend its address or the key."
    assert "arena-tui jobs resume 1" in lines[3]
    assert "arena-tui jobs logs 1" in lines[3]


@pytest.mark.parametrize(
    ("state", "reason", "step"),
    [
        ("queued", None, "arena-tui worker --job 1"),
        ("unfinished", "asked to drain", "it goes on with: arena-tui jobs resume 1"),
        ("unfinished", "the budget of 9 calls is reached (run.max_calls)", "jobs set 1 max_calls=...)"),
        ("cancelled", "asked to cancel", "arena-tui jobs resume 1"),
    ],
)
def test_a_job_that_nobody_is_at_names_the_next_step(
    tmp_path: Path, state: str, reason: str | None, step: str
) -> None:
    assert step in left(tmp_path / "arena.db", state, reason)


def test_a_job_that_is_done_has_none(tmp_path: Path) -> None:
    assert "next:" not in left(tmp_path / "arena.db", "done")


def test_events_are_told_in_words(tmp_path: Path) -> None:
    store = tmp_path / "arena.db"
    left(store, "queued")
    with open_store(store, writable=True) as opened, opened.write() as tx:
        events.record_event(tx, "limits", job_id=1, facts={"max_calls": None, "stop_after": 60})
        events.record_event(tx, "warning", job_id=1, level="warning", facts={"text": "mind the gap"})
    told = command("jobs", "logs", "1", store=store).out
    assert "limits  max_calls none, stop_after 60\n" in told
    assert "warning  mind the gap\n" in told


def test_an_unfinished_run_names_its_job(tmp_path: Path) -> None:
    store = tmp_path / "arena.db"
    done = command("--batch", "pocket", "--set", "run.max_calls=1", "--set", "run.seed=7", store=store)
    assert done.code == 3
    assert "or, whatever they were: arena-tui jobs resume 1" in done.err
