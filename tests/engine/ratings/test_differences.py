"""Paired and simultaneous intervals of differences."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest

from engine.errors import UsageError
from engine.ratings.bootstrap import bootstrap, bootstrap_prompts
from engine.ratings.counts import PairCounts
from engine.ratings.differences import rating_difference, rating_differences, simultaneous_bounds
from engine.ratings.identifiability import Reason
from engine.ratings.prompt_battles import PromptBattles
from engine.ratings.scale import Anchor
from tests.engine.ratings.conftest import CountsOf
from tests.engine.ratings.test_ranks import paired_battles


def test_the_difference_is_that_of_the_ratings_whatever_the_anchor(counts_of: CountsOf) -> None:
    counts = counts_of("layout_all")
    free, anchored = bootstrap(counts), bootstrap(counts, Anchor("amber", 1234))
    expected = rating_difference(free, "dune", "cobalt")
    rating = dict(zip(free.models, free.rating, strict=True))
    assert expected.difference == pytest.approx(rating["dune"] - rating["cobalt"])
    other = rating_difference(anchored, "dune", "cobalt")
    for name in ("difference", "lower", "upper"):
        assert getattr(other, name) == pytest.approx(getattr(expected, name), abs=1e-3)


def test_turning_a_difference_round_mirrors_it(counts_of: CountsOf) -> None:
    intervals = bootstrap(counts_of("layout_all"))
    there, back = rating_difference(intervals, "dune", "ember"), rating_difference(intervals, "ember", "dune")
    assert (back.difference, back.lower, back.upper) == pytest.approx(
        (-there.difference, -there.upper, -there.lower)
    )


def test_pairing_by_prompt_makes_the_interval_of_a_difference_narrower() -> None:
    """Both fight c on the same prompts with mostly the same outcome: what is common cancels."""
    paired = paired_battles()
    cells = paired.cells
    unpaired = PromptBattles.of(
        paired.models,
        2 * paired.n_prompts,
        cells.group + paired.n_prompts * cells.a,
        cells.a,
        cells.b,
        cells.wins,
        cells.losses,
        cells.ties,
    )
    one, two = (
        rating_difference(bootstrap_prompts(battles, n_resamples=400), "a", "b")
        for battles in (paired, unpaired)
    )
    assert one.difference == pytest.approx(two.difference)
    assert one.lower is not None
    assert one.lower > 0
    assert two.lower is not None
    assert two.lower < 0


def test_many_comparisons_against_one_baseline_hold_together() -> None:
    """For 12 independent normal differences, 95 % together asks for 2.858 standard errors instead of 1.960."""
    rng = np.random.default_rng(0)
    point, spread = rng.normal(size=12), rng.uniform(0.5, 5, size=12)
    samples = point + spread * rng.normal(size=(40_000, 12))
    lower, upper, critical = simultaneous_bounds(point, samples, 0.95)
    expected = NormalDist().inv_cdf((1 + 0.95 ** (1 / 12)) / 2)
    assert expected == pytest.approx(2.858, abs=0.001)
    assert critical == pytest.approx(expected, abs=0.03)
    assert upper - point == pytest.approx(expected * spread, rel=0.03)
    assert point - lower == pytest.approx(expected * spread, rel=0.03)
    assert ((samples >= lower) & (samples <= upper)).all(axis=1).mean() == pytest.approx(0.95, abs=1e-3)


def test_comparisons_that_move_as_one_cost_no_more_than_one() -> None:
    shared = np.random.default_rng(1).normal(size=(40_000, 1))
    _, _, critical = simultaneous_bounds(np.zeros(12), np.repeat(shared, 12, axis=1), 0.95)
    assert critical == pytest.approx(1.96, abs=0.03)


def test_a_difference_that_is_infinite_too_often_does_not_widen_the_others() -> None:
    rng = np.random.default_rng(2)
    samples = rng.normal(size=(5000, 3))
    samples[:500, 0] = np.inf
    samples[:20, 1] = np.nan
    lower, upper, critical = simultaneous_bounds(np.zeros(3), samples, 0.95)
    assert np.isnan(lower[0])
    assert np.isnan(upper[0])
    assert critical == pytest.approx(NormalDist().inv_cdf((1 + 0.95**0.5) / 2), abs=0.12)
    assert np.isfinite(lower[1:]).all()


def test_no_difference_usable() -> None:
    lower, upper, critical = simultaneous_bounds(np.full(2, np.nan), np.full((10, 2), np.nan), 0.95)
    assert np.isnan(lower).all()
    assert np.isnan(upper).all()
    assert critical is None


def test_a_sweep_against_its_baseline(counts_of: CountsOf) -> None:
    intervals = bootstrap(counts_of("layout_all"), n_resamples=1000)
    others = [model for model in intervals.models if model != "cobalt"]
    table = rating_differences(dict.fromkeys(others, intervals), "cobalt")
    assert [row.model for row in table.rows] == others
    assert table.critical_value is not None
    assert 1.96 < table.critical_value < NormalDist().inv_cdf(1 - 0.025 / len(others)) + 0.15
    for row in table.rows:
        alone = rating_difference(intervals, row.model, "cobalt")
        assert row.difference == alone.difference
        assert row.upper - row.lower > alone.upper - alone.lower


def test_where_one_has_no_rating_there_is_no_difference() -> None:
    intervals = bootstrap(PairCounts.of("xyz", [0, 1], [1, 2], [3, 50], [0, 50], [0, 0]))
    for model, baseline in (("x", "y"), ("y", "x")):
        row = rating_difference(intervals, model, baseline)
        assert (row.difference, row.lower, row.upper, row.reason) == (None, None, None, Reason.NEVER_LOST)
    table = rating_differences(dict.fromkeys("xz", intervals), "y")
    assert table.rows[0].reason is Reason.NEVER_LOST
    assert table.rows[1].reason is None
    assert table.rows[1].lower is not None


def test_a_difference_beyond_all_numbers_says_on_which_side() -> None:
    """v beat w, w beat x, and y beat z: chains tell of the first three, nothing of those with the last two."""
    intervals = bootstrap(PairCounts.of("vwxyz", [0, 1, 3], [1, 2, 4], [1, 1, 1], [0, 0, 0], [0, 0, 0]))
    told = {pair: rating_difference(intervals, *pair).beyond for pair in ("vw", "xv", "vx", "vz", "yz")}
    assert told == {"vw": "above", "xv": "below", "vx": "above", "vz": None, "yz": "above"}


def test_a_bound_that_falls_on_infinity_is_none() -> None:
    intervals = bootstrap(PairCounts.of("xyz", [0, 1, 0], [1, 2, 2], [39, 20, 1], [1, 20, 0], [0, 0, 0]))
    row = rating_difference(intervals, "x", "y")
    assert row.lower is not None
    assert (row.upper, row.reason) == (None, Reason.RESAMPLES)


def test_only_ties_give_a_difference_without_an_interval() -> None:
    row = rating_difference(bootstrap(PairCounts.of("xy", [0], [1], [0], [0], [9])), "x", "y")
    assert (row.difference, row.lower, row.upper, row.reason) == (0.0, None, None, Reason.ONLY_TIES)


def test_an_unknown_name_is_a_usage_error(counts_of: CountsOf) -> None:
    with pytest.raises(UsageError, match="Did you mean 'dune'"):
        rating_difference(bootstrap(counts_of("layout_all"), n_resamples=40), "dunes", "amber")


def test_a_difference_on_five_prompts_has_no_bounds_and_widens_no_other() -> None:
    """x and y meet z on 60 prompts, w meets it on five."""
    prompts = [*range(60), *range(60), *range(5)]
    models = [0] * 60 + [1] * 60 + [3] * 5
    wins = np.array([1, 0] * 30 + [1, 1, 0] * 20 + [1, 0, 1, 0, 1])
    battles = PromptBattles.of("xyzw", 60, prompts, models, [2] * 125, wins, 1 - wins, 0 * wins)
    intervals = bootstrap_prompts(battles, n_resamples=400)
    row = rating_difference(intervals, "w", "z")
    assert row.difference == pytest.approx(400 * np.log10(3 / 2), abs=1e-3)
    assert (row.lower, row.upper, row.reason) == (None, None, Reason.FEW_PROMPTS)
    with_w = rating_differences(dict.fromkeys("xyw", intervals), "z")
    without = rating_differences(dict.fromkeys("xy", intervals), "z")
    assert with_w.rows[2].reason is Reason.FEW_PROMPTS
    assert with_w.rows[:2] == without.rows
