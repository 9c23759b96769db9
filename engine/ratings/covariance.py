"""Intervals from the curvature of the likelihood: in one step, without resampling.

With H the Laplacian of the weights N_ij p_ij p_ji at the fit, and V that of the summed squared residuals of the
battles, (1 - p)^2 for a win, p^2 for a loss, (1/2 - p)^2 for a tie, the covariance of mean-centred log strengths is
the pseudo-inverse H+ (Hessian), which trusts the model, or H+ V H+ (the sandwich: Huber 1967, White 1982; arena-rank
uses it), which does not. A tie counts half a win, which the model does not know, so the Hessian is too wide here.
"""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist
from typing import Literal

import numpy as np

from engine.ratings.bradley_terry import BradleyTerryFit, anchor_index, bradley_terry
from engine.ratings.cells import FloatArray
from engine.ratings.counts import PairCounts
from engine.ratings.identifiability import Reason
from engine.ratings.intervals import RatingIntervals, check_options
from engine.ratings.likelihood import centred_inverse, curvature, laplacian, square
from engine.ratings.scale import ELO_PER_NAT, Anchor

Method = Literal["sandwich", "hessian"]


@dataclass(frozen=True, eq=False)
class NormalIntervals(RatingIntervals):
    """Intervals rating +- z standard errors.

    Attributes:
        method: where the covariance is from.
        standard_error: (n) Elo points, of the difference to the anchor where there is one, else of the difference to
            the mean; None without a rating.
        covariance: (n, n) of the ratings that these are errors of, Elo points squared; NaN without a rating.
    """

    method: Method
    standard_error: tuple[float | None, ...]
    covariance: FloatArray


def normal_intervals(
    counts: PairCounts,
    anchor: Anchor | None = None,
    *,
    method: Method = "sandwich",
    confidence_level: float = 0.95,
) -> NormalIntervals:
    """Ratings with intervals from the covariance of the fit.

    Raises:
        UsageError: when the anchor is not among the models, or the level is out of range.
    """
    check_options(confidence_level)
    fit = bradley_terry(counts, anchor)
    covariance = rating_covariance(fit, method)
    error = np.sqrt(np.diagonal(covariance))
    reach = NormalDist().inv_cdf((1 + confidence_level) / 2)
    known = [
        None if only_ties(fit) or value is None else float(e)
        for value, e in zip(fit.rating, error, strict=True)
    ]
    pairs = list(zip(fit.rating, known, strict=True))
    covariance.flags.writeable = False
    return NormalIntervals(
        fit=fit,
        confidence_level=confidence_level,
        rating_lower=tuple(None if r is None or e is None else r - reach * e for r, e in pairs),
        rating_upper=tuple(None if r is None or e is None else r + reach * e for r, e in pairs),
        reasons=fit.reasons,
        method=method,
        standard_error=tuple(known),
        covariance=covariance,
    )


def rating_covariance(fit: BradleyTerryFit, method: Method = "sandwich") -> FloatArray:
    """(n, n) covariance of the ratings in Elo points squared; NaN for models without a rating."""
    rated = np.flatnonzero(fit.scale.rated)
    covariance = np.full((len(fit.models), len(fit.models)), np.nan)
    if not rated.size:
        return covariance
    theta = np.array([fit.rating[i] for i in rated], dtype=np.float64) / ELO_PER_NAT
    counts = fit.counts.among(fit.models[i] for i in rated)
    centred = _centred_covariance(counts, theta - theta.mean(), method)
    pinned = anchor_index(counts, fit.anchor)
    if pinned is not None:
        row = centred[pinned]
        centred = centred - row[:, None] - row[None, :] + row[pinned]
    covariance[np.ix_(rated, rated)] = centred * ELO_PER_NAT**2
    return covariance


def _centred_covariance(counts: PairCounts, theta: FloatArray, method: Method) -> FloatArray:
    n = theta.size
    battles = square(n, counts.a, counts.b, counts.battles[None].astype(np.float64))
    inverse = centred_inverse(curvature(battles, theta[None])[0])
    if method == "hessian":
        return inverse
    p = 1 / (1 + np.exp(theta[counts.b] - theta[counts.a]))
    residual = counts.wins * (1 - p) ** 2 + counts.losses * p**2 + counts.ties * (0.5 - p) ** 2
    covariance: FloatArray = inverse @ laplacian(square(n, counts.a, counts.b, residual[None]))[0] @ inverse
    return covariance


def only_ties(fit: BradleyTerryFit) -> bool:
    """Whether nothing was decided among the rated models, so that no spread can be known."""
    return Reason.ONLY_TIES in fit.reasons
