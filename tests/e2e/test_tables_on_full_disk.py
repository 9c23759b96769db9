"""Tables of a store whose disk is full: they only read, and show what there is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.engine.store.places import run_on_small_disk

PREPARE = """
import os, subprocess, sys
from pathlib import Path
from engine.store import migrations, open_store
from engine.store.texts import intern
from tests.engine.ratings.stored_log import Fight, Log
path = Path(sys.argv[1]) / "arena.db"

def fights(store):
    Log(store).land(*[Fight("ann", "ben", (8, 2 + i % 8), i, "x", position=i) for i in range(40)])

def fill():
    ballast = open(path.with_name("ballast"), "wb", buffering=0)
    try:
        while ballast.write(bytes(4096)):
            pass
    except OSError:
        pass

def shown(*words):
    return subprocess.run([sys.executable, "-P", "-m", "arena_tui", *words, "--store", path], capture_output=True)
"""

TABLE = """
with open_store(path, writable=True) as store:
    fights(store)
    if {is_held}:
        fill()
        done = shown("leaderboard", {option!r})
if not {is_held}:
    fill()
    done = shown("leaderboard", {option!r})
assert done.returncode == 0, done.stderr
print(done.stdout.decode())
"""


@pytest.mark.parametrize("is_held", [False, True], ids=["still", "held by a writer"])
@pytest.mark.parametrize("option", ["--json", "--format=csv"])
def test_a_leaderboard_is_shown(tmp_path: Path, option: str, is_held: bool) -> None:
    said = run_on_small_disk(tmp_path, 9, PREPARE + TABLE.format(option=option, is_held=is_held))
    if option == "--json":
        models = json.loads(said)["models"]
        assert [row["model"] for row in models] == ["ann", "ben"]
        assert models[0]["elo_online"] > models[1]["elo_online"]  # folded, though it cannot be kept
    else:
        assert [line.split(",")[1] for line in said.split()[1:]] == ["ann", "ben"]


LIMITED = """
import resource
with open_store(path, writable=True) as store:
    fights(store)
    for _ in range(9):
        with store.write() as tx:
            intern(tx.connection, [os.urandom(100_000).hex()])
    size = path.with_name("arena.db-wal").stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
    done = shown("leaderboard", "--json")
assert done.returncode == 0, done.stderr
print(done.stdout.decode())
"""


def test_a_leaderboard_is_shown_where_files_may_not_grow(tmp_path: Path) -> None:
    said = run_on_small_disk(tmp_path, 9, PREPARE + LIMITED)
    assert [row["model"] for row in json.loads(said)["models"]] == ["ann", "ben"]


OLDER = """
steps = migrations.STEPS
migrations.STEPS = steps[:-1]
with open_store(path, writable=True) as store:
    pass
fill()
done = shown("leaderboard")
print(done.returncode, done.stderr.decode())
with open_store(path) as store:
    print(store.reader.execute("PRAGMA user_version").fetchone()[0] == len(steps) - 1)
"""


def test_an_older_store_that_cannot_be_brought_up_says_why(tmp_path: Path) -> None:
    said = run_on_small_disk(tmp_path, 9, PREPARE + OLDER)
    assert "is full" in said
    assert said.startswith("1 ")
    assert said.endswith("True\n")
