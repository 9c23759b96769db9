"""Resample counts: draw as many battles as there were, with replacement, and count them again. Exact, and fast.

The counts of such a resample are multinomial. Numpy draws them with one conditional binomial per cell, which takes
most of the time of a bootstrap with 300 models (134,550 cells). The way here rests on two facts. Independent Poisson
counts are, given their sum T, multinomial of T draws; and multinomials of T and of N - T draws add up to one of N.
So draw Poisson counts with means a little too small, which are drawn from tables because cells with equal counts
share their distribution, and add the N - T draws that are missing one by one. Where T exceeds N (2 in 100), draw
again: the sum says nothing about how it is spread, so what is kept is multinomial exactly.
"""

from __future__ import annotations

import math

import numpy as np

from engine.ratings.cells import FloatArray, IntArray

# With fewer cells, or fewer battles, numpy's own way is as fast.
_FEW_CELLS = 4096
# Means above this are left to numpy's Poisson draws: a table of theirs would be large, and such cells are few.
_LARGEST_TABLE_MEAN = 128
# The Poisson means fall short by so many standard deviations of their sum, which exceeds N in 2 cases of 100.
_SHORTFALL_DEVIATIONS = 2.0
_GUIDE_BITS = 12
_GUIDES = 1 << _GUIDE_BITS


class CountResampler:
    """Draws multinomial counts of the N = sum(counts) trials with probabilities counts / N."""

    def __init__(self, counts: IntArray) -> None:
        """Take `counts` (K,), whole numbers, zero or more."""
        self._counts = counts
        self._total = int(counts.sum())
        self._share = counts / max(self._total, 1)
        self._poisson: PoissonCells | None = None
        if min(counts.size, self._total) >= _FEW_CELLS:
            shortfall = 1 - _SHORTFALL_DEVIATIONS / math.sqrt(self._total)
            self._poisson = PoissonCells(counts, shortfall)
            self._upto = np.cumsum(counts)

    def draw(self, rng: np.random.Generator) -> IntArray:
        """(K,) counts of one resample."""
        if self._poisson is None:
            return rng.multinomial(self._total, self._share) if self._total else self._counts
        drawn = self._poisson.draw(rng)
        missing = self._total - int(drawn.sum())
        if missing < 0:
            return self.draw(rng)
        one_by_one = np.searchsorted(self._upto, rng.integers(0, self._total, missing), side="right")
        np.add.at(drawn, one_by_one, 1)
        return drawn


class PoissonCells:
    """Draws independent Poisson counts with means `factor` times `counts`, cells of equal counts from one table."""

    def __init__(self, counts: IntArray, factor: float) -> None:
        self._large = np.flatnonzero(counts > _LARGEST_TABLE_MEAN)
        self._large_means = counts[self._large] * factor
        values, table = np.unique(np.where(counts > _LARGEST_TABLE_MEAN, 0, counts), return_inverse=True)
        self._tables = PoissonTables(values * factor)
        self._table = table.astype(np.int64)

    def draw(self, rng: np.random.Generator) -> IntArray:
        """(K,) counts."""
        drawn = self._tables.draw(self._table, rng)
        if self._large.size:
            drawn[self._large] = rng.poisson(self._large_means)
        return drawn


class PoissonTables:
    """Draws from Poisson distributions by inversion, with a guide table for each.

    A 12-bit uniform number picks an entry of the guide table. Where all numbers with these first bits give one count,
    that is the draw. In the few other entries (as many as the distribution has likely values) 53 more bits decide.
    """

    def __init__(self, means: FloatArray) -> None:
        """Make tables for `means` (D,), zero to a few hundred."""
        largest = float(means.max(initial=0.0))
        length = int(largest + 12 * math.sqrt(largest) + 24)
        with np.errstate(divide="ignore"):
            steps = np.log(means)[:, None] - np.log(np.arange(1, length))
        logs = np.concatenate([np.zeros((len(means), 1)), np.cumsum(steps, axis=1)], axis=1) - means[:, None]
        cumulative = np.minimum(np.cumsum(np.exp(logs), axis=1), 1.0)
        cumulative[:, -1] = 1.0
        edges = np.arange(_GUIDES + 1) / _GUIDES
        place = np.array([np.searchsorted(row, edges, side="right") for row in cumulative]).reshape(
            -1, edges.size
        )
        first, last = place[:, :-1], place[:, 1:]
        self._guide = np.where(first == last, first, -1).astype(np.int16).ravel()
        self._length = length
        # Row d holds values in (d, d + 1], so that one search serves all rows.
        self._cumulative = (cumulative + np.arange(len(means))[:, None]).ravel()

    def draw(self, table: IntArray, rng: np.random.Generator) -> IntArray:
        """One Poisson count for each entry of `table` (K,), the number of its distribution."""
        entry = rng.integers(0, 1 << 16, table.size, dtype=np.uint16) >> (16 - _GUIDE_BITS)
        counts = self._guide.take(table * _GUIDES + entry).astype(np.int64)
        open_draws = np.flatnonzero(counts < 0)
        row = table[open_draws]
        uniform = (entry[open_draws] + rng.random(open_draws.size)) / _GUIDES
        counts[open_draws] = (
            np.searchsorted(self._cumulative, row + uniform, side="right") - row * self._length
        )
        return counts
