"""What makes a row one of its kind: ids, content, and prompts that say otherwise."""

from __future__ import annotations

from dataclasses import replace

import pytest

from engine.formats.rows import Row, SingleRow
from engine.records import (
    Turn,
    Verdict,
    VerdictKind,
    VerdictStatus,
)
from engine.store import Store
from engine.store.undo import undo_import
from tests.engine.battles.importing_rows import (
    battle,
    bring,
    dump,
    game,
    prompt,
    response,
    scores,
)
from tests.engine.store.landing import recounts


def column(store: Store, query: str) -> list[object]:
    return [value for (value,) in store.reader.execute(query)]


def test_equal_rows_without_an_id_are_told_apart_by_how_many_came_before(store: Store) -> None:
    report = bring(store, [battle(), battle(), battle(), battle("bob", "ann")])
    assert report.taken["battles"] == 4
    assert bring(store, [battle(), battle()]).taken.get("battles", 0) == 0
    assert bring(store, [battle()] * 5).taken["battles"] == 2


@pytest.mark.parametrize(
    "other",
    [
        battle("ann", "cid"),
        battle(prompt="q2"),
        battle(judge="llm"),
        battle(turn=1),
        battle("ann", "bob", game("second")),
        battle("ann", "bob", scores(8, 2)),
        battle(occurred_at=5.0),
        battle(round=2),
        battle(arena="other"),
        battle(response_a=(Turn("said"),)),
    ],
)
def test_rows_that_say_something_else_are_others(store: Store, other: Row) -> None:
    bring(store, [battle()])
    assert bring(store, [other]).taken["battles"] == 1


def test_an_id_tells_rows_apart_whatever_else_they_say_alike(store: Store) -> None:
    rows = [battle(source_id=str(n)) for n in range(3)]
    assert bring(store, rows).taken["battles"] == 3
    assert bring(store, reversed(rows)).known["battles"] == 3


def test_an_id_that_stands_twice_is_set_aside(store: Store) -> None:
    report = bring(
        store, [battle(source_id="1"), battle("ann", "bob", game("second"), source_id="1", line=7)]
    )
    assert report.taken["battles"] == 1
    assert [(group.reason, group.rows) for group in report.set_aside] == [
        ("id stands twice for the same models and prompt", 1)
    ]
    assert report.set_aside[0].examples[0].line == 7


def test_an_id_that_says_otherwise_than_before_is_set_aside(store: Store) -> None:
    bring(store, [battle(source_id="1")])
    before = dump(store)
    report = bring(store, [battle("ann", "bob", game("second"), source_id="1", line=3)])
    assert [(group.reason, group.rows) for group in report.set_aside] == [
        ("id stands for another verdict in this store", 1)
    ]
    assert dump(store) == before
    assert not report.known.get("battles")


def test_nothing_is_taken_of_a_battle_that_says_otherwise_in_one_of_its_games(store: Store) -> None:
    bring(store, [battle(source_id="1")])
    before = dump(store)
    both = battle("ann", "bob", game("second"), game("second", swapped=True), source_id="1")
    report = bring(store, [both])
    assert [(group.reason, group.rows) for group in report.set_aside] == [
        ("id stands for another verdict in this store", 1)
    ]
    assert not any(report.taken.values())
    assert report.known.get("verdicts", 0) == report.known.get("battles", 0) == 0
    assert dump(store) == before


def test_an_id_may_end_differently_in_any_number_of_arenas(store: Store) -> None:
    rows = [
        battle("ann", "bob", scores(1 + n / 500, 1), source_id="1", arena=f"arena {n}") for n in range(1_100)
    ]
    assert bring(store, rows).taken["battles"] == 1_100
    assert bring(store, rows).known["battles"] == 1_100
    assert recounts(store) == []


@pytest.mark.parametrize("same", [True, False])
def test_a_prompt_that_says_otherwise_takes_its_rows_with_it(store: Store, same: bool) -> None:
    bring(store, [prompt("q1", "one?"), response("ann", "first")])
    told = prompt("q1", "one?" if same else "two?")
    rows = [
        replace(response("ann", "second"), prompt=told),
        battle(prompt=told, line=2),
        SingleRow(told, "ann", Verdict(VerdictKind.SINGLE, VerdictStatus.OK, 5.0), "human", line=3),
    ]
    report = bring(store, rows)
    usable = 1 if same else 0
    assert report.taken.get("responses", 0) == report.taken.get("battles", 0) == usable
    assert sum(group.rows for group in report.set_aside) == 3 * (1 - usable)


def test_a_prompt_that_says_otherwise_and_what_refers_to_it(store: Store) -> None:
    bring(store, [prompt("q1", "one?")])
    report = bring(store, [prompt("q1", "two?"), battle(line=4), prompt("q2", "new?"), battle(prompt="q2")])
    assert report.taken["battles"] == 1
    assert [group.rows for group in report.set_aside] == [1]  # the battle; its prompt belongs to the same row
    alone = bring(store, [prompt("q1", "two?")])
    assert [group.rows for group in alone.set_aside] == [1]


def test_texts_of_prompts_may_come_after_the_battles(store: Store) -> None:
    bring(store, [battle(source_id="1")])
    before = dump(store, "prompts", "texts")
    report = bring(store, [prompt("q1", "one?"), battle(source_id="1")], "with_texts.csv")
    assert report.taken == {"prompts": 1, "responses": 0, "verdicts": 0, "battles": 0}
    assert dump(store, "prompts", "texts") == before
    undo_import(store, report.import_id)
    assert column(store, "SELECT conversation FROM prompts") == [None]
