"""A mirror: whole copies while others write, the newest one taken up on another machine, nothing of either lost."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.errors import LostLease, StoreError
from engine.store import Store, open_store
from engine.store.mirror import Mirror, take_up
from engine.store.owner import Owner, Ownership, Watch, claim, read_owner
from engine.store.prompts import land_set, set_names


def own(folder: Path, host: str) -> Ownership:
    """Own a folder from `host`; whoever had it before is gone."""
    owner = Owner(0, host, host, "boot", "", 1, 1.0, f"/{host}/arena.db")
    return claim(folder, owner, Watch(lambda owner: True))


def add(store: Store, name: str) -> None:
    with store.write() as tx:
        land_set(tx, name)


def names(path: Path) -> list[str]:
    with open_store(path) as store:
        return [name for name, _ in set_names(store.reader)]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "mirror"


def run_on(host: str, tmp_path: Path, folder: Path, *rows: str, unmirrored: str | None = None) -> Mirror:
    """A run on a machine of its own: takes the mirror up, adds rows, copies, and dies."""
    path = tmp_path / host / "arena.db"
    path.parent.mkdir(exist_ok=True)
    mirror = Mirror(own(folder, host))
    take_up(mirror.ownership, path)
    with open_store(path, writable=True) as store:
        for row in rows:
            add(store, row)
        mirror.copy(store)
        if unmirrored is not None:
            add(store, unmirrored)
    return mirror


def test_another_machine_takes_up_the_newest_copy(tmp_path: Path, folder: Path) -> None:
    run_on("node1", tmp_path, folder, "a", "b", unmirrored="lost with the machine")
    taken = take_up(own(folder, "node2"), tmp_path / "node2" / "arena.db")
    assert taken is not None
    assert (taken.host, taken.set_aside) == ("node1", None)
    assert taken.copied_at is not None
    assert names(tmp_path / "node2" / "arena.db") == ["a", "b"]


def test_the_same_machine_goes_on_with_what_it_has(tmp_path: Path, folder: Path) -> None:
    run_on("node1", tmp_path, folder, "a", unmirrored="b")
    run_on("node1", tmp_path, folder, "c")
    assert names(tmp_path / "node1" / "arena.db") == ["a", "b", "c"] == names(folder / "arena.db")


def test_a_machine_that_comes_back_takes_up_and_keeps_its_older_store_aside(
    tmp_path: Path, folder: Path
) -> None:
    run_on("node1", tmp_path, folder, "a", unmirrored="never mirrored")
    run_on("node2", tmp_path, folder, "b")
    path = tmp_path / "node1" / "arena.db"
    taken = take_up(own(folder, "node1"), path)
    assert taken is not None
    assert taken.set_aside == path.with_name("arena.db.epoch1")
    assert names(path) == ["a", "b"]
    assert names(taken.set_aside) == ["a", "never mirrored"]


def test_a_takeover_that_died_before_its_first_copy_does_not_make_the_rest_look_old(
    tmp_path: Path, folder: Path
) -> None:
    run_on("node1", tmp_path, folder, "a", unmirrored="b")
    own(folder, "node2")
    assert take_up(own(folder, "node1"), tmp_path / "node1" / "arena.db") is None
    assert names(tmp_path / "node1" / "arena.db") == ["a", "b"]


def test_a_local_store_that_was_put_back_to_an_older_state_is_older(tmp_path: Path, folder: Path) -> None:
    path = tmp_path / "node1" / "arena.db"
    run_on("node1", tmp_path, folder, "a")
    older = path.read_bytes()
    run_on("node1", tmp_path, folder, "b")
    path.write_bytes(older)
    assert take_up(own(folder, "node1"), path) is not None
    assert names(path) == ["a", "b"]


def test_a_store_that_had_another_mirror_meanwhile_is_not_older(tmp_path: Path, folder: Path) -> None:
    for _ in range(3):
        run_on("node1", tmp_path, folder, "a")
    for name in "bc":
        run_on("node1", tmp_path, tmp_path / "other mirror", name)
    run_on("node1", tmp_path, folder, "d")
    assert names(tmp_path / "node1" / "arena.db") == ["a", "b", "c", "d"] == names(folder / "arena.db")
    assert not list((tmp_path / "node1").glob("*.epoch*"))


def test_another_store_is_not_replaced(tmp_path: Path, folder: Path) -> None:
    run_on("node1", tmp_path, folder, "a")
    path = tmp_path / "other.db"
    with open_store(path, writable=True) as store:
        add(store, "mine")
    with pytest.raises(StoreError, match="mirrors another store than"):
        take_up(own(folder, "node2"), path)
    assert names(path) == ["mine"]


@pytest.mark.parametrize("running", [True, False])
def test_a_folder_with_somebodys_store_is_refused_and_left_as_it_is(folder: Path, running: bool) -> None:
    folder.mkdir()
    path = folder / "arena.db"
    store = open_store(path, writable=True)
    add(store, "mine")
    if not running:
        store.close()
    before = {one.name: one.read_bytes() for one in folder.iterdir()}
    with pytest.raises(StoreError, match=r"holds arena\.db, which no mirror put there"):
        own(folder, "node1")
    assert {one.name: one.read_bytes() for one in folder.iterdir()} == before
    store.close()
    assert names(path) == ["mine"]


@pytest.mark.parametrize("ending", ["-wal", "-shm", "-journal"])
def test_what_is_left_beside_a_store_is_refused_too(folder: Path, ending: str) -> None:
    folder.mkdir()
    (folder / f"arena.db{ending}").write_bytes(b"changes")
    with pytest.raises(StoreError, match=f"holds arena.db{ending}"):
        own(folder, "node1")
    assert [one.name for one in folder.iterdir()] == [f"arena.db{ending}"]


def put_store(path: Path, name: str) -> None:
    """A store where a mirror's copy belongs, made elsewhere and moved there."""
    made = path.parent.parent / "made.db"
    with open_store(made, writable=True) as store:
        add(store, name)
    made.replace(path)


