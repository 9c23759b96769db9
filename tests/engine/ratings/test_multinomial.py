"""The fast way of resampling draws from the same distribution as numpy's."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from engine.ratings.multinomial import CountResampler, PoissonCells, PoissonTables

DRAWS = 4000


def many_cells() -> np.ndarray:
    """Counts of 5,000 cells, with empty ones, ones of a few battles and large ones."""
    rng = np.random.default_rng(5)
    counts = rng.poisson(rng.choice([0.0, 0.7, 3.0, 40.0, 300.0], 5000, p=[0.1, 0.4, 0.4, 0.09, 0.01]))
    return counts.astype(np.int64)


@pytest.mark.parametrize("mean", [0.3, 1.0, 7.3, 128.0])
def test_table_draws_are_poisson(mean: float) -> None:
    table = PoissonTables(np.array([2.0, mean]))
    drawn = table.draw(np.full(200_000, 1), np.random.default_rng(1))
    edges = np.arange(stats.poisson.ppf(0.001, mean), stats.poisson.ppf(0.999, mean) + 1)
    cumulative = np.concatenate([[0], stats.poisson.cdf(edges, mean), [1]])
    observed = np.histogram(drawn, np.concatenate([[-1], edges, [np.inf]]) + 0.5)[0]
    assert stats.chisquare(observed, np.diff(cumulative) * drawn.size).pvalue > 1e-4


def test_every_resample_has_as_many_battles() -> None:
    counts = many_cells()
    resampler, rng = CountResampler(counts), np.random.default_rng(2)
    assert {int(resampler.draw(rng).sum()) for _ in range(50)} == {int(counts.sum())}


def test_cells_have_binomial_means_and_variances() -> None:
    counts = many_cells()
    total = counts.sum()
    resampler, rng = CountResampler(counts), np.random.default_rng(3)
    drawn = np.array([resampler.draw(rng) for _ in range(DRAWS)])
    variance = counts * (1 - counts / total)
    filled = counts > 0
    z = (drawn.mean(axis=0) - counts)[filled] / np.sqrt(variance[filled] / DRAWS)
    assert stats.kstest(z, "norm").pvalue > 1e-4
    for size in (1, 2, 5):
        ratio = drawn[:, counts == size].var(axis=0).mean() / variance[counts == size].mean()
        assert ratio == pytest.approx(1, abs=0.02)
    assert not drawn[:, ~filled].any()


def test_cells_covary_as_multinomial_ones_do() -> None:
    """The sum of a part is binomial, which independent draws would not give."""
    counts = many_cells()
    part = np.arange(counts.size) < counts.size // 2
    share = counts[part].sum() / counts.sum()
    resampler, rng = CountResampler(counts), np.random.default_rng(4)
    sums = np.array([resampler.draw(rng)[part].sum() for _ in range(DRAWS)])
    expected = stats.binom(int(counts.sum()), share)
    assert sums.mean() == pytest.approx(expected.mean(), abs=4 * expected.std() / np.sqrt(DRAWS))
    assert sums.std() == pytest.approx(expected.std(), rel=0.06)


def test_one_cell_is_distributed_as_numpy_would() -> None:
    counts = np.full(4500, 3, dtype=np.int64)
    resampler, rng = CountResampler(counts), np.random.default_rng(6)
    drawn = np.concatenate([resampler.draw(rng) for _ in range(100)])
    observed = np.bincount(drawn, minlength=13)[:13]
    binomial = stats.binom(int(counts.sum()), 3 / counts.sum())
    expected = binomial.pmf(np.arange(13))
    expected[-1] = 1 - expected[:-1].sum()
    observed[-1] = drawn.size - observed[:-1].sum()
    assert stats.chisquare(observed, expected * drawn.size).pvalue > 1e-4


def test_large_cells_are_left_to_numpy() -> None:
    counts = np.array([1, 10**6], dtype=np.int64)
    drawn = PoissonCells(counts, 0.5).draw(np.random.default_rng(7))
    assert drawn[1] == pytest.approx(500_000, abs=6 * np.sqrt(500_000))


@pytest.mark.parametrize("counts", [[], [0], [5], [0, 3, 0], [0] * 5000])
def test_few_battles(counts: list[int]) -> None:
    drawn = CountResampler(np.array(counts, dtype=np.int64)).draw(np.random.default_rng(0))
    assert drawn.shape == (len(counts),)
    assert drawn.sum() == sum(counts)
