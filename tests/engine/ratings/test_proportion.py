"""Shares and correlations, against scipy and closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.ratings.proportion import Share, rank_correlation


@settings(deadline=None)  # the first example imports scipy
@given(st.integers(1, 5_000).flatmap(lambda of: st.tuples(st.integers(0, of), st.just(of))))
def test_the_interval_is_scipys_wilson_interval(counted: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    count, of = counted
    theirs = binomtest(count, of).proportion_ci(0.95, method="wilson")
    mine = Share(count, of)
    assert mine.lower == pytest.approx(theirs.low, abs=1e-12)
    assert mine.upper == pytest.approx(theirs.high, abs=1e-12)
    assert mine.share == count / of


def test_none_and_all_have_exact_ends() -> None:
    assert (Share(0, 45_875).lower, Share(7, 7).upper) == (0.0, 1.0)
    assert Share(0, 10).upper == pytest.approx(0.27753, abs=1e-5)  # z^2 / (n + z^2)


def test_of_nothing_there_is_no_share() -> None:
    nothing = Share(0, 0)
    assert (nothing.share, nothing.lower, nothing.upper) == (None, None, None)
    with pytest.raises(ValueError, match="3 of 2"):
        Share(3, 2)


def test_the_correlation_is_scipys_and_its_interval_fishers() -> None:
    from scipy.stats import norm, spearmanr

    rng = np.random.default_rng(3)
    x = rng.integers(-3, 4, 200).astype(float)  # many ties
    y = x + rng.normal(0, 2, 200).round()
    found = rank_correlation(x, y)
    assert found.value == pytest.approx(spearmanr(x, y).statistic, abs=1e-12)
    spread = norm.ppf(0.975) * math.sqrt((1 + found.value**2 / 2) / 197)
    assert found.lower == pytest.approx(math.tanh(math.atanh(found.value) - spread), abs=1e-12)
    assert found.upper == pytest.approx(math.tanh(math.atanh(found.value) + spread), abs=1e-12)


def test_what_does_not_vary_has_no_correlation_and_few_have_no_interval() -> None:
    assert rank_correlation(np.ones(9), np.arange(9.0)).value is None
    few = rank_correlation(np.arange(3.0), np.arange(3.0))
    assert (few.value, few.lower, few.upper) == (pytest.approx(1.0), None, None)
    perfect = rank_correlation(np.arange(9.0), -np.arange(9.0))
    assert perfect.value == pytest.approx(-1.0)
