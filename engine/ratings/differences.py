"""Differences between models, with intervals that know what the two have in common.

The difference of two ratings is taken within each resample of a bootstrap over prompts: R_a - R_b of one resample,
all models fitted together. What a prompt, or an opponent, does to both cancels, and the two need not have met, nor
share opponents. Its interval is the range between quantiles of these differences.

Several models against one baseline make several comparisons; the interval of each alone would miss too often. The
simultaneous ones hold all differences at once with the given confidence (max-|t|: Montiel Olea and Plagborg-Moller
2019, Simultaneous confidence bands): with s_k the spread of difference k over the resamples, and c the quantile of
max_k |d_k(resample) - d_k| / s_k, the interval of each is d_k -+ c s_k.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from engine.ratings.bootstrap import BootstrapIntervals
from engine.ratings.cells import FloatArray
from engine.ratings.counts import PairCounts, named
from engine.ratings.identifiability import Reason, beat_or_tied, reachable
from engine.ratings.intervals import bounds, finite_or_none, quantiles

Beyond = Literal["below", "above"]


@dataclass(frozen=True, slots=True)
class Difference:
    """How far a model lies from a baseline, as model minus baseline.

    Attributes:
        difference, lower, upper: in the unit of what was compared; None where it cannot be had.
        reason: why not.
        beyond: where there is no difference because no finite one is large enough: `below` where only minus infinity
            fits the battles, `above` where only plus infinity does.
    """

    model: str
    baseline: str
    difference: float | None
    lower: float | None
    upper: float | None
    reason: Reason | None
    beyond: Beyond | None = None


@dataclass(frozen=True, slots=True)
class Differences:
    """Differences of several models to one baseline, whose intervals hold all at once.

    Attributes:
        rows: one for each model.
        confidence_level: with which all intervals hold together.
        critical_value: c, the half width of the intervals in units of each difference's spread; None without any.
        n_resamples, random_state: of the bootstrap.
    """

    rows: tuple[Difference, ...]
    confidence_level: float
    critical_value: float | None
    n_resamples: int
    random_state: int


def rating_difference(intervals: BootstrapIntervals, model: str, baseline: str) -> Difference:
    """The difference of two ratings with its paired interval, at the confidence level of `intervals`.

    Raises:
        UsageError: for a name that is not among the models.
    """
    i, j = named(intervals.models, model), named(intervals.models, baseline)
    lower, upper = bounds(difference_samples(intervals, [i], j), intervals.confidence_level)
    low, high = finite_or_none(lower)[0], finite_or_none(upper)[0]
    return _difference(intervals, i, j, low, high)


def rating_differences(ratings: Mapping[str, BootstrapIntervals], baseline: str) -> Differences:
    """The differences of several ratings to a baseline's, with simultaneous intervals.

    The quantile of a maximum is rough with few resamples: take 1,000.

    Args:
        ratings: by model, the ratings that its difference is taken of. They may rest on different battles, but their
            resamples must be of the same prompts, or the intervals do not hold together.

    Raises:
        UsageError: for a name that is not among the models.
    """
    places = [(one, named(one.models, model), named(one.models, baseline)) for model, one in ratings.items()]
    first = places[0][0]
    known = [_gap(one, i, j) if one.enough[[i, j]].all() else None for one, i, j in places]
    point = np.array(known, dtype=np.float64)
    samples = np.hstack([difference_samples(one, [i], j) for one, i, j in places])
    lower, upper, critical = simultaneous_bounds(point, samples, first.confidence_level)
    rows = zip(places, finite_or_none(lower), finite_or_none(upper), strict=True)
    return Differences(
        rows=tuple(_difference(*place, low, high) for place, low, high in rows),
        confidence_level=first.confidence_level,
        critical_value=critical,
        n_resamples=first.n_resamples,
        random_state=first.random_state,
    )


def difference_samples(intervals: BootstrapIntervals, models: Sequence[int], baseline: int) -> FloatArray:
    """(R, K) differences in each resample; NaN where neither is finite, as nothing is known of it."""
    with np.errstate(invalid="ignore"):
        return intervals.samples[:, models] - intervals.samples[:, [baseline]]


def simultaneous_bounds(
    point: FloatArray, samples: FloatArray, confidence_level: float
) -> tuple[FloatArray, FloatArray, float | None]:
    """Bounds (K,), (K,) that hold all K differences at once, and the critical value c.

    A difference that is infinite or unknown in too many resamples for a finite interval of its own gets NaN, and does
    not widen the others.

    Args:
        point: (K,) the differences in the full sample; NaN where there is none.
        samples: (R, K) the differences in each resample.
    """
    lower, upper = (np.full(point.size, np.nan) for _ in range(2))
    spread = _spread(samples)
    with np.errstate(invalid="ignore", divide="ignore"):
        distance = np.abs(samples - point)
        deviation = np.where(distance == 0, 0.0, distance / spread)
    deviation = np.where(np.isnan(deviation), np.inf, deviation)
    usable = np.isfinite(point) & np.isfinite(quantiles(deviation, confidence_level))
    if not usable.any():
        return lower, upper, None
    critical = float(quantiles(deviation[:, usable].max(axis=1)[:, None], confidence_level)[0])
    if not np.isfinite(critical):
        return lower, upper, None
    lower[usable] = point[usable] - critical * spread[usable]
    upper[usable] = point[usable] + critical * spread[usable]
    return lower, upper, critical


def _spread(samples: FloatArray) -> FloatArray:
    """(K,) standard deviations; with infinities, that of a normal distribution with the same quartiles."""
    low, high = bounds(samples, 0.5)
    with np.errstate(invalid="ignore"):
        from_quartiles = (high - low) / (2 * NormalDist().inv_cdf(0.75))
        deviation = np.std(samples, axis=0)
    return np.where(np.isfinite(deviation), deviation, from_quartiles)


def _gap(intervals: BootstrapIntervals, i: int, j: int) -> float | None:
    mine, theirs = intervals.rating[i], intervals.rating[j]
    return None if mine is None or theirs is None else mine - theirs


def _difference(
    intervals: BootstrapIntervals, i: int, j: int, lower: float | None, upper: float | None
) -> Difference:
    gap = _gap(intervals, i, j)
    reason = None
    if gap is None:
        reason = intervals.reasons[i] if intervals.rating[i] is None else intervals.reasons[j]
    elif Reason.ONLY_TIES in intervals.reasons:
        reason, lower, upper = Reason.ONLY_TIES, None, None
    elif not intervals.enough[[i, j]].all():
        reason, lower, upper = Reason.FEW_PROMPTS, None, None
    elif lower is None or upper is None:
        reason = Reason.RESAMPLES
    beyond = None
    if gap is None:
        lower = upper = None
        beyond = _beyond(intervals.fit.counts, i, j)
    return Difference(intervals.models[i], intervals.models[j], gap, lower, upper, reason, beyond)


def _beyond(counts: PairCounts, i: int, j: int) -> Beyond | None:
    """Where i stands to j if "beat or tied" leads from one to the other, and in one direction alone.

    Then some set of models with the upper one in it won all its battles against the rest, so the likelihood grows for
    ever as the two move apart (Ford 1957).
    """
    n = len(counts.models)
    outcomes = beat_or_tied(n, counts.a, counts.b, counts.score, counts.battles)
    one = np.eye(n, dtype=bool)
    down, up = bool(reachable(outcomes, one[i])[j]), bool(reachable(outcomes, one[j])[i])
    if down == up:
        return None
    return "above" if down else "below"
