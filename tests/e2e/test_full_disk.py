"""A disk that is full while a batch runs: the run pauses, says so, and goes on when there is room."""

from __future__ import annotations

import errno
import json
import resource
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import psutil
import pytest

from engine.jobs import attempts, events, jobs
from engine.store import counts, open_store
from tests.cli.schemas import check_event
from tests.e2e.programs import PROGRAM, Program, environment
from tests.e2e.test_signals import BATTLES, JUDGE_CALLS, PLAYER_CALLS, holds_back_after
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.store.places import may_mount, unshare

Events = list[Mapping[str, Any]]


def check_story(events: Events) -> None:
    """It paused for the disk, went on, and came to its end, all under one attempt."""
    for event in events:
        check_event(event)
    told = [event for event in events if event["event"] not in ("progress", "warning", "preflight")]
    assert [event["event"] for event in told] == ["started", "paused", "resumed", "finished"]
    assert told[1]["reason"].endswith("is full")
    assert told[1]["waits_seconds"] == 900
    assert (told[-1]["exit_code"], told[-1]["progress"]["decided"]) == (0, BATTLES)


def test_files_that_may_not_grow_any_more_are_a_pause(arena: Arena, start: Callable[..., Program]) -> None:
    """The process's limit on the size of files is set and lifted from outside, as a quota would be."""
    release = holds_back_after(arena, 20)
    program = start("--batch", arena.folder / "plan.toml", "--store", arena.path, "--json")
    seen: Events = []

    def until(kind: str) -> None:
        program.event(lambda event: seen.append(event) or event["event"] == kind)  # type: ignore[func-returns-value]

    until("started")
    program.event(lambda event: seen.append(event) or event.get("responses") == PLAYER_CALLS)  # type: ignore[func-returns-value]
    process = psutil.Process(program.process.pid)
    wal = arena.path.with_name(f"{arena.path.name}-wal")
    hard = process.rlimit(resource.RLIMIT_FSIZE)[1]
    process.rlimit(resource.RLIMIT_FSIZE, (max(wal.stat().st_size, 4096), hard))
    release()
    until("paused")
    listed = json.loads(start("jobs", "list", "--store", arena.path, "--json").text())
    assert listed[0]["worker"]["lives"]  # a full disk ends nobody
    process.rlimit(resource.RLIMIT_FSIZE, (hard, hard))
    until("finished")
    code, _, err = program.rest()
    assert code == 0, err
    check_story(seen)
    assert (arena.player_calls, len(arena.judge.chats) >= JUDGE_CALLS) == (PLAYER_CALLS, True)
    with open_store(arena.path) as store:
        assert jobs.read_job(store.reader, 1).state == "done"
        assert len(attempts.read_attempts(store.reader, 1)) == 1
        assert counts.differences(store.reader, 1) == []
        kinds = [event.kind for event in events.read_events(store.reader, 1) if event.kind != "warning"]
        assert kinds == ["queued", "started", "paused", "resumed", "finished"]  # told when there was room


def test_a_small_disk_that_fills_up_is_a_pause(arena: Arena, tmp_path: Path) -> None:
    """A disk of 12 MB, which other files fill and leave: the -wal alone comes to 4 MB before it is folded in."""
    if not may_mount():
        pytest.skip("not allowed to mount")
    release = holds_back_after(arena, 20)
    disk = tmp_path / "disk"
    disk.mkdir()
    store = disk / "arena.db"
    batch = [*PROGRAM, "--batch", str(arena.folder / "plan.toml"), "--store", str(store), "--json"]
    script = (
        f'mount -t tmpfs -o size=12m none "{disk}" && "$@"; code=$?; '
        f'{" ".join(PROGRAM)} store check --store "{store}" >&2 || exit 9; exit $code'
    )
    program = subprocess.Popen(
        [*unshare(), "sh", "-c", script, "sh", *batch],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    inside = Path(f"/proc/{program.pid}/root") / disk.relative_to("/")
    told: Events = []
    assert program.stdout is not None
    for line in program.stdout:
        told.append(json.loads(line))
        if told[-1]["event"] == "started":
            _fill(inside / "ballast")
            release()
        elif told[-1]["event"] == "paused":
            (inside / "ballast").unlink()
    assert program.stderr is not None
    err = program.stderr.read()
    assert program.wait(timeout=60) == 0, err
    program.stderr.close()
    check_story(told)
    assert "the store is sound" in err


def _fill(ballast: Path) -> None:
    """To the last page."""
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(4096))
        except OSError as error:
            assert error.errno == errno.ENOSPC  # noqa: PT017  it writes until it is
