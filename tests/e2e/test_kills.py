"""kill -9 at any moment and at every named window: running again gives the rows of an undisturbed run, with nothing
asked twice that had landed."""

from __future__ import annotations

import asyncio
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.jobs import jobs, requests, settling
from engine.store import migrations, open_store
from tests.cli.commanding import command
from tests.e2e.dying import STEPS, VARIABLE
from tests.e2e.hits import HITS
from tests.e2e.programs import PROGRAM, environment
from tests.engine.jobs.arena_on_loopback import PLAYERS, Arena
from tests.engine.jobs.stored import Rows, content, number
from tests.servers.loopback import Connection, LoopbackServer, Request

REPOSITORY = Path(__file__).parents[2]
DYING = (sys.executable, "-P", "-m", "tests.e2e.dying")
SEED = 20_261_124
MOMENTS = 25

PROMPTS = 6
CHATS = 3 * PROMPTS + 3 * PROMPTS * 2
"""Of the players, and of the judge with both orders of three pairs."""

AT_A_TIME = 2
"""Requests to one model at a time."""

MOST_REPEATED = 2 * AT_A_TIME * (len(PLAYERS) + 1)
"""Requests in flight: those that are being answered, and as many whose answer is on its way into the store."""

SETS = [
    *(f"players.{name}.options.{key}={AT_A_TIME}" for name in PLAYERS for key in ("concurrency", "start")),
    *(f"judges.judge.options.player.{key}={AT_A_TIME}" for key in ("concurrency", "start")),
]

IN_A_RUN = [
    *("before migration 1", f"after migration {len(migrations.STEPS)}"),
    *("before submit 1", "after submit 1", "before claim 1", "after claim 1"),
    *("before lease 1", "after lease 1"),
    *("before mark 2", "after mark 3"),
    *("before responses 2", "after responses 3", "after unmark 4"),
    *("before verdicts 2", "after verdicts 3"),
    *("before counts 2", "after counts 2", "after battles 3"),
    *("after commit 1", "after commit 2", "after commit 20", "after commit 30"),
    *("before snapshot 1", "after snapshot 1"),
    *("before end 1", "after end 1"),
]
"""Windows of a plain run, with how often one is passed before the time that kills."""

ON_RESUME = ["before settle 1", "after settle 1", "before blame 1", "after blame 1", "after claim 1"]
"""Windows of the run after one that was killed."""

OF_RECORDED = ["before battles 1", "after battles 1", "before counts 1", "after counts 1", "after commit 6"]
"""Windows of a run in which everybody is recorded."""