def test_a_store_that_came_where_the_copy_belongs_is_not_replaced(tmp_path: Path, folder: Path) -> None:
    mirror = Mirror(own(folder, "node1"))
    put_store(folder / "arena.db", "mine")
    with open_store(tmp_path / "local.db", writable=True) as store:
        add(store, "other")
        with pytest.raises(StoreError, match="is no copy that this mirror made"):
            mirror.copy(store)
    assert names(folder / "arena.db") == ["mine"]
    assert not list(folder.glob("*.part"))


def test_a_store_that_came_where_the_copy_belongs_is_not_taken_up(tmp_path: Path, folder: Path) -> None:
    ownership = own(folder, "node1")
    put_store(folder / "arena.db", "mine")
    with pytest.raises(StoreError, match="is no copy that this mirror made"):
        take_up(ownership, tmp_path / "local.db")
    assert not (tmp_path / "local.db").exists()


def test_a_copy_that_somebody_writes_to_is_not_replaced(tmp_path: Path, folder: Path) -> None:
    mirror = run_on("node1", tmp_path, folder, "a")
    (folder / "arena.db-wal").write_bytes(b"changes")
    before = (folder / "arena.db").read_bytes()
    with (
        open_store(tmp_path / "node1" / "arena.db", writable=True) as store,
        pytest.raises(StoreError, match="is no copy that this mirror made"),
    ):
        mirror.copy(store)
    assert (folder / "arena.db").read_bytes() == before


def test_a_store_in_use_does_not_give_way(tmp_path: Path, folder: Path) -> None:
    run_on("node1", tmp_path, folder, "a")
    run_on("node2", tmp_path, folder, "b")
    path = tmp_path / "node1" / "arena.db"
    with open_store(path, writable=True) as used:
        with pytest.raises(StoreError, match="cannot give way"):
            take_up(own(folder, "node1"), path)
        add(used, "goes on")


def test_who_lost_the_folder_copies_no_more_and_leaves_the_copy_alone(tmp_path: Path, folder: Path) -> None:
    sleeper = run_on("node1", tmp_path, folder, "a")
    run_on("node2", tmp_path, folder, "b")
    before = (folder / "arena.db").read_bytes()
    with open_store(tmp_path / "node1" / "arena.db", writable=True) as store:
        add(store, "late")
        with pytest.raises(LostLease):
            sleeper.copy(store)
    assert (folder / "arena.db").read_bytes() == before
    assert sorted(one.name for one in folder.iterdir()) == [".epoch-2", "arena.db", "owner.json"]


def test_a_copy_is_one_moments_state_while_others_write(tmp_path: Path, folder: Path) -> None:
    mirror = Mirror(own(folder, "node1"))
    stop = threading.Event()
    with open_store(tmp_path / "local.db", writable=True) as store:

        def write() -> None:
            number = 0
            while not stop.is_set():
                with store.write() as tx:
                    land_set(tx, f"{number}/a")
                    land_set(tx, f"{number}/b")
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(5):
                mirror.copy(store)
                found = names(folder / "arena.db")
                assert {n[:-2] for n in found if n.endswith("a")} == {
                    n[:-2] for n in found if n.endswith("b")
                }
        finally:
            stop.set()
            writer.join()


def test_the_copy_is_read_where_it_lies_and_never_written(tmp_path: Path, folder: Path) -> None:
    run_on("node1", tmp_path, folder, "a")
    before = {one.name for one in folder.iterdir()}
    assert names(folder / "arena.db") == ["a"]
    with pytest.raises(StoreError, match=r"the copy that a mirror keeps of node1's store") as caught:
        open_store(folder / "arena.db", writable=True)
    assert f"--mirror {folder}" in caught.value.mend
    assert {one.name for one in folder.iterdir()} == before


def test_the_owner_file_says_when_the_copy_was_made(tmp_path: Path, folder: Path) -> None:
    mirror = run_on("node1", tmp_path, folder)
    found = read_owner(folder)
    assert found == mirror.ownership.owner
    assert found is not None
    assert abs((folder / "arena.db").stat().st_mtime - (found.copied_at or 0)) < 60
