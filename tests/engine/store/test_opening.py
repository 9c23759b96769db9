"""Files that are no store, cannot be opened, or lie where they must not: one clear error, and nothing changed."""

from __future__ import annotations

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import StoreError
from engine.store import filesystem, open_store
from engine.store.location import default_location

TEXT = b"question_id,model_a,model_b,winner\n1,x,y,model_a\n" * 40


def foreign_database(path: Path, journal: str = "DELETE") -> None:
    """A database of another program, made by another process as it would be."""
    script = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute(f'PRAGMA journal_mode = {sys.argv[2]}');"
        "c.execute('CREATE TABLE notes (body)'); c.execute('INSERT INTO notes VALUES (1)'); c.commit(); c.close()"
    )
    subprocess.run([sys.executable, "-c", script, str(path), journal], check=True)


def contents(folder: Path) -> dict[str, bytes]:
    return {one.name: one.read_bytes() for one in folder.iterdir() if one.is_file()}


@pytest.mark.parametrize("writable", [True, False])
@pytest.mark.parametrize("journal", ["DELETE", "WAL"])
def test_a_database_of_another_program_is_refused_untouched(
    tmp_path: Path, writable: bool, journal: str
) -> None:
    foreign_database(tmp_path / "notes.db", journal)
    before = contents(tmp_path)
    with pytest.raises(StoreError, match="is not an arena-tui store"):
        open_store(tmp_path / "notes.db", writable=writable).reader.execute("SELECT 1")
    assert contents(tmp_path) == before


@pytest.mark.parametrize("writable", [True, False])
def test_a_text_file_is_refused_untouched(tmp_path: Path, writable: bool) -> None:
    path = tmp_path / "battles.csv"
    path.write_bytes(TEXT)
    with pytest.raises(StoreError, match="is not an arena-tui store"):
        open_store(path, writable=writable).reader.execute("SELECT 1")
    assert contents(tmp_path) == {"battles.csv": TEXT}


