"""The batch script and the cron line of the docs, run by a stand-in for a scheduler."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.store import counts, open_store
from tests.e2e.programs import environment
from tests.e2e.scheduler import KILL_WAIT_SECONDS, Scheduler
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.stored import number, rows
from tests.servers.loopback import Connection, Request
from tests.servers.openai_server import hang

EXAMPLES = Path(__file__).parents[2] / "docs" / "examples"
JUDGE_CALLS = 72


@pytest.fixture
def scheduler(arena: Arena, tmp_path: Path) -> Iterator[Scheduler]:
    two_at_a_time = [f"--set=judges.judge.options.player.{key}=2" for key in ("concurrency", "start")]
    arguments = (str(arena.folder / "plan.toml"), *two_at_a_time)
    made = Scheduler(tmp_path / "cluster", EXAMPLES / "arena.sbatch", arguments)
    yield made
    made.end()


def at_question(arena: Arena, asked: int, act: Callable[[], object]) -> None:
    """Act when the judge is asked for the so manyth time."""

    def on_chat(_: Request) -> None:
        if len(arena.judge.chats) == asked:
            act()

    arena.judge.on_chat = on_chat


def slow_after(arena: Arena, asked: int) -> None:
    """Let the judge take its time from then on, so that a signal comes before the end."""
    answered = arena.judge.choose
    assert answered is not None

    async def slow(request: Request, connection: Connection) -> None:
        await asyncio.sleep(0.1)
        behave = answered(request)
        assert behave is not None
        await behave(request, connection)

    arena.judge.choose = lambda request: slow if len(arena.judge.chats) > asked else answered(request)


def check_done(path: Path) -> None:
    with open_store(path) as store:
        assert rows(store, "SELECT state, COUNT(*) FROM battles GROUP BY state") == [("decided", 36)]
        assert counts.differences(store.reader, 1) == []


def test_a_job_that_nears_its_limit_is_drained_requeued_and_goes_on_elsewhere(
    arena: Arena, scheduler: Scheduler
) -> None:
    slow_after(arena, 30)
    at_question(arena, 31, scheduler.warn)
    scheduler.start()
    said = scheduler.wait()
    assert (scheduler.codes, scheduler.requeued) == ([3], ["requeue 7"]), said
    with open_store(scheduler.mirror / "arena.db") as store:
        kept = number(store, "SELECT COUNT(*) FROM verdicts")
    assert kept == len(arena.judge.chats) < JUDGE_CALLS
    scheduler.start()
    said = scheduler.wait()
    assert (scheduler.codes, scheduler.requeued) == ([3, 0], ["requeue 7"]), said
    assert len(arena.judge.chats) == JUDGE_CALLS
    check_done(scheduler.mirror / "arena.db")


def test_a_preempted_job_whose_judge_hangs_is_out_before_it_is_killed(arena: Arena, tmp_path: Path) -> None:
    """Here with a shorter grace: the later of two options counts."""
    answered = arena.judge.choose
    assert answered is not None
    arena.judge.choose = lambda request: answered(request) if len(arena.judge.chats) <= 20 else hang()
    script = tmp_path / "arena.sbatch"
    script.write_text((EXAMPLES / "arena.sbatch").read_text().replace("--grace 20s", "--grace 1s"))
    scheduler = Scheduler(tmp_path / "cluster", script, (str(arena.folder / "plan.toml"),))
    at_question(arena, 22, scheduler.preempt)
    scheduler.start()
    said = scheduler.wait(KILL_WAIT_SECONDS + 30)
    assert (scheduler.codes, scheduler.requeued) == ([3], ["requeue 7"]), said
    arena.judge.choose = answered
    scheduler.start()
    assert "took up" in scheduler.wait()
    assert scheduler.codes == [3, 0]
    check_done(scheduler.mirror / "arena.db")


def test_a_job_that_fails_is_not_requeued(arena: Arena, scheduler: Scheduler) -> None:
    (arena.folder / "plan.toml").write_text("[run]\nname = 3\n")
    scheduler.start()
    scheduler.wait()
    assert (scheduler.codes, scheduler.requeued) == ([2], [])


def test_the_script_asks_for_what_the_page_says(arena: Arena) -> None:
    asked = re.findall(r"^#SBATCH (.*)$", (EXAMPLES / "arena.sbatch").read_text(), re.MULTILINE)
    assert {"--signal=B:USR1@300", "--requeue"} <= set(asked)


def test_the_cron_line_goes_on_with_a_plan(arena: Arena, tmp_path: Path) -> None:
    """As cron does it: by sh, with the file's settings and little else in the environment. The crontab is the file as
    its own first lines say that it is to be filled in."""
    (filling,) = re.findall(
        r"^#   (sed .*) \| crontab -$", (EXAMPLES / "arena.cron").read_text(), re.MULTILINE
    )
    known = {"PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin"}
    filled = subprocess.run(
        ["/bin/sh", "-c", filling], cwd=EXAMPLES, env=known, capture_output=True, text=True, check=True
    )
    lines = [line for line in filled.stdout.splitlines() if line and line[0] != "#"]
    settings = dict(line.split("=", 1) for line in lines if re.match(r"[A-Z_]+=", line))
    ((*when, run),) = [line.split(" ", 5) for line in lines if not re.match(r"[A-Z_]+=", line)]
    assert len(when) == 5
    (tmp_path / "arena").symlink_to(arena.folder)
    kept = {"LANG": environment()["LANG"], "HOME": str(tmp_path)}
    done = subprocess.run(
        ["/bin/sh", "-c", run], env=kept | settings, stdin=subprocess.DEVNULL, timeout=60, check=False
    )
    log = (arena.folder / "arena.log").read_text()
    assert done.returncode == 0, log
    assert "\x1b" not in log
    check_done(tmp_path / ".local" / "share" / "arena-tui" / "arena.db")
