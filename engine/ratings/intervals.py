"""Ratings with intervals: the common form of what the bootstrap and the sandwich give."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.ratings.bradley_terry import BradleyTerryFit
from engine.ratings.cells import FloatArray
from engine.ratings.identifiability import Reason


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


def quantile(samples: FloatArray, probability: float) -> float | None:
    """The quantile of one model's `samples` (R,), linear between two of them as numpy's; None where it is infinite."""
    ordered = np.sort(samples)
    if not ordered.size:
        return None
    place = probability * (ordered.size - 1)
    below, share = int(place), place - int(place)
    low = ordered[below]
    high = ordered[below + 1] if share > 0 else low
    if not (np.isfinite(low) and np.isfinite(high)):
        return None
    return float(low + share * (high - low))
