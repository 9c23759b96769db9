"""Bootstrap intervals of Bradley-Terry ratings, over battles and over prompts (Efron 1979; Chatbot Arena's way).

Over battles, a resample draws as many battles as there are, with replacement. Games on one prompt are not
independent, though: a prompt that suits a model decides all its battles there. Over prompts, a resample draws
prompts, each with all its battles (the cluster bootstrap), which gives the wider intervals that such data deserve.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np

from engine.ratings.bradley_terry import BradleyTerryFit, anchor_index, bradley_terry
from engine.ratings.cells import BoolArray, FloatArray, IntArray
from engine.ratings.counts import PairCounts
from engine.ratings.identifiability import Reason
from engine.ratings.intervals import (
    LEAST_PROMPTS,
    RatingIntervals,
    bounds,
    check_options,
    finite_or_none,
    medians,
)
from engine.ratings.multinomial import CountResampler
from engine.ratings.prompt_battles import PromptBattles
from engine.ratings.resamples import FittedPairs, solve
from engine.ratings.scale import ELO_PER_NAT, MEAN_RATING, Anchor

Over = Literal["battles", "prompts"]
Resamples = Iterator[tuple[FloatArray, FloatArray]]
"""Battles (P,) and wins of a, ties half (P,), of the rated pairs in each resample."""


@dataclass(frozen=True, eq=False)
class BootstrapIntervals(RatingIntervals):
    """Quantiles of the ratings of resamples.

    A resample without a finite fit for a model counts as plus or minus infinity for it; one that does not even tell
    which counts as minus infinity for the lower bound, as plus infinity for the upper one, and is left out of the
    median. A quantile that falls on an infinity is None. Where prompts are drawn, so are the bounds of models that have
    fewer than `LEAST_PROMPTS` prompts.

    Attributes:
        over: what was drawn.
        n_resamples, random_state: how many resamples R, and the seed that gives the same ones again.
        rating_median: (n) Elo points, or None.
        without_finite_fit: (n) resamples that hold no finite fit for a rated model.
        samples: (R, n) ratings in each resample, with infinities, and NaN where it tells nothing.
        enough: (n,) models that have battles on enough prompts for bounds; all where battles are drawn.
    """

    over: Over
    n_resamples: int
    random_state: int
    rating_median: tuple[float | None, ...]
    without_finite_fit: tuple[int, ...]
    samples: FloatArray
    enough: BoolArray


def bootstrap(
    counts: PairCounts,
    anchor: Anchor | None = None,
    *,
    n_resamples: int = 100,
    random_state: int = 0,
    confidence_level: float = 0.95,
) -> BootstrapIntervals:
    """Ratings with bootstrap intervals over battles; the default of 100 resamples is the paper's.

    The time grows with pairs and resamples, not with battles. The first resamples are the same whatever their number.

    Raises:
        UsageError: when the anchor is not among the models, or an option is out of range.
    """
    check_options(confidence_level, n_resamples)
    fit = bradley_terry(counts, anchor)
    samples = _rated_samples(fit, n_resamples, _battle_resamples(fit, n_resamples, random_state))
    enough = np.ones(len(fit.models), dtype=bool)
    return _summary(fit, samples, enough, "battles", n_resamples, random_state, confidence_level)


def bootstrap_prompts(
    battles: PromptBattles,
    anchor: Anchor | None = None,
    *,
    drawn_from: IntArray | None = None,
    n_resamples: int = 100,
    random_state: int = 0,
    confidence_level: float = 0.95,
) -> BootstrapIntervals:
    """Ratings with bootstrap intervals over prompts, each drawn with all its battles.

    Args:
        drawn_from: numbers of the prompts that resamples are drawn from; None is those that have battles. With the
            same ones and seed, resamples of battles on different prompts are resamples of the same prompts.

    Raises:
        UsageError: when the anchor is not among the models, or an option is out of range.
    """
    check_options(confidence_level, n_resamples)
    fit = bradley_terry(battles.counts(), anchor)
    held = np.unique(battles.cells.group) if drawn_from is None else drawn_from
    resamples = _prompt_resamples(fit, battles, held, n_resamples, random_state)
    samples = _rated_samples(fit, n_resamples, resamples)
    enough = battles.prompts_of_each() >= LEAST_PROMPTS
    return _summary(fit, samples, enough, "prompts", n_resamples, random_state, confidence_level)


def _rated_pairs(fit: BradleyTerryFit) -> IntArray:
    """Which pairs of `fit.counts` are of two rated models."""
    rated = fit.scale.rated
    return np.flatnonzero(rated[fit.counts.a] & rated[fit.counts.b])


def _battle_resamples(fit: BradleyTerryFit, n_resamples: int, random_state: int) -> Resamples:
    """Battles and wins of a of the rated pairs in each resample; all other battles are one more cell."""
    counts, pairs = fit.counts, _rated_pairs(fit)
    cells = np.concatenate([column[pairs] for column in (counts.wins, counts.losses, counts.ties)])
    resampler = CountResampler(np.append(cells, counts.total - cells.sum()))
    rng = np.random.default_rng(random_state)
    for _ in range(n_resamples):
        wins, losses, ties = resampler.draw(rng)[:-1].reshape(3, -1)
        yield (wins + losses + ties).astype(np.float64), wins + ties / 2


def _prompt_resamples(
    fit: BradleyTerryFit, battles: PromptBattles, held: IntArray, n_resamples: int, random_state: int
) -> Resamples:
    """Battles and wins of a of the rated pairs in each resample of the prompts `held`."""
    pairs = _rated_pairs(fit)
    rng = np.random.default_rng(random_state)
    weight = np.zeros(battles.n_prompts, dtype=np.int64)
    for _ in range(n_resamples):
        weight[held] = np.bincount(rng.integers(0, held.size, held.size), minlength=held.size)
        count, score = battles.weighted(weight)
        yield count[pairs], score[pairs]


def _rated_samples(fit: BradleyTerryFit, n_resamples: int, resamples: Resamples) -> FloatArray:
    """(R, n) ratings in each resample."""
    rated = np.flatnonzero(fit.scale.rated)
    beyond = np.select([fit.scale.side > 0, fit.scale.side < 0], [np.inf, -np.inf], np.nan)
    samples = np.tile(beyond, (n_resamples, 1))
    if not rated.size:
        return samples
    position = np.searchsorted(rated, np.arange(len(fit.models)))
    counts, pairs = fit.counts, _rated_pairs(fit)
    known = np.array([fit.rating[i] for i in rated])
    pinned = anchor_index(counts, fit.anchor)
    full = FittedPairs(
        position[counts.a[pairs]],
        position[counts.b[pairs]],
        counts.battles[pairs],
        (known - known.mean()) / ELO_PER_NAT,
        None if pinned is None else int(position[pinned]),
    )
    theta = solve(full, resamples)
    zero = MEAN_RATING if fit.anchor is None else fit.anchor.rating
    origin = 0.0 if full.pinned is None else theta[:, [full.pinned]]
    samples[:, rated] = (theta - origin) * ELO_PER_NAT + zero
    return samples


def _summary(
    fit: BradleyTerryFit,
    samples: FloatArray,
    enough: BoolArray,
    over: Over,
    n_resamples: int,
    random_state: int,
    confidence_level: float,
) -> BootstrapIntervals:
    rated = fit.scale.rated
    known = rated & (Reason.ONLY_TIES not in fit.reasons)
    bounded = known & enough
    lower, upper = bounds(samples, confidence_level)
    unbounded = bounded & ~(np.isfinite(lower) & np.isfinite(upper))
    infinite = np.where(rated, (~np.isfinite(samples)).sum(axis=0), 0)
    samples.flags.writeable = False
    return BootstrapIntervals(
        fit=fit,
        confidence_level=confidence_level,
        rating_lower=finite_or_none(lower, bounded),
        rating_upper=finite_or_none(upper, bounded),
        reasons=tuple(
            Reason.FEW_PROMPTS if few else Reason.RESAMPLES if u else reason
            for few, u, reason in zip(known & ~enough, unbounded, fit.reasons, strict=True)
        ),
        over=over,
        n_resamples=n_resamples,
        random_state=random_state,
        rating_median=finite_or_none(medians(samples), rated),
        without_finite_fit=tuple(int(count) for count in infinite),
        samples=samples,
        enough=enough,
    )
