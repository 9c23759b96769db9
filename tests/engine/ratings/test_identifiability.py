"""Who shares a scale, who does not, and what is said of them."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings

from engine.ratings.bradley_terry import BradleyTerryFit, bradley_terry
from engine.ratings.counts import PairCounts
from engine.ratings.identifiability import Reason, common_scale
from engine.ratings.scale import Anchor
from tests.engine.ratings.samples import minorise_maximise, pair_counts


def fit_of(*battles: str, anchor: Anchor | None = None) -> BradleyTerryFit:
    """From battles such as "a>b" and "a=b"."""
    rows = [(text[0], text[2], "tie" if text[1] == "=" else "a") for text in battles]
    a, b, outcome = zip(*rows, strict=True)
    return bradley_terry(PairCounts.from_battles(a, b, outcome), anchor)


def reasons(fit: BradleyTerryFit) -> dict[str, Reason | None]:
    return dict(zip(fit.models, fit.reasons, strict=True))


CIRCLE = ("a>b", "b>c", "c>a")


def test_all_share_a_scale_round_a_circle() -> None:
    fit = fit_of(*CIRCLE)
    assert fit.rating == pytest.approx((1000, 1000, 1000))
    assert set(fit.reasons) == {None}
    assert fit.rated_battles == 3


def test_one_that_never_lost_leaves_the_others_as_if_it_had_not_been() -> None:
    fit = fit_of(*CIRCLE, "a>b", "x>a", "x>b", "x>c", "x>c")
    assert reasons(fit)["x"] is Reason.NEVER_LOST
    assert fit.rating[3] is None
    assert fit.rating[:3] == fit_of(*CIRCLE, "a>b").rating
    assert fit.scale.side.tolist() == [0, 0, 0, 1]


def test_one_that_never_won() -> None:
    fit = fit_of(*CIRCLE, "a>x")
    assert reasons(fit)["x"] is Reason.NEVER_WON
    assert fit.scale.side.tolist() == [0, 0, 0, -1]


def test_leaving_one_out_can_leave_another_unbeaten() -> None:
    """y lost only to x, which never lost: no finite rating is high enough for either."""
    fit = fit_of(*CIRCLE, "x>y", "y>a", "a>z", "z>w")
    assert reasons(fit) == {
        "a": None,
        "b": None,
        "c": None,
        "x": Reason.NEVER_LOST,
        "y": Reason.ABOVE,
        "z": Reason.BELOW,
        "w": Reason.NEVER_WON,
    }


def test_a_tie_ties_to_the_scale() -> None:
    fit = fit_of(*CIRCLE, "x>a", "x=b")
    assert set(fit.reasons) == {None}
    assert fit.rating[3] == max(rating for rating in fit.rating if rating is not None)


def test_an_island_is_not_rated_and_the_larger_part_is() -> None:
    fit = fit_of("x>y", "y>x", "x>y", "x=y", "a>b", "b>c", "c>a")
    assert reasons(fit)["x"] is reasons(fit)["y"] is Reason.ISLAND
    assert fit.rating[:3] == pytest.approx((1000, 1000, 1000))


def test_the_anchor_carries_the_scale_even_from_the_smaller_part() -> None:
    fit = fit_of("x>y", "y>x", "a>b", "b>c", "c>a", anchor=Anchor("x", 1100))
    assert fit.rating == (None, None, None, pytest.approx(1100), pytest.approx(1100))
    assert reasons(fit)["a"] is Reason.ISLAND


def test_an_anchor_apart_from_all_is_the_only_one_rated() -> None:
    fit = fit_of(*CIRCLE, "x>a", anchor=Anchor("x", 1100))
    assert fit.rating == (None, None, None, 1100)
    assert reasons(fit)["a"] is Reason.BELOW


def test_of_equal_parts_the_one_with_more_battles_is_rated() -> None:
    fit = fit_of("a>b", "b>a", "x>y", "y>x", "x=y")
    assert fit.rating[2:] == pytest.approx((1000, 1000))
    assert reasons(fit)["a"] is Reason.ISLAND


def test_of_parts_equal_in_all_the_first_is_rated() -> None:
    assert fit_of("a>b", "b>a", "x>y", "y>x").rating == (1000, 1000, None, None)


def test_battles_can_tie_to_the_scale_without_an_order() -> None:
    """a and x both beat w, which never won, and y beat x: neither x nor y is above or below a."""
    fit = fit_of(*CIRCLE, "a>w", "x>w", "y>x")
    assert reasons(fit)["x"] is Reason.NOT_ORDERED
    assert reasons(fit)["y"] is Reason.NEVER_LOST
    assert fit.scale.side.tolist() == [0, 0, 0, -1, 0, 0]


def test_only_ties_are_equal_ratings_with_a_word_on_it() -> None:
    fit = fit_of("a=b", "b=c")
    assert fit.rating == pytest.approx((1000, 1000, 1000))
    assert set(fit.reasons) == {Reason.ONLY_TIES}


def test_one_row_rates_nobody() -> None:
    fit = fit_of("a>b")
    assert fit.rating == (None, None)
    assert fit.reasons == (Reason.NEVER_LOST, Reason.NEVER_WON)


def test_a_ladder_without_upsets_has_no_scale() -> None:
    fit = fit_of("a>b", "b>c")
    assert fit.rating == (None, None, None)
    assert reasons(fit)["b"] is Reason.NO_SCALE


def test_no_battles() -> None:
    fit = bradley_terry(PairCounts.of("xy", [0], [0], [3], [0], [0]))
    assert fit.rating == (None, None)
    assert set(fit.reasons) == {Reason.NO_BATTLES}


def test_no_models() -> None:
    assert bradley_terry(PairCounts.of([], [], [], [], [], [])).rating == ()


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_has_a_sentence(reason: Reason) -> None:
    assert reason.sentence.endswith(".")


def beat_or_tied(counts: PairCounts) -> np.ndarray:
    """Every way from one model to another, by Warshall's closure."""
    n = len(counts.models)
    way = np.eye(n, dtype=bool)
    for a, b, wins, losses, ties in zip(*counts.columns[:5], strict=True):
        way[a, b] |= bool(wins + ties)
        way[b, a] |= bool(losses + ties)
    for k, i, j in itertools.product(range(n), repeat=3):
        way[i, j] |= way[i, k] and way[k, j]
    return way


