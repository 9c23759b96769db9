"""Shares with Wilson intervals, and rank correlations with theirs: how sure a figure about verdicts is. Pure."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.ratings.agreement import spearman
from engine.ratings.cells import FloatArray

Z_95 = 1.959963984540054
"""0.975 quantile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Share:
    """`count` of `of`, 0 <= count <= of, with the 95 % interval of Wilson (1927).

    Unlike the textbook interval it stays within 0..1 and is no point at 0 or all of few; each one counted is taken
    to be independent of the others.

    Raises:
        ValueError: more counted than there are.
    """

    count: int
    of: int

    def __post_init__(self) -> None:
        if not 0 <= self.count <= self.of:
            raise ValueError(f"{self.count} of {self.of} is no share")

    @property
    def share(self) -> float | None:
        """0..1; None of nothing."""
        return self.count / self.of if self.of else None

    @property
    def lower(self) -> float | None:
        """Lower end of the interval, 0..1; None of nothing."""
        return self._bound(-1)

    @property
    def upper(self) -> float | None:
        """Upper end of the interval, 0..1; None of nothing."""
        return self._bound(+1)

    def _bound(self, side: int) -> float | None:
        if not self.of:
            return None
        if self.count == (0 if side < 0 else self.of):
            return float(side > 0)  # exactly, whatever rounding makes of the formula
        n, p, zz = self.of, self.count / self.of, Z_95**2
        spread = Z_95 * math.sqrt(p * (1 - p) / n + zz / (4 * n * n))
        return min(1.0, max(0.0, (p + zz / (2 * n) + side * spread) / (1 + zz / n)))

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return {
            "count": self.count,
            "of": self.of,
            "share": self.share,
            "lower": self.lower,
            "upper": self.upper,
        }


@dataclass(frozen=True, slots=True)
class Correlation:
    """Spearman's rank correlation of n pairs, -1..1, with a 95 % interval; all None where none can be had."""

    n: int
    value: float | None
    lower: float | None
    upper: float | None

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return {"of": self.n, "value": self.value, "lower": self.lower, "upper": self.upper}


def rank_correlation(x: FloatArray, y: FloatArray, n: int | None = None) -> Correlation:
    """Spearman's correlation of two columns of equal length.

    The interval is Fisher's, atanh(r) +- z * sqrt((1 + r^2/2) / (n - 3)), with the variance of Bonett and Wright
    (Psychometrika 65, 2000).

    Args:
        n: independent pairs that the columns stand for; None is their length.
    """
    n, value = int(np.size(x)) if n is None else n, spearman(x, y)
    if value is None or n < 4:
        return Correlation(n, value, None, None)
    inner = min(max(value, -1 + 1e-15), 1 - 1e-15)
    spread = Z_95 * math.sqrt((1 + inner * inner / 2) / (n - 3))
    centre = math.atanh(inner)
    return Correlation(n, value, math.tanh(centre - spread), math.tanh(centre + spread))
