"""Copies are whole, made while others write, and put in place only when they are done."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from engine.errors import StoreError
from engine.store import Store, open_store
from engine.store.backup import back_up, refuse_other_files
from engine.store.prompts import land_set, set_names
from engine.store.texts import intern


def test_a_copy_holds_what_is_still_in_the_wal_and_stands_alone(store: Store, tmp_path: Path) -> None:
    with store.write() as tx:
        land_set(tx, "set")
    copy = tmp_path / "copies" / "arena.db"
    copy.parent.mkdir()
    assert back_up(store.reader, copy) == copy.stat().st_size
    assert [one.name for one in copy.parent.iterdir()] == ["arena.db"]
    with open_store(copy, writable=True) as opened:
        assert set_names(opened.reader) == [("set", 0)]
        assert facts(opened) == facts(store) | {"copy_id": facts(opened)["copy_id"]}  # a mark of its own


def facts(store: Store) -> dict[str, object]:
    return dict(store.reader.execute("SELECT name, value FROM meta"))


def test_a_copy_made_while_others_write_is_one_moments_state(store: Store, tmp_path: Path) -> None:
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.is_set():
            with store.write() as tx:  # two rows at a time: a copy must hold both or none
                land_set(tx, f"{number}/a")
                intern(tx.connection, [f"{number}" * 5_000])
                land_set(tx, f"{number}/b")
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(5):
            back_up(store.reader, tmp_path / f"copy{number}.db")
    finally:
        stop.set()
        writer.join()
    for number in range(5):
        with open_store(tmp_path / f"copy{number}.db") as copy:
            names = [name for name, _ in set_names(copy.reader)]
            assert copy.reader.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        assert sorted(n[:-2] for n in names if n.endswith("a")) == sorted(
            n[:-2] for n in names if n.endswith("b")
        )


def test_an_older_copy_is_replaced_only_by_a_whole_one(store: Store, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    copy.write_text("yesterday's")
    back_up(store.reader, copy)
    with open_store(copy) as opened:
        assert set_names(opened.reader) == []
    missing = tmp_path / "not there" / "copy.db"
    with pytest.raises(StoreError, match="cannot be"):
        back_up(store.reader, missing)
    assert sorted(one.name for one in tmp_path.glob("*copy*")) == ["copy.db"]


def test_a_store_is_not_copied_onto_itself(store: Store, tmp_path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(store.path)
    for target in (store.path, link):
        with pytest.raises(StoreError, match="is the store itself"):
            back_up(store.reader, target)


def test_only_a_copy_of_the_same_store_is_replaced(store: Store, tmp_path: Path) -> None:
    own, empty, text = tmp_path / "own.db", tmp_path / "empty.db", tmp_path / "text.md"
    back_up(store.reader, own)
    empty.touch()
    text.write_text("a thesis" * 1000)
    with open_store(tmp_path / "other.db", writable=True) as other:
        for fine in (own, empty, tmp_path / "missing.db"):
            refuse_other_files(store.reader, fine)
        with pytest.raises(StoreError, match="is another store"):
            refuse_other_files(store.reader, other.path)
    for wrong in (text, tmp_path, Path("/dev/null")):
        with pytest.raises(StoreError, match="is no copy of a store"):
            refuse_other_files(store.reader, wrong)
    assert text.read_text() == "a thesis" * 1000
