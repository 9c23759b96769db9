"""A run that is left by its machine goes on from its mirror on another: real processes, folders as machines."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from engine.jobs.attempts import read_attempts
from engine.jobs.events import read_events
from engine.jobs.jobs import read_jobs
from engine.store import counts, open_store
from engine.store.owner import read_owner
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.stored import Rows, content, number
from tests.servers.loopback import LoopbackServer, Request
from tests.servers.openai_server import Served

REPOSITORY = Path(__file__).parents[3]
PROMPTS = 6
CHATS = 3 * PROMPTS + 3 * PROMPTS * 2


@pytest.fixture(scope="module")
def undisturbed(
    tmp_path_factory: pytest.TempPathFactory, loopback: LoopbackServer
) -> Iterator[dict[str, Rows]]:
    arena = Arena(tmp_path_factory.mktemp("undisturbed"), loopback, PROMPTS)
    arena.run()
    with open_store(arena.path) as store:
        yield content(store)


@pytest.fixture
def cluster(tmp_path: Path, loopback: LoopbackServer) -> Cluster:
    return Cluster(Arena(tmp_path, loopback, PROMPTS))


class Cluster:
    """Machines that share a folder and servers, each with a disk of its own."""

    def __init__(self, arena: Arena) -> None:
        self.arena = arena
        self.folder = arena.folder / "shared"
        self.plan = arena.write_plan()
        self.running: subprocess.Popen[str] | None = None

    def store(self, host: str) -> Path:
        return self.arena.folder / host / "arena.db"

    def start(self, host: str) -> subprocess.Popen[str]:
        """The run on a machine, without its end."""
        place = ["--store", str(self.store(host)), "--mirror", str(self.folder)]
        self.running = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.jobs.hasty", "--batch", str(self.plan), *place],
            cwd=REPOSITORY,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return self.running

    def run(self, host: str) -> tuple[int, str]:
        """The run on a machine, its exit code and all that it says."""
        return wait(self.start(host))

    @property
    def servers(self) -> list[Served]:
        return [*self.arena.served.values(), self.arena.judge]

    @property
    def chats(self) -> int:
        return sum(len(one.chats) for one in self.servers)

    def send_at(self, chat: int, sent: signal.Signals) -> None:
        """Signal the run when it asks so manieth."""

        def on_chat(_: Request) -> None:
            if self.chats == chat:
                assert self.running is not None
                self.running.send_signal(sent)

        for one in self.servers:
            one.on_chat = on_chat

    def let_be(self) -> None:
        for one in self.servers:
            one.on_chat = None

    def landed(self, path: Path) -> int:
        with open_store(path) as store:
            tables = ("responses", "verdicts")
            return sum(number(store, f"SELECT COUNT(*) FROM {table}") for table in tables)

    def check(self, path: Path, undisturbed: dict[str, Rows]) -> None:
        with open_store(path) as store:
            assert content(store) == undisturbed
            assert counts.differences(store.reader, 1) == []
            assert read_jobs(store.reader)[0].state == "done"


def wait(process: subprocess.Popen[str]) -> tuple[int, str]:
    said, _ = process.communicate(timeout=100)
    return process.returncode, said


@pytest.mark.parametrize("moment", [25, 45])
def test_killed_and_requeued_on_another_machine(
    cluster: Cluster, undisturbed: dict[str, Rows], moment: int
) -> None:
    cluster.send_at(moment, signal.SIGKILL)
    code, said = cluster.run("node1")
    assert code == -signal.SIGKILL, said
    cluster.let_be()
    asked, kept = cluster.chats, cluster.landed(cluster.folder / "arena.db")

    code, said = cluster.run("node2")
    assert code == 0, said
    assert "took up the mirror's copy of" in said
    assert cluster.chats - asked == CHATS - kept  # what the copy held is not asked again
    cluster.check(cluster.store("node2"), undisturbed)
    cluster.check(cluster.folder / "arena.db", undisturbed)
    with open_store(cluster.store("node2")) as store:
        assert [one["state"] for one in read_attempts(store.reader, 1)] == ["lost", "ended"]

    asked = cluster.chats
    code, said = cluster.run("node1")
    assert code == 0, said
    assert "the older store that stood here is kept as" in said
    assert cluster.chats == asked
    cluster.check(cluster.store("node1"), undisturbed)
    assert cluster.landed(cluster.store("node1").with_name("arena.db.epoch1")) >= kept


def test_a_sleeper_wakes_to_find_that_another_machine_went_on(
    cluster: Cluster, undisturbed: dict[str, Rows]
) -> None:
    cluster.send_at(25, signal.SIGSTOP)
    sleeper = cluster.start("node1")
    wait_until_stopped(sleeper)
    cluster.let_be()
    code, said = cluster.run("node2")
    assert code == 0, said
    assert "watching for 1 s whether it lives" in said
    sleeper.send_signal(signal.SIGCONT)
    code, said = wait(sleeper)
    assert code == 1, said
    assert "was taken over by process" in said
    assert "Traceback" not in said
    cluster.check(cluster.folder / "arena.db", undisturbed)
    with open_store(cluster.store("node1")) as store:
        (job,) = read_jobs(store.reader)
        (attempt,) = read_attempts(store.reader, job.id)
        assert (job.state, attempt["state"], attempt["exit_code"]) == ("failed", "ended", 1)
        assert job.reason == attempt["reason"]
        assert job.reason is not None
        assert "was taken over by process" in job.reason
        assert [one.kind for one in read_events(store.reader, job.id)].count("finished") == 1


def wait_until_stopped(process: subprocess.Popen[str]) -> None:
    import os

    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status)


def test_while_an_owner_lives_another_machine_does_not_begin(cluster: Cluster) -> None:
    code, said = None, ""

    def rival(_: Request) -> None:
        nonlocal code, said
        if code is None and cluster.chats >= 25:
            first, code = cluster.running, -1
            code, said = cluster.run("node2")
            cluster.running = first

    cluster.arena.judge.on_chat = rival
    first = cluster.start("node1")
    ended, said_first = wait(first)
    assert ended == 0, said_first
    assert code == 1
    assert "is kept by process" in said
    assert not cluster.store("node2").exists()


def test_a_drain_leaves_the_mirror_as_the_store(cluster: Cluster, undisturbed: dict[str, Rows]) -> None:
    cluster.send_at(25, signal.SIGTERM)
    code, said = cluster.run("node1")
    assert code == 3, said
    cluster.let_be()
    with open_store(cluster.store("node1")) as local, open_store(cluster.folder / "arena.db") as copy:
        assert content(copy) == content(local)
        assert [job.state for job in read_jobs(copy.reader)] == ["unfinished"]
    owner = read_owner(cluster.folder)
    assert owner is not None
    assert owner.released
    code, said = cluster.run("node2")
    assert code == 0, said
    assert "watching" not in said
    cluster.check(cluster.store("node2"), undisturbed)


def test_a_folder_that_goes_away_costs_the_copies_and_nothing_else(
    cluster: Cluster, undisturbed: dict[str, Rows]
) -> None:
    gone = cluster.folder.with_name("gone")

    def take_away(_: Request) -> None:
        if cluster.folder.exists() and cluster.chats >= 10:
            cluster.folder.rename(gone)

    for one in cluster.servers:
        one.on_chat = take_away
    code, said = cluster.run("node1")
    assert code == 0, said
    assert "the mirror could not be brought up to date" in said
    cluster.check(cluster.store("node1"), undisturbed)
    assert not cluster.folder.exists()


def test_a_plan_names_its_mirror(arena: Arena) -> None:
    arena.run(run="mirror = 'copies'")
    with open_store(arena.path) as local, open_store(arena.folder / "copies" / "arena.db") as copy:
        assert content(copy) == content(local)
        assert read_jobs(copy.reader)[0].state == "done"


def test_the_stores_own_folder_is_no_mirror(cluster: Cluster) -> None:
    cluster.folder = cluster.store("node1").parent
    code, said = cluster.run("node1")
    assert code == 2
    assert "is the store's own folder" in said