@given(pair_counts(most=1))
@settings(deadline=None)
def test_the_rated_are_a_largest_set_that_reaches_itself(counts: PairCounts) -> None:
    way = beat_or_tied(counts)
    both_ways = way & way.T
    largest = both_ways.sum(axis=1).max()
    rated = common_scale(counts).rated
    if largest < 2:
        assert not rated.any()
        return
    assert rated.sum() == largest
    assert (both_ways[rated] == rated).all()


@given(pair_counts(most=1))
@settings(deadline=None)
def test_the_others_lie_where_all_ways_lead(counts: PairCounts) -> None:
    way, scale = beat_or_tied(counts), common_scale(counts)
    if not scale.rated.any():
        return
    beats, beaten = way[:, scale.rated].any(axis=1), way[scale.rated].any(axis=0)
    assert (scale.side == np.where(scale.rated, 0, beats.astype(int) - beaten)).all()


@given(pair_counts(most=2))
@settings(deadline=None)
def test_no_rating_without_a_reason_and_no_number_that_is_none(counts: PairCounts) -> None:
    fit = bradley_terry(counts)
    assert all(
        (rating is None) <= (reason is not None)
        for rating, reason in zip(fit.rating, fit.reasons, strict=True)
    )
    assert all(np.isfinite(rating) for rating in fit.rating if rating is not None)


@given(pair_counts(most=3))
@settings(max_examples=40, deadline=None)
def test_the_rated_are_rated_as_among_themselves(counts: PairCounts) -> None:
    fit = bradley_terry(counts)
    rated = [model for model, rating in zip(fit.models, fit.rating, strict=True) if rating is not None]
    if len(rated) > 1:
        alone = minorise_maximise(counts.among(rated))
        assert [rating for rating in fit.rating if rating is not None] == pytest.approx(alone, abs=1e-4)


@given(pair_counts(most=1))
@settings(deadline=None)
def test_swapping_wins_and_losses_turns_every_reason_round(counts: PairCounts) -> None:
    opposite = {
        Reason.NEVER_LOST: Reason.NEVER_WON,
        Reason.NEVER_WON: Reason.NEVER_LOST,
        Reason.ABOVE: Reason.BELOW,
        Reason.BELOW: Reason.ABOVE,
    }
    swapped = PairCounts.of(counts.models, counts.a, counts.b, counts.losses, counts.wins, counts.ties)
    mirrored = tuple(
        opposite.get(reason, reason) if reason else None for reason in common_scale(counts).reasons
    )
    assert common_scale(swapped).reasons == mirrored
