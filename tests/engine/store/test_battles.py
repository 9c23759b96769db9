"""Battles: landed once; one that waits is landed again when its games are complete, and the counts move."""

from __future__ import annotations

import pytest

from engine.errors import UsageError
from engine.records import OnCut, Outcome, OutcomeRule, ResponseStatus
from engine.store import Store
from engine.store.battles import battle_states, battles_by_key, land_arena, read_arenas
from engine.store.counts import read_pairs, read_sides
from engine.store.verdicts import land_verdicts
from tests.engine.store.landing import (
    DECIDED,
    VOID,
    WAITING,
    Ground,
    battle,
    judged,
    land,
    lay_ground,
    recounts,
    rows_of,
    verdict,
)


@pytest.fixture
def ground(store: Store) -> Ground:
    with store.write() as tx:
        return lay_ground(tx)


def pairs(
    store: Store, ground: Ground, category: str | None = None
) -> dict[tuple[int, int], tuple[object, ...]]:
    """(wins, losses, ties, share, decided, waiting, void) by pair of players' indices."""
    index = {player.id: n for n, player in enumerate(ground.players)}
    return {
        (index[p.a], index[p.b]): (p.wins, p.losses, p.ties, p.win_share, p.decided, p.waiting, p.void)
        for p in read_pairs(store.reader, ground.arena.id, ground.judge.id, category)
    }


def test_landing_again_changes_nothing(store: Store, ground: Ground) -> None:
    items = [battle(ground, str(n), 0, 1, position=n) for n in range(3)]
    assert set(land(store, ground, *items).values()) == {True}
    before = rows_of(store, "battles"), rows_of(store, "pair_counts"), rows_of(store, "side_counts")
    assert set(land(store, ground, *items).values()) == {False}
    assert (rows_of(store, "battles"), rows_of(store, "pair_counts"), rows_of(store, "side_counts")) == before


@pytest.mark.parametrize("settled", [DECIDED[Outcome.A], VOID])
def test_a_settled_battle_is_never_landed_over(store: Store, ground: Ground, settled: object) -> None:
    land(store, ground, battle(ground, "x", decision=settled))
    before = rows_of(store, "battles")
    land(store, ground, battle(ground, "x", decision=DECIDED[Outcome.B]))
    assert rows_of(store, "battles") == before
    assert recounts(store) == []


def test_a_battle_that_waits_is_decided_and_its_counts_move(store: Store, ground: Ground) -> None:
    with store.write() as tx:
        first, second = (
            land_verdicts(tx, [judged(ground, name, verdict())])[judged(ground, name, verdict()).key][0]
            for name in ("first", "second")
        )
    waiting = battle(
        ground, "x", 1, 0, decision=WAITING, games=((False, first),), category="maths", position=4
    )
    assert land(store, ground, waiting) == {waiting.key: True}
    assert pairs(store, ground) == {(0, 1): (0, 0, 0, 0.0, 0, 1, 0)}
    assert land(store, ground, waiting) == {waiting.key: False}
    decided = battle(
        ground,
        "x",
        1,
        0,
        games=((False, first), (True, second)),
        category="other",
        position=9,
        occurred_at=5.0,
    )
    assert land(store, ground, decided) == {waiting.key: True}
    assert pairs(store, ground) == {(0, 1): (0, 1, 0, 0.0, 1, 0, 0)}
    assert pairs(store, ground, "maths") == pairs(store, ground)
    assert pairs(store, ground, "other") == {}
    assert rows_of(store, "games", "swapped, verdict_id") == [(0, first), (1, second)]
    assert rows_of(store, "battles", "category, position, occurred_at") == [("maths", 4, None)]
    assert recounts(store) == []
    assert battle_states(store.reader, ground.arena.id, [decided.key, "none"]) == {decided.key: "decided"}
    stands = battles_by_key(store.reader, ground.arena.id, [decided.key])
    assert {key: said[1:] for key, said in stands.items()} == {decided.key: ("decided", "a")}


