"""Undoing imports and dropping arenas: what something else rests on stays. (See also battles/test_importing.py.)"""

from __future__ import annotations

import time

import pytest

from engine.errors import StoreError, UsageError
from engine.records import OnCut, OutcomeRule
from engine.store import Store
from engine.store.arenas import drop_arena, rename_arena
from engine.store.battles import read_arena
from engine.store.checks import check_store
from engine.store.imports import begin_import, read_import
from engine.store.leases import Moment, boot_id
from engine.store.prompts import read_set
from engine.store.responses import NewResponse, land_responses
from engine.store.store import Fence
from engine.store.undo import undo_import
from engine.store.verdicts import land_verdicts
from tests.engine.battles.importing_rows import battle, bring, dump, prompt, response
from tests.engine.store.landing import Ground, judged, land, lay_ground, recounts, rows_of, verdict
from tests.engine.store.landing import battle as fight
from tests.engine.store.landing import response as said


def run_job(store: Store, state: str = "running", lease_boot: float | None = None) -> Fence:
    with store.write() as tx:
        execute = tx.connection.execute
        execute(
            "INSERT INTO jobs(id, digest, name, plan, state, created_at) VALUES (7, 'd', 'n', '', 'running', 0)"
        )
        execute(
            "INSERT INTO workers(id, host, boot_id, pid, pid_started_at, started_at, heartbeat_at)"
            " VALUES ('w', 'h', ?, 1, 0, 0, 0)",
            (boot_id(),),
        )
        execute(
            "INSERT INTO attempts(id, job_id, number, worker_id, state, lease_until, lease_boot, started_at)"
            " VALUES (3, 7, 1, 'w', ?, 0, ?, 0)",
            (state, Moment.now().seconds + 86_400 if lease_boot is None else lease_boot),
        )
    return Fence(3, 7, 1, "w")


def test_what_a_run_built_on_stays(store: Store) -> None:
    imported = bring(
        store, [prompt("q1", "one?"), prompt("q2", "two?"), response("ann", "a"), battle(source_id="1")]
    )
    fence = run_job(store, state="running", lease_boot=0.0)
    (prompt_id, player_id) = store.reader.execute("SELECT prompt_id, player_id FROM responses").fetchone()
    with store.write(fence) as tx:
        land_responses(tx, [NewResponse("r1:run", prompt_id, player_id, said("of the run"))])
    gone = undo_import(store, imported.import_id).gone
    assert gone["battles"] == gone["responses"] == gone["prompts"] == 1
    assert [one.prompt.name for one in read_set(store.reader, "questions")] == ["q1"]
    assert rows_of(store, "players", "name") == [("ann",)]
    assert rows_of(store, "responses", "key") == [("r1:run",)]
    assert check_store(store.reader).damage == ()


def test_verdicts_that_serve_another_arena_stay_until_that_goes_too(store: Store) -> None:
    first = bring(store, [battle(source_id="1")], "first.csv")
    second = bring(store, [battle(source_id="1", arena="other")], "second.csv")
    assert second.known["verdicts"] == 1
    undo_import(store, first.import_id)
    assert len(rows_of(store, "verdicts")) == 1
    assert check_store(store.reader).sound
    undo_import(store, second.import_id)
    assert not any(dump(store).values())


def test_what_another_import_brought_too_stays_with_it_and_goes_with_it(store: Store) -> None:
    rows = [prompt("q1", "one?"), response("ann", "a"), battle(source_id="1"), battle("bob", "ann", turn=1)]
    first = bring(store, rows, "first.csv")
    second = bring(store, [*rows, battle(source_id="2")], "second.csv")
    assert second.known["battles"] == 2
    before = dump(store)
    undone = undo_import(store, first.import_id)
    assert undone.gone == {}
    assert undone.passed_on == {"prompts": 1, "responses": 1, "verdicts": 2, "battles": 2}
    assert dump(store) == before
    assert recounts(store) == []
    undo_import(store, second.import_id)
    assert not any(dump(store).values())


def test_what_only_one_of_two_imports_brought_goes_with_it(store: Store) -> None:
    first = bring(store, [battle(source_id="1"), battle(source_id="2")], "first.csv")
    bring(store, [battle(source_id="2"), battle(source_id="3")], "second.csv")
    assert undo_import(store, first.import_id).gone == {"battles": 1, "verdicts": 1}
    assert rows_of(store, "verdicts", "source") == [("2",), ("3",)]
    assert recounts(store) == []


