"""Migrations: all or nothing, once, by one process; newer stores are left alone and older ones copied first."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from sqlite_utils import Database

from engine.errors import StoreError
from engine.store import migrations, open_store, sqlite
from engine.store.opening import open_reader, open_writer

KNOWN = len(migrations.STEPS)
ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}


def schema(connection: sqlite.Connection) -> set[tuple[Any, ...]]:
    """Everything but the table in which sqlite-utils notes the steps."""
    rows = connection.execute("SELECT tbl_name, type, name, sql FROM sqlite_master").fetchall()
    return {row for row in rows if not row[0].startswith("_")}


def add_colours(db: Database) -> None:
    db.execute("CREATE TABLE colours (name TEXT)")
    db.execute("INSERT INTO colours VALUES ('red')")


def break_halfway(db: Database) -> None:
    db.execute("CREATE TABLE halves (name TEXT)")
    db.execute("INSERT INTO halves VALUES ('first')")
    raise RuntimeError("the power went off")


def test_a_fresh_schema_is_all_steps_in_order(tmp_path: Path) -> None:
    one_by_one = sqlite.connect(tmp_path / "steps.db", isolation_level=None)
    for step in migrations.STEPS:
        step(Database(one_by_one))
    with open_store(tmp_path / "arena.db", writable=True) as store:
        assert schema(store.reader) == schema(one_by_one)
        assert store.reader.execute("PRAGMA user_version").fetchone() == (len(migrations.STEPS),)
    one_by_one.close()


def test_opening_again_changes_nothing(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    open_store(path, writable=True).close()
    before = path.read_bytes()
    open_store(path, writable=True).close()
    assert path.read_bytes() == before


def test_each_store_has_a_secret_and_an_id_of_its_own(tmp_path: Path) -> None:
    said = []
    for name in ("one.db", "two.db"):
        with open_store(tmp_path / name, writable=True) as store:
            said.append(dict(store.reader.execute("SELECT name, value FROM meta")))
    assert len(said[0]["secret"]) == 32
    assert said[0]["secret"] != said[1]["secret"]
    assert said[0]["store_id"] != said[1]["store_id"]


@pytest.mark.parametrize("writable", [True, False])
def test_a_newer_store_is_refused_untouched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, writable: bool
) -> None:
    path = tmp_path / "arena.db"
    with monkeypatch.context() as newer:
        newer.setattr(migrations, "STEPS", (*migrations.STEPS, add_colours))
        open_store(path, writable=True).close()
    before = path.read_bytes()
    with pytest.raises(
        StoreError, match=rf"newer arena-tui \(schema {KNOWN + 1}, this program has {KNOWN}\)"
    ):
        open_store(path, writable=writable).reader.execute("SELECT 1")
    assert path.read_bytes() == before


def test_an_older_store_is_copied_and_brought_up_to_date_by_a_writer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "arena.db"
    open_store(path, writable=True).close()
    monkeypatch.setattr(migrations, "STEPS", (*migrations.STEPS, add_colours))
    with pytest.raises(
        StoreError, match=rf"older arena-tui \(schema {KNOWN}, this program has {KNOWN + 1}\)"
    ):
        open_reader(path)
    with open_store(path, writable=True) as store:
        assert store.reader.execute("SELECT name FROM colours").fetchall() == [("red",)]
    copy = sqlite.connect(f"file:{tmp_path}/arena.db.schema{KNOWN}?mode=ro", uri=True)
    assert copy.execute("PRAGMA user_version").fetchone() == (KNOWN,)
    assert copy.execute("PRAGMA quick_check").fetchone() == ("ok",)
    copy.close()


def test_a_crash_inside_a_step_leaves_the_store_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "arena.db"
    open_store(path, writable=True).close()
    with open_store(path) as store:
        before = schema(store.reader)
    with monkeypatch.context() as broken:
        broken.setattr(migrations, "STEPS", (*migrations.STEPS, add_colours, break_halfway))
        with pytest.raises(RuntimeError, match="the power went off"):
            open_writer(path)
    with open_store(path) as store:
        assert schema(store.reader) == before
        assert store.reader.execute("PRAGMA user_version").fetchone() == (KNOWN,)


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.store import migrations, open_store
def die(db):
    db.execute("CREATE TABLE halves (name TEXT)")
    os.kill(os.getpid(), signal.SIGKILL)
migrations.STEPS = (*migrations.STEPS, die) if sys.argv[2] == "second" else (die,)
open_store(Path(sys.argv[1]), writable=True)
"""


@pytest.mark.parametrize("step", ["first", "second"])
def test_a_kill_inside_a_step_leaves_the_store_as_it_was(tmp_path: Path, step: str) -> None:
    path = tmp_path / "arena.db"
    if step == "second":
        open_store(path, writable=True).close()
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), step], env=ENVIRONMENT, check=False)
    assert killed.returncode == -9
    with open_store(path, writable=True) as store:
        tables = {
            name for (name,) in store.reader.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        }
        assert "halves" not in tables
        assert "battles" in tables
        assert store.reader.execute("PRAGMA quick_check").fetchone() == ("ok",)


TOGETHER = """
import os, sys
from pathlib import Path
from engine.store import migrations, open_store
def slow(db):
    db.execute("CREATE TABLE who (pid INTEGER)")
    db.execute("INSERT INTO who VALUES (?)", [os.getpid()])
    print("inside", flush=True)
    sys.stdin.readline()
migrations.STEPS = (*migrations.STEPS, slow)
with open_store(Path(sys.argv[1]), writable=True) as store:
    print(store.reader.execute("SELECT COUNT(*) FROM who").fetchone()[0], flush=True)
"""


def test_of_two_processes_one_migrates_and_the_other_waits(tmp_path: Path) -> None:
    command = [sys.executable, "-c", TOGETHER, str(tmp_path / "arena.db")]
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with (
        subprocess.Popen(command, env=ENVIRONMENT, **pipes) as first,
        subprocess.Popen(command, env=ENVIRONMENT, **pipes) as second,
    ):
        # Whoever is inside first holds the other up until it is told to go on.
        for one in (first, second):
            one.stdin.write("go on\n")
            one.stdin.flush()
        said = [one.communicate()[0].split() for one in (first, second)]
    assert sorted(said) == [["1"], ["inside", "1"]]
    assert first.returncode == second.returncode == 0


TOGETHER_AND_NEW = """
import sys
from pathlib import Path
from engine.store import open_store
open_store(Path(sys.argv[1]), writable=True).close()
"""


def test_a_new_store_can_be_opened_by_many_at_a_time(tmp_path: Path) -> None:
    for number in range(3):
        command = [sys.executable, "-c", TOGETHER_AND_NEW, str(tmp_path / f"{number}.db")]
        opening = [subprocess.Popen(command, env=ENVIRONMENT) for _ in range(4)]
        assert [one.wait() for one in opening] == [0, 0, 0, 0]
