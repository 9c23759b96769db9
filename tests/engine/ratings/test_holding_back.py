"""Ratings that are held back: who, by what figures, and what a table says of them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ratings.board import RatingOptions
from engine.ratings.holding_back import InvalidCounts, hold_back, read_invalid
from engine.ratings.leaderboard import build, leaderboard
from engine.ratings.stored import read_counts
from engine.ratings.views import find_view
from engine.records import BattleState, Decision, Outcome, ResponseStatus
from engine.store import Store
from tests.engine.ratings.stored_log import Fight, Log
from tests.engine.store.landing import DECIDED, battle, land, lay_ground

OK, FAILED = ResponseStatus.OK, ResponseStatus.FAILED
QUICK = RatingOptions(n_resamples=40, online=False)


def counts(decided: dict[str, int], against: dict[str, int]) -> InvalidCounts:
    """Pairs as two letters: `ab` is a and b; in `against` it is a, of its battles with b."""
    both = decided | {pair[::-1]: n for pair, n in decided.items()}
    return InvalidCounts(
        {(pair[0], pair[1]): n for pair, n in both.items()},
        {(pair[0], pair[1]): n for pair, n in against.items()},
    )


def test_a_share_at_the_limit_is_let_pass_and_one_above_it_is_not() -> None:
    at = counts({"ab": 8}, {"ab": 2, "ba": 2})
    assert hold_back("ab", at, 0.2) == {}
    above = hold_back("ab", counts({"ab": 79}, {"ab": 21, "ba": 21}), 0.2)
    assert {model: (one.count, one.of) for model, one in above.items()} == {"a": (21, 100), "b": (21, 100)}


def test_one_that_always_fails_takes_nobody_with_it() -> None:
    """f never answers: all battles with it wait. The others have half of theirs decided, among themselves."""
    found = hold_back("abf", counts({"ab": 10}, {"fa": 10, "fb": 10}), 0.2)
    assert {model: one.share for model, one in found.items()} == {"f": 1.0}


def test_battles_with_who_is_held_back_no_longer_count_against_the_others() -> None:
    """A judge that stumbles over c alone: a third of the battles of a and b are invalid, all of them with c."""
    everything = counts({"ab": 20}, {"ac": 10, "ca": 10, "bc": 10, "cb": 10})
    assert list(hold_back("abc", everything, 0.2)) == ["c"]


def test_all_are_held_back_where_a_judge_stumbles_everywhere() -> None:
    pairs = ("ab", "ac", "bc")
    uneven = {"ab": 30, "ba": 30, "ac": 40, "ca": 40, "bc": 50, "cb": 50}
    assert set(hold_back("abc", counts(dict.fromkeys(pairs, 100), uneven), 0.2)) == set("abc")


MODELS = "abcd"
PAIRS = [x + y for x in MODELS for y in MODELS if x < y]


@given(
    st.dictionaries(st.sampled_from(PAIRS), st.integers(0, 9)),
    st.dictionaries(st.sampled_from([x + y for x in MODELS for y in MODELS if x != y]), st.integers(0, 9)),
    st.floats(0, 1),
)
def test_who_stands_is_within_the_limit_among_those_who_stand(
    decided: dict[str, int], against: dict[str, int], limit: float
) -> None:
    known = counts(decided, against)
    held = hold_back(MODELS, known, limit)
    standing = [model for model in MODELS if model not in held]
    assert all(known.of(model, standing).share <= limit for model in standing)
    assert all(one.share > limit for one in held.values())


@pytest.fixture
def half_failed(store: Store) -> Store:
    """Two models that fight 40 decided battles, and a third whose responses failed on 15 of its 40 prompts."""
    fights = [Fight("ann", "bob", (6, 5) if n % 3 else (5, 6), n) for n in range(40)]
    for n in range(40):
        status = FAILED if n < 15 else OK
        fights.append(Fight("ann", "eve", (6, 5) if n % 3 else (5, 6), n, status_b=status))
    Log(store).land(*fights)
    return store


def test_a_table_says_whose_rating_is_held_back_and_why(half_failed: Store) -> None:
    board = leaderboard(half_failed, options=QUICK)
    row = board.row("eve")
    assert (row.rating, row.rank, row.tied_with, row.held_back) == (None, None, (), True)
    assert row.reason is not None
    assert row.reason.startswith("held back: 37.5% of its battles came to nothing (15 of 40,")
    assert "20%" in row.reason
    assert (row.win_rate, row.battles, row.invalid) == (pytest.approx(9 / 25), 25, 15)
    assert {one.model: one.rating is not None for one in board.rows if one.model != "eve"} == {
        "ann": True,
        "bob": True,
    }
    assert board.facts()["held_back"] == [{"model": "eve", "invalid": 15, "of": 40, "share": 0.375}]
    assert all("eve" not in one.tied_with for one in board.rows)


def test_on_demand_it_is_shown_and_marked(half_failed: Store) -> None:
    board = leaderboard(half_failed, options=RatingOptions(n_resamples=40, online=False, allow_invalid=True))
    row = board.row("eve")
    assert row.rating is not None
    assert row.rank is not None
    assert row.held_back
    assert row.reason is not None
    assert "not to be relied on" in row.reason
    without = leaderboard(half_failed, options=RatingOptions(n_resamples=40, online=False, max_invalid=1.0))
    assert without.row("eve").rating == row.rating
    assert (without.row("eve").reason, without.held_back) == (None, {})


@pytest.mark.parametrize(("reason", "held"), [("missing game", False), ("unparsable verdict", True)])
def test_an_invalid_verdict_counts_against_both_and_a_game_to_come_against_nobody(
    store: Store, reason: str, held: bool
) -> None:
    with store.write() as tx:
        ground = lay_ground(tx)
    waiting = Decision(BattleState.WAITING, reason)
    won = [battle(ground, f"{n}", decision=DECIDED[Outcome.A if n else Outcome.B]) for n in range(3)]
    land(store, ground, *won, *(battle(ground, f"w{n}", decision=waiting) for n in range(2)))
    board = leaderboard(store, options=QUICK)
    told = {(one.held_back, one.invalid) for one in board.rows}
    assert told == {(held, 2 if held else 0)}


def test_what_lands_while_a_table_is_rated_is_not_in_it(store: Store) -> None:
    """40 battles are read; then 40 fail. All that the table says is of the 40 that were read."""
    log = Log(store)
    log.land(*(Fight("ann", "bob", (6, 5) if n % 2 else (5, 6), n) for n in range(40)))
    view = find_view(store.reader)
    with store.snapshot() as connection:
        read = read_counts(connection, view), read_invalid(connection, view)
    log.land(*(Fight("ann", "bob", prompt=n, status_b=FAILED) for n in range(40, 80)))
    board = build(store, view, *read, None, QUICK)
    assert (board.held_back, board.coverage.total, board.row("bob").invalid) == ({}, 40, 0)
    assert leaderboard(store, options=QUICK).row("bob").held_back