@dataclass
class Killed:
    """What is killed: an arena on servers, and how it went."""

    arena: Arena
    options: list[str] = field(default_factory=lambda: [f"--set={one}" for one in SETS])

    def start(self, *launcher: str, plan: str = "plan.toml", **said: str) -> subprocess.Popen[bytes]:
        """`arena-tui --batch` in a process of its own."""
        self.arena.write_plan()
        options = self.options if plan == "plan.toml" else []
        return subprocess.Popen(
            [*launcher, "--batch", self.arena.folder / plan, "--store", self.arena.path, *options],
            cwd=REPOSITORY,
            env=environment(PYTHONPATH=str(REPOSITORY), **said),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def die(self, window: str, plan: str = "plan.toml") -> None:
        """Run until the window kills it."""
        self.check_reached(window, self.start(*DYING, plan=plan, **{VARIABLE: window}))

    def die_in_command(self, window: str, *arguments: str | Path) -> None:
        """Run a command until the window kills it."""
        process = subprocess.Popen(
            [*DYING, *map(str, arguments), "--store", self.arena.path],
            cwd=REPOSITORY,
            env=environment(PYTHONPATH=str(REPOSITORY), **{VARIABLE: window}),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        self.check_reached(window, process)

    @staticmethod
    def check_reached(window: str, process: subprocess.Popen[bytes]) -> None:
        _, err = process.communicate(timeout=60)
        assert process.returncode == -signal.SIGKILL, f"'{window}' was never reached: {err.decode()[-2000:]}"
        HITS.append(window)

    @property
    def chats(self) -> int:
        return self.arena.player_calls + len(self.arena.judge.chats)

    def on_chat(self, act: Callable[[Request], None] | None) -> None:
        for served in (*self.arena.served.values(), self.arena.judge):
            served.on_chat = act

    def landed(self) -> int:
        """Answers that are in the store; none where it was killed before it had made one."""
        try:
            with open_store(self.arena.path) as store:
                tables = ("responses", "verdicts")
                return sum(number(store, f"SELECT COUNT(*) FROM {table}") for table in tables)
        except StoreError:
            return 0

    def check_going_on(self, undisturbed: dict[str, Rows]) -> None:
        """Run to the end: nothing lost, nothing twice, and asked again only what had not landed."""
        repeated = self.chats - self.landed()
        assert 0 <= repeated <= MOST_REPEATED
        self.arena.run(*SETS)
        assert self.chats == CHATS + repeated
        check_whole(self.arena.path, undisturbed)


def check_whole(path: Path, undisturbed: dict[str, Rows]) -> None:
    with open_store(path) as store:
        assert content(store) == undisturbed
        assert jobs.read_jobs(store.reader)[0].state == "done"
        assert number(store, "SELECT COUNT(*) FROM units") == 0
    checked = command("store", "check", "--store", path)
    assert checked.code == 0, checked.out


@pytest.fixture(scope="module")
def plain(
    tmp_path_factory: pytest.TempPathFactory, loopback: LoopbackServer
) -> tuple[dict[str, Rows], float]:
    """The rows of an undisturbed run, and how long it took as a process."""
    killed = Killed(Arena(tmp_path_factory.mktemp("undisturbed"), loopback, PROMPTS))
    began = time.monotonic()
    process = killed.start(*PROGRAM)
    assert process.wait(timeout=60) == 0, process.communicate()
    took = time.monotonic() - began
    assert killed.chats == CHATS
    with open_store(killed.arena.path) as store:
        return content(store), took


@pytest.fixture
def killed(tmp_path: Path, loopback: LoopbackServer) -> Iterator[Killed]:
    made = Killed(Arena(tmp_path, loopback, PROMPTS))
    yield made
    made.on_chat(None)


Plain = tuple[dict[str, Rows], float]


@pytest.mark.parametrize("window", IN_A_RUN)
def test_killed_at_a_window_of_a_run(killed: Killed, plain: Plain, window: str) -> None:
    killed.die(window)
    killed.check_going_on(plain[0])


@pytest.mark.parametrize("window", ON_RESUME)
def test_killed_again_while_taking_up_what_was_killed(killed: Killed, plain: Plain, window: str) -> None:
    killed.die("after verdicts 4")
    killed.die(window)
    killed.check_going_on(plain[0])


@pytest.mark.parametrize("window", ["before pause 1", "after pause 1"])
def test_killed_while_it_pauses(killed: Killed, plain: Plain, window: str) -> None:
    """Somebody asks for a pause in the midst; from then on the judge takes its time, so that it is heard."""
    answered = killed.arena.judge.choose
    assert answered is not None

    def ask(_: Request) -> None:
        if len(killed.arena.judge.chats) == 10:
            with open_store(killed.arena.path, writable=True) as store, store.write() as tx:
                requests.ask(tx, 1, "pause")

    async def slow(request: Request, connection: Connection) -> None:
        await asyncio.sleep(0.03)
        behave = answered(request)
        assert behave is not None
        await behave(request, connection)

    killed.arena.judge.on_chat = ask
    killed.arena.judge.choose = lambda request: (
        slow if len(killed.arena.judge.chats) > 10 else answered(request)
    )
    killed.die(window)
    killed.on_chat(None)
    killed.arena.judge.choose = answered
    with open_store(killed.arena.path, writable=True) as store, store.write() as tx:
        settling.settle(tx, 1)
        requests.resume(tx, 1)
    killed.check_going_on(plain[0])


RECORDED = """
[run]
name = 'again'
outcome_rule = 'strict'
[prompts]
file = 'prompts.jsonl'
[players.x]
kind = 'recorded'
model = 'ada'
[players.y]
kind = 'recorded'
model = 'eve'
[judges.said]
kind = 'recorded'
model = 'judge'
games = 2
"""


@pytest.fixture(scope="module")
def recorded(
    tmp_path_factory: pytest.TempPathFactory, loopback: LoopbackServer
) -> tuple[Path, dict[str, Rows]]:
    """The folder of a run that is over, and the rows of an undisturbed one that plays it again from the store."""
    killed = Killed(Arena(tmp_path_factory.mktemp("recorded"), loopback, PROMPTS))
    killed.arena.run(*SETS)
    (killed.arena.folder / "again.toml").write_text(RECORDED)
    killed.arena.path.rename(killed.arena.folder / "before.db")
    copy(killed.arena.folder / "before.db", killed.arena.path)
    assert killed.start(*PROGRAM, plan="again.toml").wait(timeout=60) == 0
    with open_store(killed.arena.path) as store:
        return killed.arena.folder, content(store)


def copy(source: Path, target: Path) -> None:
    target.write_bytes(source.read_bytes())


@pytest.mark.parametrize("window", OF_RECORDED)
def test_killed_while_what_is_recorded_fights(
    killed: Killed, recorded: tuple[Path, dict[str, Rows]], window: str
) -> None:
    folder, undisturbed = recorded
    copy(folder / "before.db", killed.arena.path)
    (killed.arena.folder / "again.toml").write_text(RECORDED)
    killed.die(window, plan="again.toml")
    assert killed.start(*PROGRAM, plan="again.toml").wait(timeout=60) == 0
    assert killed.chats == 0
    check_whole(killed.arena.path, undisturbed)


@pytest.mark.parametrize("window", ["before rename 1", "after rename 1", "before copy 1", "after copy 1"])
def test_killed_while_a_backup_is_made(killed: Killed, plain: Plain, window: str) -> None:
    """The older copy stands until the new one is whole."""
    killed.die("after verdicts 4")
    target = killed.arena.folder / "copy.db"
    assert command("store", "backup", target, "--store", killed.arena.path).code == 0
    killed.arena.run(*SETS)
    killed.die_in_command(window, "store", "backup", target)
    with open_store(target) as store:
        is_new = content(store) == plain[0]
    assert is_new == (window == "after rename 1")
    assert command("store", "backup", target, "--store", killed.arena.path).code == 0
    check_whole(target, plain[0])


@pytest.mark.parametrize("window", ["before rename 1", "after rename 1"])
def test_killed_while_a_table_is_exported(killed: Killed, window: str) -> None:
    """A file of that name is whole, or is not there."""
    killed.arena.run(*SETS)
    out, whole = killed.arena.folder / "battles.csv", killed.arena.folder / "whole.csv"
    assert command("export", "battles", "--out", whole, "--store", killed.arena.path).code == 0
    killed.die_in_command(window, "export", "battles", "--out", out)
    assert out.exists() == (window == "after rename 1")
    assert command("export", "battles", "--out", out, "--force", "--store", killed.arena.path).code == 0
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize("window", ["before migration 1", "after migration 2"])
def test_killed_while_an_older_store_is_brought_up_to_date(
    killed: Killed, plain: Plain, window: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as older:
        older.setattr(migrations, "STEPS", migrations.STEPS[:1])
        open_store(killed.arena.path, writable=True).close()
    killed.die(window)
    killed.check_going_on(plain[0])


MOMENT = random.Random(SEED)
AT_REQUESTS = sorted(MOMENT.sample(range(1, CHATS), MOMENTS // 2))
AT_TIMES = sorted(MOMENT.uniform(0.1, 1.0) for _ in range(MOMENTS - len(AT_REQUESTS)))


@pytest.mark.parametrize("moment", AT_REQUESTS)
def test_killed_at_any_request(killed: Killed, plain: Plain, moment: int) -> None:
    """Up to a few milliseconds after a request came in, when others are answered or landing."""
    processes: list[subprocess.Popen[bytes]] = []
    delay = random.Random(SEED + moment).uniform(0, 0.005)

    def kill(_: Request) -> None:
        if killed.chats == moment:
            threading.Timer(delay, processes[0].kill).start()

    killed.on_chat(kill)
    processes.append(killed.start(*PROGRAM))
    processes[0].communicate(timeout=60)
    killed.on_chat(None)
    HITS.append(f"{1000 * delay:.1f} ms after request {moment} of {CHATS}")
    killed.check_going_on(plain[0])


@pytest.mark.parametrize("share", AT_TIMES)
def test_killed_at_any_time(killed: Killed, plain: Plain, share: float) -> None:
    """After a share of the time that an undisturbed run takes, start and end included."""
    process = killed.start(*PROGRAM)
    try:
        process.wait(timeout=share * plain[1])
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate(timeout=60)
    HITS.append(f"after {share:.2f} of a run's time{'' if process.returncode else ' (it was over)'}")
    killed.check_going_on(plain[0])


def test_every_window_is_one_of_those_that_are_tried() -> None:
    """A step that somebody adds to the windows is killed somewhere."""
    here = Path(__file__).read_text(encoding="utf-8")
    assert [step for step in STEPS if f"before {step} " not in here and f"after {step} " not in here] == []
