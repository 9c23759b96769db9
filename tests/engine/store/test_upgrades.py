"""Stores of every earlier schema, brought up by the steps that ship: copied first, whole or not at all, by one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import StoreError
from engine.store import migrations, open_store, sqlite
from engine.store.checks import check_store
from engine.store.opening import open_writer
from engine.store.prompts import land_set, set_names
from tests.engine.store.places import ENVIRONMENT

STEPS = migrations.STEPS
LATEST = len(STEPS)


def older_store(path: Path, version: int) -> Path:
    """A store as a program of that schema has left it, with a row."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(migrations, "STEPS", STEPS[:version])
        with open_store(path, writable=True) as store, store.write() as tx:
            land_set(tx, "kept")
    return path


def schema(connection: sqlite.Connection) -> set[tuple[Any, ...]]:
    """Tables by their columns, and everything else by what made it."""
    rows = connection.execute(
        "SELECT type, name, sql FROM sqlite_master WHERE name NOT LIKE '\\_%' ESCAPE '\\'"
    )
    return {
        (kind, name, tuple(connection.execute(f"PRAGMA table_info({name})")) if kind == "table" else sql)
        for kind, name, sql in rows.fetchall()
    }


def version_of(path: Path) -> int:
    connection = sqlite.connect(f"file:{path}?mode=ro", uri=True)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert connection.execute("SELECT name FROM prompt_sets").fetchall() == [("kept",)]
        return int(connection.execute("PRAGMA user_version").fetchone()[0])
    finally:
        connection.close()


@pytest.mark.parametrize("version", range(1, LATEST))
def test_an_older_store_is_brought_up_and_its_copy_kept(tmp_path: Path, version: int) -> None:
    path = older_store(tmp_path / "arena.db", version)
    with pytest.raises(StoreError, match=rf"older arena-tui \(schema {version}, this program has {LATEST}\)"):
        open_store(path).reader.execute("SELECT 1")
    with open_store(path, writable=True) as store, open_store(tmp_path / "new.db", writable=True) as fresh:
        assert schema(store.reader) == schema(fresh.reader)
        assert set_names(store.reader) == [("kept", 0)]
        assert check_store(store.reader).sound
    assert version_of(tmp_path / f"arena.db.schema{version}") == version
    assert not list(tmp_path.glob(".*"))


def test_a_store_of_this_schema_is_not_copied(tmp_path: Path) -> None:
    path = older_store(tmp_path / "arena.db", LATEST)
    open_writer(path).close()
    assert [one.name for one in tmp_path.iterdir()] == ["arena.db"]


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.store import backup, migrations, open_store
from engine.store.sqlite import Connection
path, window = Path(sys.argv[1]), sys.argv[2]

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

if window == "inside the copy":
    backup.sync = die
elif window == "behind the copy":
    apply = migrations.STEPS[1]
    migrations.STEPS = (migrations.STEPS[0], lambda db: die(), *migrations.STEPS[2:])
    migrations.STEPS[1].__name__ = apply.__name__
elif window == "behind the last step":
    last = migrations.STEPS[-1]
    def dying(db):
        last(db)
        die()
    dying.__name__ = last.__name__
    migrations.STEPS = (*migrations.STEPS[:-1], dying)
elif window == "behind the commit":
    migrate = migrations.migrate
    from engine.store import opening
    opening.migrate = lambda *arguments: (migrate(*arguments), die())
open_store(path, writable=True)
"""


@pytest.mark.parametrize(
    ("window", "left"),
    [
        ("inside the copy", 1),
        ("behind the copy", 1),
        ("behind the last step", 1),
        ("behind the commit", LATEST),
    ],
)
def test_killed_at_a_named_window(tmp_path: Path, window: str, left: int) -> None:
    path = older_store(tmp_path / "arena.db", 1)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path), window], env=ENVIRONMENT, check=False)
    assert killed.returncode == -signal.SIGKILL, f"'{window}' was never reached"
    assert version_of(path) == left
    with open_store(path, writable=True) as store:
        assert set_names(store.reader) == [("kept", 0)]
        assert check_store(store.reader).sound
    assert version_of(path) == LATEST
    assert version_of(tmp_path / "arena.db.schema1") == 1


TOGETHER = """
import sys
from pathlib import Path
from engine.store import backup, open_store
copies = []
copy = backup.back_up
def counted(*arguments):
    copies.append(1)
    return copy(*arguments)
backup.back_up = counted
sys.stdin.readline()
with open_store(Path(sys.argv[1]), writable=True) as store:
    print(len(copies), store.reader.execute("PRAGMA user_version").fetchone()[0])
"""


def test_of_several_processes_one_copies_and_migrates(tmp_path: Path) -> None:
    path = older_store(tmp_path / "arena.db", 1)
    pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    command = [sys.executable, "-c", TOGETHER, str(path)]
    processes = [subprocess.Popen(command, env=ENVIRONMENT, **pipes) for _ in range(3)]
    for one in processes:
        one.stdin.write("go\n")  # type: ignore[union-attr]
        one.stdin.flush()  # type: ignore[union-attr]
    said = [one.communicate()[0] for one in processes]
    assert sorted(said) == [f"0 {LATEST}\n", f"0 {LATEST}\n", f"1 {LATEST}\n"]
    assert version_of(tmp_path / "arena.db.schema1") == 1