@settings(max_examples=60, deadline=None)
@given(body=st.binary(min_size=1, max_size=3000) | st.integers(1, 9000).map(bytes))
def test_no_bytes_at_all_are_taken_for_a_store_or_changed(
    body: bytes, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("bytes")
    (folder / "file").write_bytes(body)
    with pytest.raises(StoreError):
        open_store(folder / "file", writable=True)
    assert contents(folder) == {"file": body}


def test_a_damaged_header_is_refused_untouched(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    open_store(path, writable=True).close()
    damaged = b"SQLite format 4\0" + path.read_bytes()[16:]
    path.write_bytes(damaged)
    with pytest.raises(StoreError, match="is not an arena-tui store"):
        open_store(path, writable=True)
    assert path.read_bytes() == damaged


@pytest.mark.parametrize("writable", [True, False])
def test_a_folder_is_named_as_one(tmp_path: Path, writable: bool) -> None:
    with pytest.raises(StoreError, match="is a folder"):
        open_store(tmp_path, writable=writable).reader.execute("SELECT 1")


def test_an_empty_file_is_no_store_to_read_and_a_new_one_to_write(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    path.touch()
    with pytest.raises(StoreError, match="is empty: not a store yet"):
        open_store(path).reader.execute("SELECT 1")
    assert contents(tmp_path)["arena.db"] == b""
    with open_store(path, writable=True) as store:
        assert store.reader.execute("SELECT COUNT(*) FROM battles").fetchone() == (0,)


@pytest.mark.parametrize("writable", [True, False])
def test_a_store_that_is_not_there_is_not_made_unless_asked(tmp_path: Path, writable: bool) -> None:
    with pytest.raises(StoreError, match="there is no store at"):
        open_store(tmp_path / "arena.db", writable=writable, create=False).reader.execute("SELECT 1")
    assert contents(tmp_path) == {}


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StoreError, match="cannot be made") as caught:
        open_store(tmp_path / "file" / "deeper" / "arena.db", writable=True)
    assert "--store" in caught.value.mend


@pytest.mark.parametrize(
    "name", ["a b.db", "what?.db", "50%.db", "#1.db", "ärena.db", os.fsdecode(b"\xff.db")]
)
def test_any_file_name_opens(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    open_store(path, writable=True).close()
    assert contents(tmp_path).keys() >= {name}
    with open_store(path) as store:
        assert store.reader.execute("SELECT COUNT(*) FROM meta").fetchone()[0] > 0


def test_pragmas_are_set_for_writers_and_readers(tmp_path: Path) -> None:
    with open_store(tmp_path / "arena.db", writable=True) as store:
        with store.write() as tx:
            said = {name: tx.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in _PRAGMAS}
        read = {name: store.reader.execute(f"PRAGMA {name}").fetchone()[0] for name in _PRAGMAS}
        with pytest.raises(sqlite_error(store)):
            store.reader.execute("DELETE FROM meta")
    assert said == _PRAGMAS
    assert read | {"synchronous": 1} == _PRAGMAS


_PRAGMAS = {"journal_mode": "wal", "synchronous": 1, "foreign_keys": 1, "busy_timeout": 30_000}


def sqlite_error(store: object) -> type[Exception]:
    from engine.store import sqlite

    return sqlite.OperationalError


# A place where nothing can be written: a read-only mount where this is allowed, else file modes.

READ_ONLY_SCRIPT = """
import sys
from pathlib import Path
from engine.errors import StoreError
from engine.store import open_store
path = Path(sys.argv[1])
with open_store(path) as store:
    print("read", store.reader.execute("SELECT COUNT(*) FROM meta").fetchone()[0] > 0)
for file in (path, path.with_name("new.db")):
    try:
        open_store(file, writable=True)
    except StoreError as error:
        print(error.title.replace(str(file.parent), "."))
"""


def run_where_nothing_can_be_written(folder: Path, script: str, *arguments: str) -> str:
    command = [sys.executable, "-c", script, *arguments]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    if os.geteuid() != 0:
        folder.chmod(0o500)
        for file in folder.iterdir():
            file.chmod(0o400)
    elif shutil.which("unshare") and _may_mount():
        mounting = f'mount --bind "{folder}" "{folder}" && mount -o remount,ro,bind "{folder}" && exec "$@"'
        command = ["unshare", "--mount", "sh", "-c", mounting, "sh", *command]
    else:
        pytest.skip("root, and not allowed to mount: nothing is read-only here")
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    folder.chmod(0o700)
    assert done.returncode == 0, done.stderr
    return done.stdout


def _may_mount() -> bool:
    trial = ["unshare", "--mount", "sh", "-c", "mount --bind /tmp /tmp"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


def test_where_nothing_can_be_written_a_store_is_read_and_writing_is_refused_in_words(tmp_path: Path) -> None:
    folder = tmp_path / "shelf"
    folder.mkdir()
    open_store(folder / "arena.db", writable=True).close()
    before = contents(folder)
    said = run_where_nothing_can_be_written(folder, READ_ONLY_SCRIPT, str(folder / "arena.db"))
    assert said.splitlines() == ["read True", "./arena.db cannot be written", "./new.db cannot be made"]
    assert contents(folder) == before


# Network file systems: mountinfo is a faked one here, and the tests say so.


@pytest.fixture
def faked_mounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A faked mount table in which tmp_path/nfs is NFS and tmp_path/nfs/local is ext4 again."""
    nfs = tmp_path / "nfs"
    (nfs / "local").mkdir(parents=True)
    table = [("/", "ext4"), (str(nfs), "nfs4"), (str(nfs / "local"), "ext4")]
    monkeypatch.setattr(filesystem, "_mounts", lambda: table)
    return nfs


def test_a_store_on_a_faked_nfs_is_refused_with_a_mend(faked_mounts: Path) -> None:
    with pytest.raises(StoreError, match=r"network file system \(nfs4\)") as caught:
        open_store(faked_mounts / "home" / "arena.db", writable=True)
    assert "ARENA_TUI_ALLOW_NETWORK_STORE=1" in caught.value.mend
    assert sorted(one.name for one in faked_mounts.iterdir()) == ["local"]


FUSE = ("fuse", "fuseblk", "fuse.sshfs", "fuse.s3fs", "fuse.gcsfuse", "fuse.ceph", "macfuse", "osxfuse")
LOCAL = ("ext4", "xfs", "btrfs", "zfs", "tmpfs", "overlay", "apfs", "f2fs", "bcachefs", "hfs")


@pytest.mark.parametrize("kind", [*sorted(filesystem.NETWORK_TYPES), *FUSE])
def test_every_faked_network_file_system_is_refused_with_a_local_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    home = tmp_path / "home"
    monkeypatch.setattr(filesystem, "_mounts", lambda: [("/", "ext4"), (str(home), kind)])
    with pytest.raises(StoreError, match=rf"network file system \({re.escape(kind)}\)") as caught:
        open_store(home / "arena.db", writable=True)
    assert not home.exists()
    local = Path(caught.value.mend.split("--store ")[1].split()[0])
    assert not filesystem.is_network(filesystem.filesystem_type(local))
    assert local.name == "arena.db"
    assert "--allow-network-store" in caught.value.mend


@pytest.mark.parametrize("kind", LOCAL)
def test_faked_local_file_systems_are_fine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(filesystem, "_mounts", lambda: [("/", kind)])
    open_store(tmp_path / "arena.db", writable=True).close()


def test_a_still_copy_on_a_faked_nfs_is_read_without_a_file_beside_it(faked_mounts: Path) -> None:
    local = faked_mounts / "local" / "arena.db"
    open_store(local, writable=True).close()
    shutil.copyfile(local, faked_mounts / "copy.db")
    before = contents(faked_mounts)
    with open_store(faked_mounts / "copy.db") as store:
        assert store.reader.execute("SELECT COUNT(*) FROM battles").fetchone() == (0,)
        assert contents(faked_mounts) == before


def test_a_local_disk_below_a_faked_nfs_is_fine(faked_mounts: Path) -> None:
    open_store(faked_mounts / "local" / "arena.db", writable=True).close()


def test_on_a_faked_nfs_one_process_may_be_allowed_without_wal(
    faked_mounts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ARENA_TUI_ALLOW_NETWORK_STORE", "1")
    with open_store(faked_mounts / "arena.db", writable=True) as store:
        with store.write() as tx:
            assert tx.connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert store.reader.execute("SELECT COUNT(*) FROM battles").fetchone() == (0,)
    assert not list(faked_mounts.glob("*-wal"))


@pytest.mark.parametrize(
    ("line", "target", "kind"),
    [
        ("36 25 0:32 / /home rw shared:1 - nfs4 server:/home rw", "/home/me/arena.db", "nfs4"),
        ("36 25 0:32 / /home rw - fuse.sshfs x rw", "/home/x", "fuse.sshfs"),
        (r"36 25 0:32 / /mnt/my\040disk rw - lustre x rw", "/mnt/my disk/x", "lustre"),
        ("36 25 0:32 / /home rw - nfs4 x rw", "/homestead/x", ""),
    ],
)
def test_a_line_of_mountinfo_names_the_type_of_what_lies_below(
    line: str, target: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table = tmp_path / "mountinfo"
    table.write_text(line + "\n")
    monkeypatch.setattr(filesystem, "MOUNTINFO", table)
    assert filesystem.filesystem_type(Path(target)) == kind
    assert filesystem.is_network(kind) is (kind != "")


def test_a_home_on_a_faked_nfs_gives_way_to_a_local_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filesystem, "_mounts", lambda: [("/", "ext4"), (str(tmp_path), "nfs4")])
    found = default_location({"HOME": str(tmp_path)})
    assert not filesystem.is_network(filesystem.filesystem_type(found))
    assert str(os.getuid()) in found.parent.name
    assert default_location({"HOME": str(tmp_path), "ARENA_TUI_STORE": "/x/y.db"}) == Path("/x/y.db")


# An old SQLite: the standard library's, where it is one.

ALONE_SCRIPT = """
import sys
sys.modules["pysqlite3"] = None  # as if there were no wheel
from pathlib import Path
from engine.errors import StoreError
from engine.store import open_store
store = open_store(Path(sys.argv[1]), writable=True)
if sys.argv[2] == "first":
    print("open", flush=True)
    sys.stdin.read()
else:
    with open_store(Path(sys.argv[1]), writable=True) as again, again.write():
        print("twice in one process")
"""


@pytest.mark.skipif(
    sqlite3.sqlite_version_info >= (3, 51, 3), reason="the standard library's SQLite is new enough"
)
def test_with_an_old_sqlite_one_process_writes_at_a_time(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ALONE_SCRIPT, str(tmp_path / "arena.db")]
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    with subprocess.Popen(
        [*command, "first"], env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as first:
        assert first.stdout is not None
        assert first.stdin is not None
        assert first.stdout.readline() == "open\n"
        second = subprocess.run(
            [*command, "second"], env=environment, capture_output=True, text=True, check=False
        )
        first.stdin.close()
    third = subprocess.run([*command, "third"], env=environment, capture_output=True, text=True, check=False)
    assert "another process writes" in second.stderr
    assert third.stdout == "twice in one process\n", third.stderr
