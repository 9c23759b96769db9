"""Bradley-Terry ratings by maximum likelihood from pair counts, a tie counting half a win for each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.ratings.cells import FloatArray
from engine.ratings.counts import PairCounts, named
from engine.ratings.identifiability import CommonScale, Reason, common_scale
from engine.ratings.likelihood import maximise, square
from engine.ratings.scale import ELO_PER_NAT, MEAN_RATING, Anchor

# In natural units. Newton squares it in its last step, so ratings are exact to about 1e-12 Elo.
_TOLERANCE = 1e-7


@dataclass(frozen=True, eq=False)
class BradleyTerryFit:
    """Ratings of n models, in the order of `counts.models`.

    Attributes:
        counts: what was fitted.
        anchor: the model whose rating is given; None puts the mean of the rated models at 1000.
        rating: (n) Elo points; None where no finite one can be had.
        reasons: (n) why not; or what else is to be known of a rating; or None.
        scale: which models share the scale, and where the others stand.
    """

    counts: PairCounts
    anchor: Anchor | None
    rating: tuple[float | None, ...]
    reasons: tuple[Reason | None, ...]
    scale: CommonScale

    @property
    def models(self) -> tuple[str, ...]:
        """The names, in the order of all columns."""
        return self.counts.models

    @property
    def rated_battles(self) -> int:
        """Battles between two rated models: those that the ratings rest on."""
        rated = self.scale.rated
        return int(self.counts.battles[rated[self.counts.a] & rated[self.counts.b]].sum())


def bradley_terry(counts: PairCounts, anchor: Anchor | None = None) -> BradleyTerryFit:
    """Fit P(a beats b) = 1 / (1 + 10^((R_b - R_a) / 400)) by maximum likelihood.

    Time and memory grow with the square of the number of models, the solution with its cube, none with battles.

    Raises:
        UsageError: when the anchor is not among the models.
    """
    pinned = anchor_index(counts, anchor)
    scale = common_scale(counts, pinned)
    rated = np.flatnonzero(scale.rated)
    theta = fit_theta(counts.among(counts.models[i] for i in rated))
    elo = on_scale(theta, anchor, None if pinned is None else int(np.searchsorted(rated, pinned)))
    rating: list[float | None] = [None] * len(counts.models)
    for i, value in zip(rated, elo, strict=True):
        rating[i] = float(value)
    return BradleyTerryFit(counts, anchor, tuple(rating), scale.reasons, scale)


def anchor_index(counts: PairCounts, anchor: Anchor | None) -> int | None:
    """Where the anchor stands in `counts.models`.

    Raises:
        UsageError: when it is not there.
    """
    return None if anchor is None else named(counts.models, anchor.model)


def fit_theta(counts: PairCounts) -> FloatArray:
    """(n,) maximum-likelihood log strengths, mean zero, of models that all share one scale."""
    n = len(counts.models)
    if not n:
        return np.zeros(0)
    battles = square(n, counts.a, counts.b, counts.battles[None].astype(np.float64))
    wins = counts.per_model(counts.score, counts.battles - counts.score)
    free, start = np.ones((1, n), dtype=bool), np.zeros((1, n))
    theta: FloatArray = maximise(battles, wins[None], free, start, _TOLERANCE)[0]
    return theta


def on_scale(theta: FloatArray, anchor: Anchor | None, pinned: int | None) -> FloatArray:
    """(n,) Elo ratings of the log strengths `theta` (n,), which share one scale."""
    if anchor is None or pinned is None:
        zero, given = float(theta.mean()) if theta.size else 0.0, MEAN_RATING
    else:
        zero, given = float(theta[pinned]), anchor.rating
    elo: FloatArray = (theta - zero) * ELO_PER_NAT + given
    return elo
