"""Importing twice, in pieces, cut short, killed, undone, or beside somebody else: everything once."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.battles import importing
from engine.battles.importing import ImportReport
from engine.errors import StoreError
from engine.formats.rows import Row
from engine.store import Store, open_store
from engine.store.checks import check_store
from engine.store.imports import read_imports
from engine.store.undo import undo_import
from tests.engine.battles.importing_rows import (
    ROWS,
    battle,
    bring,
    dump,
    prompt,
    response,
)
from tests.engine.store.landing import fresh_store, recounts


def column(store: Store, query: str) -> list[object]:
    return [value for (value,) in store.reader.execute(query)]


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_the_second_import_adds_nothing(rows: list[Row]) -> None:
    with fresh_store() as store:
        first = bring(store, rows)
        before = dump(store)
        again = bring(store, rows)
        assert dump(store) == before
        assert not any(again.taken.values())
        assert again.known.get("battles", 0) == first.taken.get("battles", 0) + first.known.get("battles", 0)
        assert again.affected == ()
        assert recounts(store) == []
        assert check_store(store.reader).sound


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, size=st.integers(1, 5))
def test_chunks_leave_no_trace(rows: list[Row], size: int) -> None:
    with fresh_store() as whole, fresh_store() as pieces:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(importing, "CHUNK", size)
            in_pieces = bring(pieces, rows)
        at_once = bring(whole, rows)
        assert by_key(dump(pieces)) == by_key(dump(whole))
        assert in_pieces.taken == at_once.taken
        assert set_aside(in_pieces) == set_aside(at_once)


def set_aside(report: ImportReport) -> dict[str, int]:
    return {group.reason: group.rows for group in report.set_aside}


def by_key(dumped: dict[str, list[object]]) -> dict[str, list[object]]:
    """What does not depend on which rows landed together: keys, counts, set members."""
    keyed = {"prompts", "responses", "verdicts", "battles", "players", "judges"}
    own = {table: sorted(key_of(row) for row in rows) for table, rows in dumped.items() if table in keyed}
    return own | {"texts": sorted(repr(row[1:]) for row in dumped["texts"])}  # type: ignore[index]


def key_of(row: object) -> str:
    return next(value for value in row if isinstance(value, str) and value[1:3] == "1:")  # type: ignore[attr-defined]


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, cut=st.integers(0, 20), size=st.integers(1, 4))
def test_an_import_that_is_cut_short_is_finished_by_another(rows: list[Row], cut: int, size: int) -> None:
    def broken() -> Iterator[Row]:
        yield from islice(rows, cut)
        raise ConnectionError("the disk was pulled out")

    with fresh_store() as cut_short, fresh_store() as undisturbed, pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "CHUNK", size)
        with pytest.raises(ConnectionError):
            bring(cut_short, broken())
        bring(cut_short, rows)
        bring(undisturbed, rows)
        states = [record.state for record in read_imports(cut_short.reader)]
        assert states == ["done", "unfinished"]
        # Contradictions are settled by who came first, which a second reading of the same rows cannot change.
        assert positions(cut_short) == positions(undisturbed)
        assert recounts(cut_short) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.battles import importing
from engine.store import open_store
from engine.store.store import Transaction
from tests.engine.battles.importing_rows import battle, bring
importing.CHUNK = 4
rows = [battle("ann", "bob", source_id=str(n)) for n in range(20)]
window, number = sys.argv[2], int(sys.argv[3])
def until_killed():
    for n, row in enumerate(rows):
        if window == "between rows" and n == number:
            os.kill(os.getpid(), signal.SIGKILL)
        yield row
keep = importing.note_progress
def note_progress(tx, *said, **more):
    keep(tx, *said, **more)
    if window == "before the commit" and said[0]["battles"] >= number:
        os.kill(os.getpid(), signal.SIGKILL)
importing.note_progress = note_progress
with open_store(Path(sys.argv[1]), writable=True) as store:
    bring(store, until_killed())
"""


@pytest.mark.parametrize("window", ["between rows", "before the commit"])
@pytest.mark.parametrize("number", [1, 9, 17])
def test_a_killed_import_leaves_whole_chunks_and_is_finished_by_another(
    tmp_path: Path, window: str, number: int
) -> None:
    path = tmp_path / "arena.db"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", KILLED, str(path), window, str(number)]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    rows = [battle("ann", "bob", source_id=str(n)) for n in range(20)]
    with open_store(path, writable=True) as store, fresh_store() as undisturbed:
        (record,) = read_imports(store.reader)
        landed = column(store, "SELECT COUNT(*) FROM battles")[0]
        assert record.state == "unfinished"
        assert (landed, landed % 4) == (record.taken.get("battles", 0), 0)
        assert recounts(store) == []
        bring(store, rows)
        bring(undisturbed, rows)
        assert dump(store) == dump(undisturbed)


def positions(store: Store) -> dict[object, object]:
    rows = store.reader.execute("SELECT key, position, occurred_at, outcome, category FROM battles")
    return {key: rest for key, *rest in rows}


@settings(max_examples=40, deadline=None)
@given(before=ROWS, rows=ROWS)
def test_undoing_restores_the_store_exactly(before: list[Row], rows: list[Row]) -> None:
    with fresh_store() as store:
        bring(store, before, "first.csv")
        stood = dump(store)
        report = bring(store, rows, "second.csv")
        undo_import(store, report.import_id)
        assert dump(store) == stood
        assert recounts(store) == []
        assert check_store(store.reader).sound


@settings(max_examples=20, deadline=None)
@given(rows=ROWS, order=st.permutations([0, 1, 2]))
def test_undoing_all_imports_in_any_order_leaves_an_empty_store(rows: list[Row], order: list[int]) -> None:
    with fresh_store() as store:
        empty = dump(store)
        reports = [bring(store, rows[part::2], f"{part}.csv") for part in range(2)]
        reports.append(bring(store, rows, "all.csv"))
        for number in order:
            undo_import(store, reports[number].import_id)
        assert dump(store) == empty


# Somebody else at the store meanwhile


def test_an_import_that_is_undone_while_it_runs_stops(store: Store) -> None:
    def rows() -> Iterator[Row]:
        yield from [battle()] * 3
        undo_import(store, 1)
        yield battle()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "CHUNK", 2)
        with pytest.raises(StoreError, match="import 1 was undone while it ran"):
            bring(store, rows())
    assert dump(store)["battles"] == []


def test_an_undo_of_another_import_does_not_pull_the_ground_away(store: Store) -> None:
    first = bring(store, [prompt("q1", "one?"), battle(source_id="x"), response("ann", "a")], "first.csv")

    def rows() -> Iterator[Row]:
        yield from [battle(source_id="1"), battle(source_id="2")]
        undo_import(store, first.import_id)
        yield from [battle(source_id="3"), battle("ann", "cid", source_id="4")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "CHUNK", 1)
        assert bring(store, rows(), "second.csv").taken["battles"] == 4
    assert recounts(store) == []
    assert check_store(store.reader).sound
