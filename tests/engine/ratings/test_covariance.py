"""Standard errors against files computed elsewhere, closed forms, arena-rank and the bootstrap."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from engine.ratings.bootstrap import bootstrap
from engine.ratings.counts import PairCounts
from engine.ratings.covariance import NormalIntervals, normal_intervals
from engine.ratings.identifiability import Reason
from engine.ratings.scale import Anchor
from tests.engine.ratings.conftest import CountsOf, ExpectedOf
from tests.engine.ratings.test_bradley_terry import GROUPED_LOGS, WHOLE_LOGS

EXPECTED_TO = 0.001


def errors(intervals: NormalIntervals) -> dict[str, float | None]:
    return dict(zip(intervals.models, intervals.standard_error, strict=True))


@pytest.mark.parametrize(("log", "anchor"), WHOLE_LOGS)
def test_equals_the_expected_errors(
    log: str, anchor: str, counts_of: CountsOf, expected_of: ExpectedOf
) -> None:
    counts, table = counts_of(log), expected_of(log)
    columns = {
        "se_hessian": normal_intervals(counts, method="hessian"),
        "se_sandwich": normal_intervals(counts),
        "se_sandwich_anchored": normal_intervals(counts, Anchor(anchor, 1000)),
    }
    for column, intervals in columns.items():
        expected = {model: row[column] for model, row in table.items()}
        assert errors(intervals) == pytest.approx(expected, abs=EXPECTED_TO), column


@pytest.mark.parametrize(("table", "group", "log"), GROUPED_LOGS, ids=[row[2] for row in GROUPED_LOGS])
def test_equals_the_expected_errors_of_a_group(
    table: str, group: dict[str, str], log: str, counts_of: CountsOf, expected_of: ExpectedOf
) -> None:
    expected = {model: row["se_sandwich"] for model, row in expected_of(table, **group).items()}
    assert errors(normal_intervals(counts_of(log))) == pytest.approx(expected, abs=EXPECTED_TO)


@pytest.mark.parametrize("log", ["llmfao_crowd", "llmfao_gpt4-crowd", "layout_all", "pandalm"])
def test_arena_rank_agrees(log: str, counts_of: CountsOf, expected_of: ExpectedOf) -> None:
    """To 1 %, for arena-rank adds 1e-5 of all battles to the diagonal of the Hessian."""
    expected = {model: row["standard_error"] for model, row in expected_of("arena_rank", log=log).items()}
    assert errors(normal_intervals(counts_of(log))) == pytest.approx(expected, rel=0.01)


def test_two_models_have_a_closed_form() -> None:
    """The log odds of 30 wins in 40 battles have variance 1 / (40 p q), with p = 3/4, whichever way it is had."""
    counts = PairCounts.of("xy", [0], [1], [30], [10], [0])
    expected = 400 / math.log(10) / math.sqrt(40 * 0.75 * 0.25)
    for method in ("sandwich", "hessian"):
        anchored = normal_intervals(counts, Anchor("y", 1000), method=method)
        assert anchored.standard_error == pytest.approx((expected, 0))
        assert normal_intervals(counts, method=method).standard_error == pytest.approx(
            (expected / 2, expected / 2)
        )


def test_bounds_lie_as_far_as_the_level_asks() -> None:
    counts = PairCounts.of("xy", [0], [1], [30], [10], [0])
    intervals = normal_intervals(counts, confidence_level=0.9)
    rows = zip(
        intervals.rating,
        intervals.rating_lower,
        intervals.rating_upper,
        intervals.standard_error,
        strict=True,
    )
    for rating, lower, upper, error in rows:
        assert None not in (rating, lower, upper, error)
        reach = NormalDist().inv_cdf(0.95) * error
        assert (rating - lower, upper - rating) == pytest.approx((reach, reach))


def test_ties_narrow_the_sandwich_alone() -> None:
    """Residuals of ties are zero at equal strength: with half of all battles tied, half the binomial variance."""
    counts = PairCounts.of("xy", [0], [1], [50], [50], [100])
    sandwich, hessian = (normal_intervals(counts, method=method) for method in ("sandwich", "hessian"))
    assert sandwich.standard_error[0] == pytest.approx(hessian.standard_error[0] / math.sqrt(2))


def test_models_without_a_rating_have_no_error() -> None:
    intervals = normal_intervals(PairCounts.of("xyz", [0, 1], [1, 2], [3, 4], [0, 5], [0, 1]))
    assert intervals.standard_error[0] is intervals.rating_lower[0] is intervals.rating_upper[0] is None
    assert intervals.reasons[0] is Reason.NEVER_LOST
    assert None not in intervals.standard_error[1:]


def test_only_ties_have_no_error() -> None:
    intervals = normal_intervals(PairCounts.of("xy", [0], [1], [0], [0], [9]))
    assert intervals.standard_error == intervals.rating_lower == (None, None)
    assert set(intervals.reasons) == {Reason.ONLY_TIES}


def test_the_covariance_of_centred_ratings_sums_to_nothing(counts_of: CountsOf) -> None:
    intervals = normal_intervals(counts_of("llmfao_crowd"))
    assert intervals.covariance.sum(axis=0) == pytest.approx(np.zeros(59), abs=1e-6)


def test_agrees_with_the_bootstrap_where_battles_are_many(counts_of: CountsOf) -> None:
    counts = counts_of("pandalm")
    spread = bootstrap(counts, n_resamples=2000).samples.std(axis=0)
    assert normal_intervals(counts).standard_error == pytest.approx(spread, rel=0.06)
