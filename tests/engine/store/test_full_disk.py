"""A disk that is full at any write: nothing is half-written, what is there can be read, and it goes on with room."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from engine.errors import DiskFull, StoreError
from engine.store import Store, open_store
from engine.store.disk import is_full
from engine.store.faults import explain
from engine.store.sqlite import OperationalError
from tests.engine.store.places import ENVIRONMENT, run_on_small_disk

FILL = """
import os, sys
from pathlib import Path
from engine.errors import DiskFull
from engine.store import open_store
from engine.store.texts import intern
folder = Path(sys.argv[1])
path = folder / "arena.db"

def count(store):
    return store.reader.execute("SELECT COUNT(*) FROM texts").fetchone()[0]

def fill(store):
    landed = count(store)
    while True:
        with store.write() as tx:
            intern(tx.connection, [f"{landed}/{os.getpid()}" * 9_000])
        landed += 1

def whole(store):
    return store.reader.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
"""

STEPS = {
    "a write": """
ballast = folder / "ballast"
ballast.write_bytes(bytes(3_000_000))
with open_store(path, writable=True) as store:
    try:
        fill(store)
    except DiskFull as error:
        print(error.title == f"the disk of {path} is full")
    before = count(store)
    print(before > 0, whole(store))
    try:
        fill(store)
    except DiskFull:
        print(count(store) == before)
    ballast.unlink()
    with store.write() as tx:
        intern(tx.connection, ["goes on"])
    print(count(store) == before + 1, whole(store))
""",
    "reading it from another process, running or not": """
import subprocess
look = "import sys; from pathlib import Path; from engine.store import open_store;" \\
    "print(open_store(Path(sys.argv[1])).reader.execute('SELECT COUNT(*) FROM texts').fetchone()[0])"
def seen():
    return int(subprocess.run([sys.executable, "-c", look, path], capture_output=True, text=True).stdout)
(folder / "ballast").write_bytes(bytes(3_000_000))
with open_store(path, writable=True) as store:
    try:
        fill(store)
    except DiskFull:
        print(seen() == count(store) > 0)
    landed = count(store)
print(sorted(one.name for one in folder.iterdir()), seen() == landed)
(folder / "ballast").unlink()
open_store(path, writable=True).close()
ballast = open(folder / "ballast", "wb", buffering=0)
try:
    while ballast.write(bytes(4096)):
        pass
except OSError:
    pass
print(sorted(one.name for one in folder.iterdir()))
print(seen() == landed)
""",
    "a backup": """
from engine.store.backup import back_up
with open_store(path, writable=True) as store:
    (folder / "copy.db").write_text("yesterday's")
    (folder / "ballast").write_bytes(bytes(2_500_000))
    with store.write() as tx:
        intern(tx.connection, ["x" * 3_200_000])
    try:
        back_up(store.reader, folder / "copy.db")
    except DiskFull as error:
        print(str(folder / "copy.db") in error.title)
print((folder / "copy.db").read_text(), sorted(one.name for one in folder.iterdir()))
""",
    "an export": """
from engine.errors import UserError
from engine.formats.export import Column, ExportFormat, export_rows
(folder / "rows.jsonl").write_text("yesterday's")
try:
    export_rows(({"a": "x" * 1_000_000} for _ in range(99)), [Column("a")], ExportFormat.JSONL, folder / "rows.jsonl")
except UserError as error:
    print(error.title == f"cannot write {folder / 'rows.jsonl'}", error.text)
print((folder / "rows.jsonl").read_text(), [one.name for one in folder.iterdir()])
""",
    "a migration's copy": """
from engine.store import migrations
steps = migrations.STEPS
migrations.STEPS = steps[:1]
with open_store(path, writable=True) as store, store.write() as tx:
    intern(tx.connection, ["x" * 5_000_000])
migrations.STEPS = steps
try:
    open_store(path, writable=True)
except DiskFull:
    print("full")
migrations.STEPS = steps[:1]
with open_store(path) as store:
    print(count(store), whole(store), [one.name for one in folder.iterdir() if "schema" in one.name])
""",
    "a new store": """
(folder / "ballast").write_bytes(bytes(9 * 1024 * 1024 - 64_000))
try:
    open_store(path, writable=True)
except DiskFull as error:
    print(error.title == f"the disk of {path} is full")
(folder / "ballast").unlink()
with open_store(path, writable=True) as store:
    print(count(store), whole(store))
""",
}
SAID = {
    "a write": "True|True True|True|True True",
    "reading it from another process, running or not": (
        "True|['arena.db', 'arena.db-shm', 'arena.db-wal', 'ballast'] True|['arena.db', 'ballast']|True"
    ),
    "a backup": "True|yesterday's ['arena.db', 'ballast', 'copy.db']",
    "an export": "True No space left on device|yesterday's ['rows.jsonl']",
    "a migration's copy": "full|1 True []",
    "a new store": "True|0 True",
}


@pytest.mark.parametrize("step", STEPS)
def test_on_a_small_disk_that_is_full(tmp_path: Path, step: str) -> None:
    folder = tmp_path / "disk"
    folder.mkdir()
    said = run_on_small_disk(folder, 9, FILL + STEPS[step])
    assert "|".join(said.splitlines()) == SAID[step]


def test_a_probe_leaves_nothing_and_a_floor_counts(tmp_path: Path) -> None:
    assert not is_full(tmp_path / "arena.db")
    assert is_full(tmp_path / "arena.db", floor_bytes=1 << 60)
    assert not is_full(tmp_path / "no folder" / "arena.db", floor_bytes=1 << 60)
    assert list(tmp_path.iterdir()) == []


LIMITED = """
import resource, signal, sys
from pathlib import Path
from engine.store.disk import is_full
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
path = Path(sys.argv[1])
path.write_bytes(bytes(900_000))
resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
print(is_full(path), is_full(path.with_name("other.db")))
"""


def test_a_file_at_the_limit_of_its_size_finds_no_room(tmp_path: Path) -> None:
    """A quota is faked by a limit on the size of files."""
    said = subprocess.run(
        [sys.executable, "-c", LIMITED, str(tmp_path / "arena.db")],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout == "True False\n"


class _Failing(OperationalError):
    """As SQLite raises it when a disk does not take a write."""

    sqlite_errorcode = 778


def test_a_disk_that_fails_with_room_left_is_not_called_full(store: Store) -> None:
    found = explain(store.path, _Failing("disk I/O error"))
    assert isinstance(found, StoreError)
    assert not isinstance(found, DiskFull)
    with open_store(store.path) as again:
        assert again.reader.execute("SELECT COUNT(*) FROM texts").fetchone() == (0,)