def test_an_import_leaves_a_battle_that_waits(store: Store, ground: Ground) -> None:
    land(store, ground, battle(ground, "x", decision=WAITING))
    assert set(land(store, ground, battle(ground, "x"), again=False).values()) == {False}
    assert pairs(store, ground) == {(0, 1): (0, 0, 0, 0.0, 0, 1, 0)}


def test_a_model_against_itself_is_stored_and_counted(store: Store, ground: Ground) -> None:
    land(store, ground, battle(ground, "x", 2, 2, decision=DECIDED[Outcome.TIE]))
    assert pairs(store, ground) == {(2, 2): (0, 0, 1, 0.5, 1, 0, 0)}
    assert recounts(store) == []


def test_sides_are_counted_by_status(store: Store, ground: Ground) -> None:
    cut, empty = ResponseStatus.CUT, ResponseStatus.EMPTY
    land(
        store,
        ground,
        battle(ground, "1", 0, 1, status_a=cut),
        battle(ground, "2", 1, 0, status_a=cut, status_b=empty, decision=VOID),
        battle(ground, "3", 1, 0, status_a=empty),
    )
    (pair,) = read_pairs(store.reader, ground.arena.id, ground.judge.id)
    assert (pair.cut_a, pair.cut_b, pair.cut_both) == (1, 1, 1)
    ann, bob, _ = (player.id for player in ground.players)
    assert read_sides(store.reader, ground.arena.id, ground.judge.id) == {
        ann: {"cut": 1, "empty": 1, "ok": 1},
        bob: {"ok": 1, "cut": 1, "empty": 1},
    }


def test_an_arena_keeps_its_rules(store: Store, ground: Ground) -> None:
    with store.write() as tx:
        assert land_arena(tx, "arena", OutcomeRule.MEAN_MARGIN, OnCut.JUDGE) == ground.arena
        land_arena(tx, "strict one", OutcomeRule.STRICT, OnCut.VOID)
    with pytest.raises(UsageError, match="rated by other rules"), store.write() as tx:
        land_arena(tx, "arena", OutcomeRule.STRICT, OnCut.JUDGE)
    assert [arena.name for arena in read_arenas(store.reader)] == ["arena", "strict one"]


def test_the_same_battle_in_two_arenas_is_two_rows_and_counted_in_each(store: Store, ground: Ground) -> None:
    with store.write() as tx:
        other = lay_ground(tx, arena="other", rule=OutcomeRule.STRICT)
    land(store, ground, battle(ground, "x"))
    land(store, other, battle(other, "x", decision=DECIDED[Outcome.TIE]))
    assert pairs(store, ground) == {(0, 1): (1, 0, 0, 1.0, 1, 0, 0)}
    assert pairs(store, other) == {(0, 1): (0, 0, 1, 0.5, 1, 0, 0)}


FOLDS = [(None, 3), (None, 8), (10.0, 1), (20.0, 0)]
"""(time, position) of the last battle that each stored state has folded."""


@pytest.mark.parametrize(
    ("late", "kept"),
    [
        ({"position": 2}, []),
        ({"position": 5}, FOLDS[:1]),
        ({"occurred_at": 5.0, "position": 99}, FOLDS[:2]),
        ({"occurred_at": 15.0, "position": 0}, FOLDS[:3]),
        ({"occurred_at": 30.0, "position": 0}, FOLDS),
        ({"position": 2, "decision": WAITING}, FOLDS),
    ],
)
def test_a_late_battle_takes_online_ratings_back_before_it(
    store: Store, ground: Ground, late: dict[str, object], kept: list[object]
) -> None:
    with store.write() as tx:
        tx.connection.executemany(
            "INSERT INTO online_folds VALUES (?, ?, '', 'elo', ?, ?, ?, 0, '{}')",
            [(ground.arena.id, ground.judge.id, n, *fold) for n, fold in enumerate(FOLDS)],
        )
    land(store, ground, battle(ground, "late", **late))
    rows = store.reader.execute("SELECT occurred_at, position FROM online_folds ORDER BY battles").fetchall()
    assert rows == kept