def test_the_text_of_a_prompt_stays_with_the_import_that_brought_it_too(store: Store) -> None:
    bring(store, [battle(source_id="1")], "battles.csv")
    first = bring(store, [prompt("q1", "one?")], "first.jsonl")
    second = bring(store, [prompt("q1", "one?")], "second.jsonl")
    undo_import(store, first.import_id)
    assert [one.prompt.conversation is None for one in read_set(store.reader, "questions")] == [False]
    undo_import(store, second.import_id)
    assert [one.prompt.conversation is None for one in read_set(store.reader, "questions")] == [True]


def test_the_same_import_done_again_is_no_other(store: Store) -> None:
    first = bring(store, [battle(source_id="1")], "log.csv")
    bring(store, [battle(source_id="1"), battle(source_id="2")], "log.csv")
    assert undo_import(store, first.import_id).gone["battles"] == 1
    assert rows_of(store, "verdicts", "source") == [("2",)]


def test_an_import_is_undone_once(store: Store) -> None:
    report = bring(store, [battle()])
    undo_import(store, report.import_id)
    assert read_import(store.reader, report.import_id).state == "undone"
    with pytest.raises(UsageError, match="undone already"):
        undo_import(store, report.import_id)
    with pytest.raises(UsageError, match="there is no import 99"):
        undo_import(store, 99)
    assert bring(store, [battle()]).taken["battles"] == 1


def test_an_unfinished_import_can_be_undone(store: Store) -> None:
    number = begin_import(store, "arena", ["file.csv"], {})
    assert read_import(store.reader, number).state == "unfinished"
    undo_import(store, number)
    assert read_import(store.reader, number).state == "undone"


def test_nothing_is_deleted_under_a_running_job(store: Store) -> None:
    report = bring(store, [battle()])
    run_job(store)
    before = dump(store)
    for destroy in (lambda: undo_import(store, report.import_id), lambda: drop_arena(store, "votes")):
        with pytest.raises(StoreError, match="job 7 is running") as caught:
            destroy()
        assert "jobs drain 7" in caught.value.mend
    assert dump(store) == before


def test_ratings_that_rested_on_an_import_go_with_it(store: Store) -> None:
    bring(store, [battle(source_id="1")], "first.csv")
    snapshot(store, at=0.0)
    report = bring(store, [battle(source_id="2")], "second.csv")
    snapshot(store, at=time.time())
    with store.write() as tx:
        tx.connection.execute("INSERT INTO online_folds VALUES (1, 1, '', 'elo', 2, NULL, 1, 2, '{}')")
    undo_import(store, report.import_id)
    assert rows_of(store, "rating_snapshots", "created_at") == [(0.0,)]
    assert rows_of(store, "online_folds") == []


def snapshot(store: Store, at: float) -> None:
    with store.write() as tx:
        tx.connection.execute(
            "INSERT INTO rating_snapshots(arena_id, judge_id, category, parameters, models, battles, created_at)"
            " VALUES (1, 1, '', '{}', '[]', 1, ?)",
            (at,),
        )


# Arenas


@pytest.fixture
def ground(store: Store) -> Ground:
    with store.write() as tx:
        ground = lay_ground(tx)
        lay_ground(tx, arena="other", rule=OutcomeRule.STRICT)
        (number, _), *_ = land_verdicts(tx, [judged(ground, "v", verdict())]).values()
    land(store, ground, fight(ground, "x", games=((False, number),)))
    return ground


def test_a_dropped_arena_is_gone_and_what_was_judged_stays(store: Store, ground: Ground) -> None:
    snapshot(store, at=0.0)
    assert drop_arena(store, "arena") == 1
    assert read_arena(store.reader, "arena") is None
    for table in ("battles", "games", "pair_counts", "side_counts", "rating_snapshots"):
        assert rows_of(store, table) == []
    assert len(rows_of(store, "verdicts")) == 1
    assert check_store(store.reader).damage == ()
    with pytest.raises(UsageError, match="there is no arena 'arena'"):
        drop_arena(store, "arena")


def test_an_arena_is_renamed_with_all_that_it_has(store: Store, ground: Ground) -> None:
    before = rows_of(store, "pair_counts")
    with store.write() as tx:
        rename_arena(tx, "arena", "new\ud800 name")
    renamed = read_arena(store.reader, "new\ud800 name")
    assert renamed is not None
    assert (renamed.id, renamed.on_cut) == (ground.arena.id, OnCut.JUDGE)
    assert rows_of(store, "pair_counts") == before
    assert recounts(store) == []
    for old, new, message in (
        ("new\ud800 name", "other", "there is an arena 'other' already"),
        ("arena", "x", "there is no arena 'arena'"),
        ("other", "", "an arena needs a name"),
    ):
        with pytest.raises(UsageError, match=message), store.write() as tx:
            rename_arena(tx, old, new)
