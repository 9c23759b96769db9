"""Ratings of many resamples of the same battles, solved together.

All resamples lie near the full sample, so they start at its fit and first share its curvature: one matrix, inverted
once, gives every resample steps that shrink its error 5 to 30 times each when battles are many. The few that do not
shrink it go on with Newton steps of their own. A resample may hold no finite fit for a model, because the battle
that tied it to the rest was not drawn: that model's rating is infinite there, or unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from engine.ratings.cells import FloatArray, IntArray
from engine.ratings.identifiability import BoolArray, beat_or_tied, largest_component, reachable
from engine.ratings.likelihood import curvature, gradient, maximise, square

# In natural units (2e-5 and 2e-3 Elo). What is left after the last shared step is below it, after Newton its square.
_SHARED_TOLERANCE = 1e-7
_NEWTON_TOLERANCE = 1e-5
_MOST_SHARED_STEPS = 12
_LEAST_SHRINKAGE = 0.4
# Numbers in one (S, n, n) array: small enough to stay in a processor's cache.
_BLOCK_NUMBERS = 200_000


@dataclass(frozen=True, eq=False)
class FittedPairs:
    """The full sample that resamples are drawn from: k models that share one scale.

    Attributes:
        a, b: (P,) the pairs, a < b.
        battles: (P,) battles of each pair.
        theta: (k,) log strengths of the fit, mean zero.
        pinned: the anchor's index, or None.
    """

    a: IntArray
    b: IntArray
    battles: IntArray
    theta: FloatArray
    pinned: int | None


def solve(full: FittedPairs, samples: Iterable[tuple[FloatArray, FloatArray]]) -> FloatArray:
    """(R, k) log strengths in each resample, aligned with those of the full sample.

    Plus or minus infinity where no finite rating is high or low enough, NaN where the resample does not tell. A
    resample is shifted so that the models which are finite in it have the mean that they have in the full sample.

    Args:
        full: the full sample.
        samples: battles (P,) and wins of a, ties half (P,), of each resample.
    """
    size = max(1, _BLOCK_NUMBERS // max(1, full.theta.size) ** 2)
    shared = np.linalg.pinv(_full_curvature(full))
    rows: list[FloatArray] = []
    block: list[tuple[FloatArray, FloatArray]] = []
    for sample in samples:
        block.append(sample)
        if len(block) == size:
            rows.append(_solve_block(full, block, shared))
            block = []
    if block:
        rows.append(_solve_block(full, block, shared))
    return np.concatenate(rows)


def _full_curvature(full: FittedPairs) -> FloatArray:
    battles = square(full.theta.size, full.a, full.b, full.battles[None].astype(np.float64))
    return curvature(battles, full.theta[None])[0]


def _solve_block(
    full: FittedPairs, block: list[tuple[FloatArray, FloatArray]], shared: FloatArray
) -> FloatArray:
    battles = np.array([sample[0] for sample in block], dtype=np.float64)
    score = np.array([sample[1] for sample in block], dtype=np.float64)
    places = [_place(full, *sample) for sample in zip(battles, score, strict=True)]
    free, side = np.array([place[0] for place in places]), np.array([place[1] for place in places])
    if not free.all():
        kept = free[:, full.a] & free[:, full.b]
        battles, score = battles * kept, score * kept
    k = full.theta.size
    pairs = zip(score, battles - score, strict=True)
    wins = np.array([np.bincount(full.a, won, k) + np.bincount(full.b, lost, k) for won, lost in pairs])
    theta = _fit(square(k, full.a, full.b, battles), wins, free, full.theta, shared)
    shift = np.where(free, full.theta, 0).sum(axis=1) / np.maximum(free.sum(axis=1), 1)
    return np.where(free, theta + shift[:, None], side)


def _place(full: FittedPairs, battles: FloatArray, score: FloatArray) -> tuple[BoolArray, FloatArray]:
    """The models that share the scale in one resample (k,), and what stands for the others: infinities or NaN (k,)."""
    k = full.theta.size
    outcomes = beat_or_tied(k, full.a, full.b, score, battles)
    inverse = np.ascontiguousarray(outcomes.T)
    met = np.bincount(full.a, battles, k) + np.bincount(full.b, battles, k)
    start = np.zeros(k, dtype=bool)
    start[np.argmax(met) if full.pinned is None else full.pinned] = True
    down, up = reachable(outcomes, start), reachable(inverse, start)
    if full.pinned is None and 2 * (down & up).sum() <= k:
        start = largest_component(outcomes, met)
        start &= start.sum() > 1
        down, up = reachable(outcomes, start), reachable(inverse, start)
    return down & up, np.select([up & ~down, down & ~up], [np.inf, -np.inf], np.nan)


def _fit(
    battles: FloatArray, wins: FloatArray, free: BoolArray, start: FloatArray, shared: FloatArray
) -> FloatArray:
    """(S, k) log strengths: shared steps where they converge fast, Newton steps for the rest."""
    theta = np.tile(start, (len(wins), 1))
    open_samples = np.flatnonzero(free.all(axis=1))
    to_newton = ~free.all(axis=1)
    length = np.full(len(wins), np.inf)
    for _ in range(_MOST_SHARED_STEPS):
        step = gradient(battles[open_samples], wins[open_samples], theta[open_samples]) @ shared
        theta[open_samples] += step
        now = np.ptp(step, axis=1)
        shrinks = now < _LEAST_SHRINKAGE * length[open_samples]
        length[open_samples] = now
        to_newton[open_samples[~shrinks]] = True
        open_samples = open_samples[shrinks & (now > _SHARED_TOLERANCE)]
    to_newton[open_samples] = True
    if to_newton.any():
        begin = np.tile(start, (int(to_newton.sum()), 1))
        theta[to_newton] = maximise(
            battles[to_newton], wins[to_newton], free[to_newton], begin, _NEWTON_TOLERANCE
        )
    return theta
