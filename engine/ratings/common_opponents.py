"""Two models on what they have in common, without a rating: face to face, and against the same opponents.

Face to face is the win share of their own battles. Against the same opponents is the mean, over the (prompt,
opponent) cells in which both have battles, of a's win share minus b's. Both are ratios of sums over prompts, and get
their interval by drawing prompts: sum_p w_p x_p / sum_p w_p m_p for the weights w of each resample.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.ratings.cells import FloatArray, IntArray, sums
from engine.ratings.counts import named
from engine.ratings.intervals import bounds, check_options, finite_or_none
from engine.ratings.prompt_battles import PromptBattles


@dataclass(frozen=True, slots=True)
class Comparison:
    """A figure of model a against model b.

    Attributes:
        value: the figure; None where the two have nothing in common.
        lower, upper: its bounds from resamples of prompts; None with fewer than two prompts.
        prompts, cells: how many prompts, and battles (or prompt and opponent cells), it rests on.
        n_resamples, random_state, confidence_level: of the bootstrap.
    """

    model_a: str
    model_b: str
    value: float | None
    lower: float | None
    upper: float | None
    prompts: int
    cells: int
    n_resamples: int
    random_state: int
    confidence_level: float


@dataclass(frozen=True, slots=True)
class _Side:
    """The battles of one model: (K,) prompt, opponent, its win share in the cell, battles."""

    prompt: IntArray
    opponent: IntArray
    share: FloatArray
    battles: IntArray


def face_to_face(
    battles: PromptBattles,
    model_a: str,
    model_b: str,
    *,
    n_resamples: int = 1000,
    random_state: int = 0,
    confidence_level: float = 0.95,
) -> Comparison:
    """a's mean win share in 0..1 against b, over their own battles.

    Raises:
        UsageError: for a name that is not among the models, or an option out of range.
    """
    side, opponent = _side(battles, named(battles.models, model_a)), named(battles.models, model_b)
    met = side.opponent == opponent
    return _compared(
        (model_a, model_b),
        sums(side.prompt[met], side.share[met], battles.n_prompts),
        sums(side.prompt[met], side.battles[met], battles.n_prompts),
        n_resamples,
        random_state,
        confidence_level,
    )


def share_difference(
    battles: PromptBattles,
    model_a: str,
    model_b: str,
    *,
    n_resamples: int = 1000,
    random_state: int = 0,
    confidence_level: float = 0.95,
) -> Comparison:
    """a's mean win share minus b's, in -1..1, against the same opponents on the same prompts.

    Raises:
        UsageError: for a name that is not among the models, or an option out of range.
    """
    n = len(battles.models)
    a, b = (_side(battles, named(battles.models, model)) for model in (model_a, model_b))
    keys = (a.prompt * n + a.opponent, b.prompt * n + b.opponent)
    _, of_a, of_b = np.intersect1d(*keys, assume_unique=True, return_indices=True)
    gap = a.share[of_a] / a.battles[of_a] - b.share[of_b] / b.battles[of_b]
    prompt = a.prompt[of_a]
    return _compared(
        (model_a, model_b),
        sums(prompt, gap, battles.n_prompts),
        sums(prompt, np.ones_like(prompt), battles.n_prompts),
        n_resamples,
        random_state,
        confidence_level,
    )


def _side(battles: PromptBattles, model: int) -> _Side:
    cells = battles.cells
    count = cells.wins + cells.losses + cells.ties
    as_a, as_b = cells.a == model, cells.b == model
    return _Side(
        np.concatenate([cells.group[as_a], cells.group[as_b]]),
        np.concatenate([cells.b[as_a], cells.a[as_b]]),
        np.concatenate([cells.win_share[as_a], (count - cells.win_share)[as_b]]),
        np.concatenate([count[as_a], count[as_b]]),
    )


def _compared(
    models: tuple[str, str],
    totals: FloatArray,
    sizes: FloatArray,
    n_resamples: int,
    random_state: int,
    confidence_level: float,
) -> Comparison:
    """The ratio of `totals` (M,) and `sizes` (M,) over the prompts that have any, with its interval."""
    check_options(confidence_level, n_resamples)
    held = np.flatnonzero(sizes)
    totals, sizes = totals[held], sizes[held]
    lower = upper = None
    if held.size > 1:
        rng = np.random.default_rng(random_state)
        drawn = (
            np.bincount(rng.integers(0, held.size, held.size), minlength=held.size)
            for _ in range(n_resamples)
        )
        samples = np.array([(weight @ totals) / (weight @ sizes) for weight in drawn])
        (lower,), (upper,) = (finite_or_none(side) for side in bounds(samples[:, None], confidence_level))
    return Comparison(
        *models,
        value=float(totals.sum() / sizes.sum()) if held.size else None,
        lower=lower,
        upper=upper,
        prompts=int(held.size),
        cells=int(sizes.sum()),
        n_resamples=n_resamples,
        random_state=random_state,
        confidence_level=confidence_level,
    )
