"""What the doctor finds is what is there: programs, places, leftovers and servers, each made for the test."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from engine.doctor import gpu
from engine.doctor.endpoints import endpoint_findings
from engine.doctor.finding import Finding, Level
from engine.doctor.gpu import gpu_findings
from engine.doctor.leftovers import leftover_findings
from engine.doctor.places import mirror_finding, place_findings
from engine.doctor.program import Requirement, extra_finding, extra_requirements, program_findings
from engine.plan import read_plan
from engine.store import Store, filesystem, migrations, open_store
from engine.store.owner import Owner, Watch, claim
from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import LoopbackServer


def told(findings: object, topic: str) -> list[Finding]:
    return [one for one in findings if one.topic == topic]  # type: ignore[attr-defined]


# The program.


def test_the_program_is_known_without_importing_what_is_heavy() -> None:
    script = (
        "import sys; from engine.doctor.program import program_findings; list(program_findings());"
        "print([name for name in ('torch', 'transformers', 'numpy') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
    assert [one.topic for one in program_findings()][:2] == ["program", "SQLite"]


def test_the_extras_are_those_of_the_package() -> None:
    extras = {one.extra for one in extra_requirements()}
    assert {"train", "vllm"} <= extras
    assert "dev" not in extras
    assert Requirement("trl", "<1.13,>=1.12", "train") in extra_requirements()


@pytest.mark.parametrize(
    ("package", "versions", "level", "said"),
    [
        ("pytest", ">=8,<1000", Level.OK, "pytest"),
        ("pytest", ">=1000", Level.WARNING, "wanted >=1000"),
        ("pytest", "<2", Level.WARNING, "wanted <2"),
        ("no-such-package", ">=1", Level.OK, "not installed"),
    ],
)
def test_an_extra_is_whole_when_its_versions_fit(
    package: str, versions: str, level: Level, said: str
) -> None:
    found = extra_finding("x", [Requirement(package, versions, "x")])
    assert found.level is level
    assert said in found.text


def test_an_extra_in_part_is_told() -> None:
    found = extra_finding("x", [Requirement("pytest", "", "x"), Requirement("no-such-package", "", "x")])
    assert found.level is Level.WARNING
    assert "missing no-such-package" in found.text
    assert found.mend == "pip install 'arena-tui[x]'"


# Cards: the driver's program is a stand-in.


def stand_in(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    program = folder / "nvidia-smi"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(program.stat().st_mode | stat.S_IEXEC)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)


def test_cards_of_a_stand_in_driver_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "echo 'NVIDIA H100, 81559, 12, 550.54'")
    monkeypatch.setattr(gpu, "_ASK_TORCH", "print('', False, 0)")  # torch itself takes seconds
    cards, torch = list(gpu_findings())
    assert cards.text == "card 0: NVIDIA H100, 12 of 81559 MiB in use, driver 550.54"
    assert torch.level is Level.WARNING
    assert "built without CUDA and sees no card" in torch.text


def test_a_driver_that_fails_is_a_warning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in(tmp_path, monkeypatch, "echo 'Driver/library version mismatch' >&2; exit 18")
    (found,) = gpu_findings()
    assert found.level is Level.WARNING
    assert found.text == "nvidia-smi fails: Driver/library version mismatch"


# Places.


def test_a_sound_place_has_no_warning(store: Store) -> None:
    found = list(place_findings(store.path))
    assert {one.level for one in found} == {Level.OK}
    assert "journal wal" in told(found, "store")[0].text


def test_no_store_yet_is_fine_and_makes_none(tmp_path: Path) -> None:
    path = tmp_path / "not yet" / "arena.db"
    assert {one.level for one in place_findings(path)} == {Level.OK}
    assert list(tmp_path.iterdir()) == []


def test_a_store_on_a_faked_nfs_is_a_problem_with_a_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "_mounts", lambda: [("/", "ext4"), (str(tmp_path), "nfs4")])
    (found,) = told(place_findings(tmp_path / "arena.db"), "file system")
    assert found.level is Level.PROBLEM
    assert "nfs4" in found.text
    assert "--mirror" in found.mend


def test_a_damaged_store_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    open_store(path, writable=True).close()
    os.truncate(path, 3 * 4096)
    (found,) = told(place_findings(path), "store")
    assert found.level is Level.PROBLEM
    assert "is damaged" in found.text
    assert "store salvage" in found.mend


def test_an_older_store_is_no_problem_for_a_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as older:
        older.setattr(migrations, "STEPS", migrations.STEPS[:-1])
        open_store(tmp_path / "arena.db", writable=True).close()
    (found,) = told(place_findings(tmp_path / "arena.db"), "store")
    assert found.level is Level.WARNING
    assert "store info --migrate" in found.mend


def test_half_written_files_of_dead_processes_are_told_and_those_of_living_ones_not(store: Store) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    dead = store.path.with_name(f".arena.db.{gone.pid}-0123abcd.part")
    living = store.path.with_name(f".arena.db.{os.getpid()}-0123abcd.part")
    for one in (dead, living, store.path.with_name(".somebody.part")):
        one.touch()
    (found,) = told(place_findings(store.path), "leftovers")
    assert found.level is Level.WARNING
    assert str(dead) in found.text
    assert str(living) not in found.text


def test_older_states_that_are_kept_are_told(store: Store) -> None:
    store.path.with_name("arena.db.schema1").write_bytes(bytes(2_000_000))
    (found,) = told(place_findings(store.path), "leftovers")
    assert found.level is Level.OK
    assert "2.0 MB: arena.db.schema1" in found.text


def test_a_mirror_says_who_keeps_it(tmp_path: Path) -> None:
    folder = tmp_path / "mirror"
    assert "not there yet" in mirror_finding(folder).text
    kept = claim(folder, Owner(0, "w", "node7", "b", "", 7, 1.0, "/x"), Watch(lambda owner: True))
    kept.note_copy(time.time())
    assert "kept by process 7 on node7" in mirror_finding(folder).text
    kept.release()
    found = mirror_finding(folder)
    assert (found.level, "a copy of node7's store" in found.text) == (Level.OK, True)
    assert "nobody keeps it now" in found.text
    (folder / "owner.json").write_text("{")
    assert mirror_finding(folder).level is Level.PROBLEM


def test_a_mirror_that_would_take_a_store_over_is_a_problem(store: Store) -> None:
    found = mirror_finding(store.path.parent)
    assert found.level is Level.PROBLEM
    assert "holds arena.db, which no mirror put there" in found.text


# Leftovers.


def at_job(store: Store, pid: int, lease: float) -> None:
    with store.write() as tx:
        tx.connection.execute(
            "INSERT INTO jobs(id, digest, name, plan, state, created_at) VALUES (1, 'd', 'night', '', 'running', 0)"
        )
        tx.connection.execute(
            "INSERT INTO workers(id, host, boot_id, pid, pid_started_at, started_at, heartbeat_at)"
            " VALUES ('w', 'elsewhere', 'b', ?, 0, 0, 0)",
            (pid,),
        )
        tx.connection.execute(
            "INSERT INTO attempts(job_id, number, worker_id, state, lease_until, started_at)"
            " VALUES (1, 1, 'w', 'running', ?, 0)",
            (lease,),
        )


def test_a_job_whose_worker_is_gone_is_told_with_how_to_go_on(store: Store) -> None:
    at_job(store, 7, 0.0)
    (found,) = told(leftover_findings(store.path), "jobs")
    assert found.level is Level.WARNING
    assert "job 1 (night) was left by process 7 on elsewhere" in found.text
    assert "arena-tui worker" in found.mend


def test_a_job_that_is_being_run_is_fine(store: Store) -> None:
    at_job(store, 7, time.time() + 20)
    (found,) = told(leftover_findings(store.path), "jobs")
    assert found.level is Level.OK
    assert "is being run by process 7 on elsewhere" in found.text


# Servers of a plan.


@pytest.fixture(scope="module")
def arena(tmp_path_factory: pytest.TempPathFactory) -> Arena:
    with LoopbackServer() as server:
        yield Arena(tmp_path_factory.mktemp("served"), server)  # type: ignore[misc]


def ask(plan: Path, *sets: str) -> dict[str, Finding]:
    async def look() -> list[Finding]:
        return [one async for one in endpoint_findings(read_plan(plan, sets).plan)]

    return {one.topic: one for one in asyncio.run(look())}


def test_servers_that_answer_say_what_they_serve(arena: Arena) -> None:
    found = ask(arena.write_plan())
    assert set(found) == {"players.ada", "players.bob", "players.eve", "judges.judge"}
    assert {one.level for one in found.values()} == {Level.OK}
    assert arena.served["ada"].url in found["players.ada"].text
    assert "holds replies to a schema" in found["judges.judge"].text


def test_a_server_that_is_down_and_a_model_that_is_not_served_are_problems(arena: Arena) -> None:
    found = ask(
        arena.write_plan(),
        "players.ada.endpoints=['http://127.0.0.1:9/v1']",
        "players.bob.model='bobby'",
    )
    assert (found["players.ada"].level, found["players.bob"].level) == (Level.PROBLEM, Level.PROBLEM)
    assert "http://127.0.0.1:9/v1" in found["players.ada"].text
    assert "does not list a model 'bobby'" in found["players.bob"].text
    assert found["players.bob"].mend == "Did you mean 'bob'?"
    assert found["players.eve"].level is Level.OK


def test_each_of_several_servers_is_asked(arena: Arena) -> None:
    good, bad = arena.served["ada"].url, "http://127.0.0.1:9/v1"
    findings: list[Finding] = []

    async def look() -> None:
        plan = read_plan(arena.write_plan(), [f"players.ada.endpoints=['{good}', '{bad}']"]).plan
        findings.extend([one async for one in endpoint_findings(plan)])

    asyncio.run(look())
    levels = [one.level for one in findings if one.topic == "players.ada"]
    assert levels == [Level.OK, Level.PROBLEM]
