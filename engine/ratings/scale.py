"""The scale of ratings: 400 points are a factor of ten in odds, and one number fixes where zero is."""

from __future__ import annotations

import math
from dataclasses import dataclass

MEAN_RATING = 1000.0
ELO_PER_NAT = 400 / math.log(10)
"""Elo points of one natural unit of log odds."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """The model whose rating is given, and it; without one the mean of all rated models is 1000."""

    model: str
    rating: float
