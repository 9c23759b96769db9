"""Arenas, judges, names and the order of battles in an import."""

from __future__ import annotations

import pytest

from engine.records import (
    OnCut,
    OutcomeRule,
    Turn,
)
from engine.store import Store
from engine.store.battles import read_arenas
from engine.store.contestants import land_player
from engine.store.counts import read_pairs
from tests.engine.battles.importing_rows import (
    ARENA,
    battle,
    bring,
    game,
    invalid,
    scores,
)


def column(store: Store, query: str) -> list[object]:
    return [value for (value,) in store.reader.execute(query)]


def test_an_arena_that_exists_keeps_its_rules(store: Store) -> None:
    rows = [battle("ann", "bob", scores(9, 1), scores(9, 8, swapped=True), source_id="1")]
    bring(store, rows, outcome_rule=OutcomeRule.STRICT, on_cut=OnCut.VOID)
    cut = battle(response_a=(Turn(""),), source_id="2")
    bring(store, [cut])
    (arena,) = read_arenas(store.reader)
    assert (arena.name, arena.outcome_rule, arena.on_cut) == (ARENA, OutcomeRule.STRICT, OnCut.VOID)
    rows_now = store.reader.execute("SELECT state, outcome, reason FROM battles ORDER BY position").fetchall()
    assert rows_now == [("decided", "tie", None), ("void", None, "empty response")]


@pytest.mark.parametrize(
    ("rule", "outcome", "counted"),
    [
        (OutcomeRule.MEAN_MARGIN, "a", (1, 0, 0)),
        (OutcomeRule.STRICT, "tie", (0, 0, 1)),
        (OutcomeRule.PER_GAME, "a", (1, 1, 0)),
    ],
)
def test_two_games_are_counted_by_the_rule(
    store: Store, rule: OutcomeRule, outcome: str, counted: tuple[int, int, int]
) -> None:
    bring(store, [battle("ann", "bob", scores(9, 1), scores(8, 7, swapped=True))], outcome_rule=rule)
    assert column(store, "SELECT outcome FROM battles") == [outcome]
    (pair,) = read_pairs(store.reader, 1, 1)
    assert (pair.wins, pair.losses, pair.ties) == counted


def test_a_battle_with_an_unreadable_verdict_waits(store: Store) -> None:
    report = bring(store, [battle("ann", "bob", scores(9, 1), invalid(swapped=True))])
    assert report.taken["battles"] == 1
    assert store.reader.execute("SELECT state, reason FROM battles").fetchall() == [
        ("waiting", "unparsable verdict")
    ]


def test_the_margin_that_a_row_tells_is_kept(store: Store) -> None:
    bring(store, [battle(margin=3.5), battle("ann", "bob", game("tie"), margin=0.0)])
    assert sorted(column(store, "SELECT margin FROM battles")) == [0.0, 3.5]


def test_judges_are_never_mixed(store: Store) -> None:
    report = bring(store, [battle(), battle(judge="llm")])
    assert len(report.affected) == 2
    assert [len(read_pairs(store.reader, arena, judge)) for arena, judge in report.affected] == [1, 1]


def test_a_name_that_belongs_to_a_model_that_ran_here_is_told(store: Store) -> None:
    with store.write() as tx:
        land_player(tx, "ann", "weights", {"hash": "x"})
    assert bring(store, [battle()]).renamed == {"ann": "ann.2"}


# Order


def test_battles_stand_in_the_order_of_their_file_and_behind_what_was_there(store: Store) -> None:
    def order() -> list[object]:
        return column(
            store, "SELECT p.name FROM battles b JOIN players p ON p.id = b.player_b ORDER BY b.position"
        )

    bring(store, [battle("x", name) for name in "cab"], "first.csv")
    bring(store, [battle("x", name) for name in "ed"], "second.csv")
    bring(store, [battle("x", name) for name in "cabz"], "first.csv")  # it has grown
    assert order()[:3] == ["c", "a", "b"]
    assert sorted(order()[3:]) == ["d", "e", "z"]
    assert order().index("e") < order().index("d")


def test_time_is_kept(store: Store) -> None:
    bring(store, [battle(occurred_at=1_700_000_000.25)])
    assert column(store, "SELECT occurred_at FROM battles") == [1_700_000_000.25]
