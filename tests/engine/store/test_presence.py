"""A store that is taken away under a running process: noticed at the next write, and nothing more is written."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.store import Store, open_store
from engine.store.backup import back_up
from engine.store.prompts import land_set, set_names
from tests.engine.store.places import ENVIRONMENT


def add(store: Store, name: str) -> None:
    with store.write() as tx:
        land_set(tx, name)


def delete(path: Path) -> None:
    path.unlink()


def rename(path: Path) -> None:
    path.rename(path.with_name("elsewhere.db"))


def put_a_file_in_place_of_the_folder(path: Path) -> None:
    path.parent.rename(path.parent.with_name("moved"))
    path.parent.touch()


def replace_by_another(path: Path) -> None:
    other = path.with_name("other.db")
    open_store(other, writable=True).close()
    other.replace(path)


def restore_by_renaming(path: Path) -> None:
    copy = path.with_name("backup.db")
    shutil.copyfile(path, copy)
    copy.replace(path)


def restore_by_writing_over(path: Path) -> None:
    path.write_bytes(bytes(4096))


def cut_short(path: Path) -> None:
    os.truncate(path, 8192)


def delete_the_wal(path: Path) -> None:
    path.with_name("arena.db-wal").unlink()


def replace_the_wal(path: Path) -> None:
    path.with_name("arena.db-wal").rename(path.with_name("kept"))
    path.with_name("arena.db-wal").touch()


FAULTS: dict[Callable[[Path], None], str] = {
    delete: "is gone: it was deleted or renamed",
    rename: "is gone: it was deleted or renamed",
    replace_by_another: "is another file now: it was replaced or restored",
    restore_by_renaming: "is another file now: it was replaced or restored",
    restore_by_writing_over: "was cut short or written over",
    cut_short: "was cut short or written over",
    delete_the_wal: "arena.db-wal was deleted or replaced",
    replace_the_wal: "arena.db-wal was deleted or replaced",
}


def write_over_by(copy: Path, path: Path) -> bytes:
    """As `cp` does: into the same file."""
    content = copy.read_bytes()
    with path.open("r+b") as file:
        file.write(content)
        file.truncate()
    return content


def larger_store(path: Path) -> Path:
    with open_store(path, writable=True) as store:
        for number in range(900):
            add(store, f"other {number}" * 200)
    return path


@pytest.mark.parametrize("writes", [True, False], ids=["then a write", "then closed"])
@pytest.mark.parametrize("kind", ["a backup of this store", "another store", "less than it was"])
def test_what_is_restored_by_cp_is_not_damaged(tmp_path: Path, kind: str, writes: bool) -> None:
    path, copy = tmp_path / "arena.db", tmp_path / "copy.db"
    store = open_store(path, writable=True)
    for number in range(50):
        add(store, f"{number}" * 300)
    if kind == "another store":
        larger_store(copy)
    else:
        back_up(store.reader, copy)
    for number in range(100, 1200 if kind == "less than it was" else 200):
        add(store, f"{number}" * 300)
    assert (path.stat().st_size > copy.stat().st_size) == (kind == "less than it was")
    restored = write_over_by(copy, path)
    if writes:
        with pytest.raises(StoreError, match=r"was (cut short or )?written over"):
            add(store, "after")
    store.close()
    assert path.read_bytes() == restored
    assert path.with_name("arena.db-wal").exists()  # what was committed since stands in it


def test_another_process_that_folds_the_wal_in_is_no_stranger(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    with open_store(path, writable=True) as store:
        before = path.stat().st_mtime_ns
        fold = (
            "import sys; from pathlib import Path; from engine.store import open_store; "
            "open_store(Path(sys.argv[1]), writable=True)._writer.execute('PRAGMA wal_checkpoint(FULL)').fetchone()"
        )
        add(store, "one")
        subprocess.run([sys.executable, "-c", fold, path], check=True, env=ENVIRONMENT)
        assert path.stat().st_mtime_ns != before
        add(store, "two")
        assert len(set_names(store.reader)) == 2


def test_a_folder_that_is_taken_away_takes_the_store_with_it(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "arena.db"
    store = open_store(path, writable=True)
    put_a_file_in_place_of_the_folder(path)
    with pytest.raises(StoreError, match="is gone"):
        add(store, "after")
    store.close()


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_writer_stops_and_says_so(tmp_path: Path, fault: Callable[[Path], None]) -> None:
    path = tmp_path / "arena.db"
    store = open_store(path, writable=True)
    add(store, "before")
    fault(path)
    standing = {one.name: one.read_bytes() for one in tmp_path.iterdir() if not one.name.endswith("-shm")}
    for _ in range(2):
        with pytest.raises(StoreError, match=FAULTS[fault]):
            add(store, "after")
    assert {name: (tmp_path / name).read_bytes() for name in standing} == standing
    store.close()


def test_a_store_behind_a_link_is_watched_where_it_lies(tmp_path: Path) -> None:
    (tmp_path / "scratch").mkdir()
    link = tmp_path / "link.db"
    link.symlink_to(tmp_path / "scratch" / "arena.db")
    store = open_store(link, writable=True)
    add(store, "before")
    delete_the_wal(tmp_path / "scratch" / "arena.db")
    with pytest.raises(StoreError, match="was deleted or replaced"):
        add(store, "after")
    store.close()


def test_what_stands_there_now_is_not_touched_by_closing(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    store = open_store(path, writable=True)
    add(store, "old")
    for one in list(tmp_path.iterdir()):
        one.rename(one.with_name(one.name.replace("arena", "moved")))
    with open_store(path, writable=True) as new:
        add(new, "new")
    store.close()
    with open_store(path) as opened:
        assert set_names(opened.reader) == [("new", 0)]
    with open_store(tmp_path / "moved.db") as opened:
        assert set_names(opened.reader) == [("old", 0)]


def test_a_store_that_grows_and_is_checkpointed_is_the_same(tmp_path: Path) -> None:
    path = tmp_path / "arena.db"
    with open_store(path, writable=True) as one, open_store(path, writable=True) as other:
        for number in range(300):
            add(one if number % 2 else other, f"{number}" * 400)
        assert path.stat().st_size > 200_000
        assert len(set_names(one.reader)) == 300
