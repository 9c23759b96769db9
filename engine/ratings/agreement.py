"""How well one leaderboard agrees with another: the figures of merit of Arena Learning (arXiv 2407.10627).

Two models are separated where their intervals have no point in common. Over the pairs that the reference separates,
agreement is the mean of +1 where the benchmark separates them the same way, -1 the other way, 0 not at all.
Differentiation is the share of all pairs that the benchmark separates. Neither uses a pair that one of both lacks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from engine.ratings.cells import FloatArray, IntArray


@dataclass(frozen=True, slots=True)
class ScoreTable:
    """A leaderboard: names, scores of any unit (higher is better) and the bounds of their intervals.

    A bound that is None is infinite. Models without a score do not belong in it.

    Raises:
        ValueError: when columns differ in length, a name stands twice, or a score is no number.
    """

    models: tuple[str, ...]
    score: tuple[float, ...]
    lower: tuple[float | None, ...]
    upper: tuple[float | None, ...]

    def __post_init__(self) -> None:
        if not len(self.models) == len(self.score) == len(self.lower) == len(self.upper):
            raise ValueError("columns of different lengths")
        if len(set(self.models)) != len(self.models):
            raise ValueError("a model is named twice")
        if not np.isfinite(self.score).all():
            raise ValueError("a score is no finite number")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Figures of a benchmark against a reference, on the models that both have. None where nothing defines one.

    Attributes:
        models: the models compared.
        only_reference, only_benchmark: names that the other lacks.
        pairs: pairs of models.
        reference_separated, benchmark_separated: pairs whose intervals have no point in common.
        spearman: rank correlation of the scores, -1..1.
        agreement: -1..1.
        differentiation: 0..1.
        mean: of these three.
        order_agreement: 0..1, share of pairs in the same order by score alone; equal scores in one count half.
    """

    models: tuple[str, ...]
    only_reference: tuple[str, ...]
    only_benchmark: tuple[str, ...]
    pairs: int
    reference_separated: int
    benchmark_separated: int
    spearman: float | None
    agreement: float | None
    differentiation: float | None
    mean: float | None
    order_agreement: float | None


def agreement(benchmark: ScoreTable, reference: ScoreTable) -> Agreement:
    """Compare `benchmark` with `reference`; the order of rows does not matter."""
    models = tuple(model for model in reference.models if model in set(benchmark.models))
    mine, theirs = (_columns(table, models) for table in (benchmark, reference))
    first, second = np.triu_indices(len(models), 1)
    apart, truly_apart = (_separation(table, first, second) for table in (mine, theirs))
    settled = truly_apart != 0
    figures = (
        spearman(mine[0], theirs[0]),
        _mean((apart * truly_apart)[settled]),
        _mean(np.abs(apart)),
    )
    known = [figure for figure in figures if figure is not None]
    return Agreement(
        models=models,
        only_reference=tuple(model for model in reference.models if model not in models),
        only_benchmark=tuple(model for model in benchmark.models if model not in models),
        pairs=first.size,
        reference_separated=int(settled.sum()),
        benchmark_separated=int(np.abs(apart).sum()),
        spearman=figures[0],
        agreement=figures[1],
        differentiation=figures[2],
        mean=sum(known) / 3 if len(known) == 3 else None,
        order_agreement=_mean((1 + _order(mine[0], first, second) * _order(theirs[0], first, second)) / 2),
    )


def spearman(x: FloatArray, y: FloatArray) -> float | None:
    """Spearman's rank correlation, equal values sharing their mean rank; None where one does not vary."""
    if x.size < 2 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    return float(np.corrcoef(mean_ranks(x), mean_ranks(y))[0, 1])


def mean_ranks(values: FloatArray) -> FloatArray:
    """(n,) ranks from 1, equal values sharing the mean of theirs."""
    _, place, size = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(size)
    rank: FloatArray = (last - (size - 1) / 2)[place]
    return rank


def _columns(table: ScoreTable, models: Sequence[str]) -> tuple[FloatArray, FloatArray, FloatArray]:
    rows = {model: i for i, model in enumerate(table.models)}
    index = [rows[model] for model in models]
    lower = [-np.inf if bound is None else bound for bound in table.lower]
    upper = [np.inf if bound is None else bound for bound in table.upper]
    score, low, high = (np.array(column, dtype=np.float64)[index] for column in (table.score, lower, upper))
    return score, low, high


def _separation(columns: tuple[FloatArray, FloatArray, FloatArray], i: IntArray, j: IntArray) -> FloatArray:
    """(pairs,) +1 where the interval of i lies above that of j, -1 where below, 0 where they touch or overlap."""
    _, lower, upper = columns
    sign: FloatArray = (lower[i] > upper[j]).astype(np.float64) - (upper[i] < lower[j])
    return sign


def _order(score: FloatArray, i: IntArray, j: IntArray) -> FloatArray:
    sign: FloatArray = np.sign(score[i] - score[j])
    return sign


def _mean(values: FloatArray) -> float | None:
    return float(values.mean()) if values.size else None
