"""Ranks that depend on what a cut response counts as."""

from __future__ import annotations

from engine.ratings.counts import PairCounts
from engine.ratings.covariance import normal_intervals
from engine.ratings.cut_dependence import CutDependence, cut_dependence


def counts(rambler_losses: int) -> PairCounts:
    """Two models against a third, 400 battles each; the rambler's cut responses are lost, or not there."""
    return PairCounts.of(
        ["plain", "rambler", "other"], [0, 1], [2, 2], [200, 240], [200, 160 + rambler_losses], [0, 0]
    )


def test_a_rank_that_holds_under_one_treatment_alone_is_told() -> None:
    void, loss = normal_intervals(counts(0)), normal_intervals(counts(300))
    rows = {row.model: row for row in cut_dependence(void, loss)}
    rambler = rows["rambler"]
    assert rambler.rank_void == 1
    assert rambler.rank_loss == 3
    assert rambler.rating_void is not None
    assert rambler.rating_loss is not None
    assert rambler.rating_void > rambler.rating_loss


def test_ranks_that_hold_are_not() -> None:
    assert cut_dependence(normal_intervals(counts(0)), normal_intervals(counts(1))) == ()


def test_a_model_with_nothing_but_cut_responses_has_no_rank_under_void() -> None:
    void = normal_intervals(PairCounts.of("xy", [0], [1], [5], [5], [0]))
    loss = normal_intervals(PairCounts.of("xyz", [0, 0, 1], [1, 2, 2], [5, 9, 9], [5, 1, 1], [0, 0, 0]))
    row = CutDependence("z", None, 3, None, loss.rating[2])
    assert row in cut_dependence(void, loss)
