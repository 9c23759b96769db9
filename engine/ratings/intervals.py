"""Ratings with intervals: the common form of what the bootstrap and the sandwich give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.errors import UsageError
from engine.ratings.bradley_terry import BradleyTerryFit
from engine.ratings.cells import BoolArray, FloatArray
from engine.ratings.identifiability import Reason

LEAST_RESAMPLES = 40
"""With R resamples, the lowest and the highest hold a share of (R - 1) / (R + 1): 95 % with 39, and none with one."""

LEAST_PROMPTS = 6
"""Prompts below which a bootstrap over prompts gives no bounds. All of its resamples lie between the extremes of what
K prompts say one by one, which miss the middle of what prompts say with probability 2^(1 - K): 6 % with 5, 3 % with 6.
On one prompt every resample is the same, and the interval would be a point."""


@dataclass(frozen=True, eq=False)
class RatingIntervals:
    """Ratings of n models with bounds, in the order of `fit.models`.

    Attributes:
        fit: the ratings, what they rest on, and why some models have none.
        confidence_level: share of cases in which an interval is to hold the rating.
        rating_lower, rating_upper: (n) Elo points; None where there is no rating or no finite bound.
        reasons: (n) why a rating or a bound is None, or what else is to be known; or None.
    """

    fit: BradleyTerryFit
    confidence_level: float
    rating_lower: tuple[float | None, ...]
    rating_upper: tuple[float | None, ...]
    reasons: tuple[Reason | None, ...]

    @property
    def models(self) -> tuple[str, ...]:
        """The names, in the order of all columns."""
        return self.fit.models

    @property
    def rating(self) -> tuple[float | None, ...]:
        """(n) the ratings of `fit`."""
        return self.fit.rating


def check_options(confidence_level: float, n_resamples: int | None = None) -> None:
    """Refuse options that no interval can be had with.

    Raises:
        UsageError: when the level is not between 0 and 1, or resamples are fewer than `LEAST_RESAMPLES`.
    """
    if not 0 < confidence_level < 1:
        raise UsageError(
            f"confidence_level is {confidence_level}", mend="give a number between 0 and 1, such as 0.95"
        )
    if n_resamples is not None and n_resamples < LEAST_RESAMPLES:
        raise UsageError(
            f"n_resamples is {n_resamples}, too few for an interval",
            mend=f"give a whole number from {LEAST_RESAMPLES}, such as 100",
        )


def quantiles(samples: FloatArray, probability: float) -> FloatArray:
    """(K,) quantiles of `samples` (R, K), linear between two of them as numpy's; infinite where one of these is."""
    ordered = np.sort(samples, axis=0)
    place = probability * (len(ordered) - 1)
    below, share = int(place), place - int(place)
    low: FloatArray = ordered[below]
    if share == 0:
        return low
    high = ordered[below + 1]
    with np.errstate(invalid="ignore"):
        between = low + share * (high - low)
    return np.where(np.isfinite(between), between, np.where(np.isfinite(low), high, low))


def bounds(samples: FloatArray, confidence_level: float) -> tuple[FloatArray, FloatArray]:
    """(K,) and (K,) the equal-tailed interval of `samples` (R, K), in which NaN says nothing: it widens both ways."""
    tail = (1 - confidence_level) / 2
    unknown = np.isnan(samples)
    lower = quantiles(np.where(unknown, -np.inf, samples), tail)
    return lower, quantiles(np.where(unknown, np.inf, samples), 1 - tail)


def medians(samples: FloatArray) -> FloatArray:
    """(K,) medians of `samples` (R, K), those that are NaN left out; NaN where nothing is left."""
    middle = quantiles(samples, 0.5)
    for i in np.flatnonzero(np.isnan(samples).any(axis=0)):
        known = samples[~np.isnan(samples[:, i]), i]
        middle[i] = quantiles(known[:, None], 0.5)[0] if known.size else np.nan
    return middle


def finite_or_none(values: FloatArray, wanted: BoolArray | None = None) -> tuple[float | None, ...]:
    """`values` (K,) with None for what is infinite, NaN or not `wanted` (K,)."""
    shown = np.isfinite(values) if wanted is None else np.isfinite(values) & wanted
    return tuple(float(value) if show else None for value, show in zip(values, shown, strict=True))
