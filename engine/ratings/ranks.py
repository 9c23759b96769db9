"""Ranks that intervals allow, and which models they do not tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.ratings.bootstrap import BootstrapIntervals
from engine.ratings.cells import BoolArray, FloatArray, IntArray
from engine.ratings.differences import difference_samples
from engine.ratings.intervals import RatingIntervals, bounds

Bounds = Sequence[float | None]


@dataclass(frozen=True, eq=False)
class Ties:
    """Which models are not told apart.

    Attributes:
        models: names of the n models.
        tied_with: (n) names of the models that each is tied with; none for a model without a rating.
        paired: (n, n) pairs that were decided by their paired difference over prompts; the others by whether their
            intervals overlap.
    """

    models: tuple[str, ...]
    tied_with: tuple[tuple[str, ...], ...]
    paired: BoolArray

    @property
    def basis(self) -> Literal["paired", "overlap", "both"]:
        """What decided: paired differences, overlapping intervals, or each of them for some pairs."""
        pairs = self.paired[~np.eye(len(self.models), dtype=bool)]
        if pairs.size and pairs.all():
            return "paired"
        return "both" if pairs.any() else "overlap"


def ranks(rating: Bounds, lower: Bounds, upper: Bounds) -> tuple[int | None, ...]:
    """Rank of each model: 1 + the number of models whose lower bound lies above its upper bound.

    A bound that is None is infinite. A model without a rating has no rank, and costs none.
    """
    lowest, highest = _finite_or(lower, -np.inf), _finite_or(upper, np.inf)
    rated = np.array([value is not None for value in rating], dtype=bool)
    bars = np.sort(lowest[rated])
    above = bars.size - np.searchsorted(bars, highest, side="right")
    return tuple(int(count) + 1 if known else None for count, known in zip(above, rated, strict=True))


def overlapping(lower: Bounds, upper: Bounds) -> BoolArray:
    """(n, n) pairs whose intervals have a point in common; a bound that is None is infinite."""
    lowest, highest = _finite_or(lower, -np.inf), _finite_or(upper, np.inf)
    return (lowest[:, None] <= highest[None, :]) & (lowest[None, :] <= highest[:, None])


def tied_with(intervals: RatingIntervals, common_prompts: IntArray | None = None) -> Ties:
    """Which models the data do not tell apart.

    Two models that fought on the same prompts are tied when the interval of their paired difference holds zero: the
    difference within each resample of prompts, in which what a prompt does to both cancels. The same prompts means
    that they share at least half of the prompts of the one that has fewer. Other pairs are tied when their intervals
    overlap, which asks for more before it tells two models apart.

    Args:
        intervals: ratings with intervals; paired differences need a bootstrap over prompts.
        common_prompts: (n, n) prompts that both models have battles on, from `PromptBattles.common_prompts`.
    """
    rated = np.array([value is not None for value in intervals.rating], dtype=bool)
    tied = overlapping(intervals.rating_lower, intervals.rating_upper)
    paired = np.zeros_like(tied)
    if (
        isinstance(intervals, BootstrapIntervals)
        and intervals.over == "prompts"
        and common_prompts is not None
    ):
        told = rated & intervals.enough
        paired = _share_prompts(common_prompts) & told[:, None] & told[None, :]
        tied = np.where(paired, _zero_within(intervals), tied)
    tied &= rated[:, None] & rated[None, :] & ~np.eye(rated.size, dtype=bool)
    names = tuple(tuple(intervals.models[j] for j in np.flatnonzero(row)) for row in tied)
    return Ties(intervals.models, names, paired)


def _share_prompts(common: IntArray) -> BoolArray:
    own = np.diagonal(common)
    return (common > 0) & (2 * common >= np.minimum(own[:, None], own[None, :]))


def _zero_within(intervals: BootstrapIntervals) -> BoolArray:
    """(n, n) whether the interval of the difference of two models holds zero."""
    n = len(intervals.models)
    holds = np.ones((n, n), dtype=bool)
    for i in range(n):
        lower, upper = bounds(difference_samples(intervals, range(n), i), intervals.confidence_level)
        holds[i] = (lower <= 0) & (upper >= 0)
    return holds


def _finite_or(bounds: Bounds, missing: float) -> FloatArray:
    return np.array([missing if bound is None else bound for bound in bounds], dtype=np.float64)
