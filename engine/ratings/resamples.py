"""Ratings of many resamples of the same battles, solved together.

All resamples lie near the full sample, so they start at its fit and first share its curvature: one matrix, inverted
once, gives every resample steps that shrink its error 5 to 30 times each when battles are many. The few that do not
shrink it go on with Newton steps of their own. A resample may hold no finite fit for a model, because the battle
that tied it to the rest was not drawn: that model's rating is infinite there, or unknown.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

import numpy as np

from engine.ratings.cells import BoolArray, FloatArray, IntArray, sums
from engine.ratings.identifiability import beat_or_tied, largest_component, reachable
from engine.ratings.likelihood import centred_inverse, curvature, gradient, maximise, square

# In natural units (2e-5 and 2e-3 Elo). What is left after the last shared step is below it, after Newton its square.
_SHARED_TOLERANCE = 1e-7
_NEWTON_TOLERANCE = 1e-5
_MOST_SHARED_STEPS = 12
# Each step must be shorter than this share of the one before; the first is held against the longest allowed.
_LEAST_SHRINKAGE = 0.4
_LONGEST_SHARED_STEP = 5.0
# Numbers in one (S, k, k) array: small enough to stay in a processor's cache.
_BLOCK_NUMBERS = 100_000


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
    battles = square(full.theta.size, full.a, full.b, full.battles[None].astype(np.float64))
    shared = centred_inverse(curvature(battles, full.theta[None])[0])
    block = _Block(full, shared, np.zeros((size, *shared.shape)), np.empty((size, *shared.shape)))
    remaining = iter(samples)
    solved = []
    while drawn := list(islice(remaining, size)):
        solved.append(block.solved(drawn))
    return np.concatenate(solved)


@dataclass(frozen=True, eq=False)
class _Block:
    """Room for S resamples that are solved together.

    Attributes:
        shared: (k, k) inverse of the full sample's curvature, on vectors of mean zero.
        battles, scratch: (S, k, k) matrices, used again for every block.
    """

    full: FittedPairs
    shared: FloatArray
    battles: FloatArray
    scratch: FloatArray

    def solved(self, drawn: list[tuple[FloatArray, FloatArray]]) -> FloatArray:
        """(S, k) as `solve` gives them, for up to as many resamples as there is room for."""
        full, k = self.full, self.full.theta.size
        battles, score = (np.array(column, dtype=np.float64) for column in zip(*drawn, strict=True))
        places = [_place(full, *sample) for sample in zip(battles, score, strict=True)]
        free, side = (np.array(column) for column in zip(*places, strict=True))
        if not free.all():
            kept = free[:, full.a] & free[:, full.b]
            battles, score = battles * kept, score * kept
        pairs = zip(score, battles - score, strict=True)
        wins = np.array([sums(full.a, won, k) + sums(full.b, lost, k) for won, lost in pairs])
        theta = self._fit(square(k, full.a, full.b, battles, self.battles), wins, free)
        shift = np.where(free, full.theta, 0).sum(axis=1) / np.maximum(free.sum(axis=1), 1)
        return np.where(free, theta + shift[:, None], side)

    def _fit(self, battles: FloatArray, wins: FloatArray, free: BoolArray) -> FloatArray:
        """(S, k) log strengths: shared steps where they converge fast, Newton steps for the rest."""
        theta = np.tile(self.full.theta, (len(wins), 1))
        left = np.flatnonzero(~self._shared_steps(theta, battles, wins, free))
        if left.size:
            start = np.tile(self.full.theta, (left.size, 1))
            theta[left] = maximise(battles[left], wins[left], free[left], start, _NEWTON_TOLERANCE)
        return theta

    def _shared_steps(
        self, theta: FloatArray, battles: FloatArray, wins: FloatArray, free: BoolArray
    ) -> BoolArray:
        """Improve `theta` (S, k) in place with steps of the shared curvature; true (S,) where that converged."""
        active = free.all(axis=1)
        converged = np.zeros_like(active)
        length = np.full(len(theta), _LONGEST_SHARED_STEP)
        for _ in range(_MOST_SHARED_STEPS):
            step = gradient(battles, wins, theta, self.scratch) @ self.shared
            longest, length = _LEAST_SHRINKAGE * length, np.ptp(step, axis=1)
            active &= length < longest
            theta += step * active[:, None]
            converged |= active & (length <= _SHARED_TOLERANCE)
            active &= ~converged
            if not active.any():
                break
        return converged


def _place(full: FittedPairs, battles: FloatArray, score: FloatArray) -> tuple[BoolArray, FloatArray]:
    """The models that share the scale in one resample (k,), and what stands for the others: infinities or NaN (k,)."""
    k = full.theta.size
    outcomes = beat_or_tied(k, full.a, full.b, score, battles)
    inverse = np.ascontiguousarray(outcomes.T)
    met = sums(full.a, battles, k) + sums(full.b, battles, k)
    start = np.zeros(k, dtype=bool)
    start[np.argmax(met) if full.pinned is None else full.pinned] = True
    down, up = reachable(outcomes, start), reachable(inverse, start)
    if full.pinned is None and 2 * (down & up).sum() <= k:
        start = largest_component(outcomes, met)
        start &= start.sum() > 1
        down, up = reachable(outcomes, start), reachable(inverse, start)
    return down & up, np.select([up & ~down, down & ~up], [np.inf, -np.inf], np.nan)
