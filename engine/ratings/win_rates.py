"""Win rates from pair counts: per model, and as a model x model matrix, with ties as half a win or without them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.ratings.cells import FloatArray, IntArray
from engine.ratings.counts import PairCounts


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """What one model did against all others.

    Attributes:
        battles, wins, losses, ties: counts.
        win_rate: 0..1, a tie counting half; None without a battle.
        win_rate_no_ties: 0..1 of the battles that were decided; None without one.
        win_share: 0..1, the mean over its battles of the judge's preference for it; the win rate where no judge gave
            any.
    """

    model: str
    battles: int
    wins: int
    losses: int
    ties: int
    win_rate: float | None
    win_rate_no_ties: float | None
    win_share: float | None


@dataclass(frozen=True, eq=False)
class WinRateMatrix:
    """How often the row's model beat the column's.

    Attributes:
        models: names of the n models.
        ties: whether a tie counts half a win, or is left out.
        rates: (n, n) 0..1; None where the two never met (or never to a decision, without ties).
        battles: (n, n) what each rate rests on.
    """

    models: tuple[str, ...]
    ties: bool
    rates: tuple[tuple[float | None, ...], ...]
    battles: IntArray


def model_records(counts: PairCounts) -> tuple[ModelRecord, ...]:
    """The record of each model, in the order of `counts.models`."""
    wins = counts.per_model(counts.wins, counts.losses)
    losses = counts.per_model(counts.losses, counts.wins)
    ties = counts.per_model(counts.ties, counts.ties)
    share = counts.per_model(counts.win_share, counts.battles - counts.win_share)
    rows = zip(counts.models, wins, losses, ties, share, strict=True)
    return tuple(_record(model, int(w), int(lost), int(t), float(s)) for model, w, lost, t, s in rows)


def _record(model: str, wins: int, losses: int, ties: int, share: float) -> ModelRecord:
    battles, decided = wins + losses + ties, wins + losses
    return ModelRecord(
        model=model,
        battles=battles,
        wins=wins,
        losses=losses,
        ties=ties,
        win_rate=(wins + ties / 2) / battles if battles else None,
        win_rate_no_ties=wins / decided if decided else None,
        win_share=share / battles if battles else None,
    )


def win_rate_matrix(counts: PairCounts, *, ties: bool = True) -> WinRateMatrix:
    """The matrix of win rates; with `ties` false, of the decided battles alone."""
    battles = counts.battles if ties else counts.wins + counts.losses
    won = counts.score if ties else counts.wins.astype(np.float64)
    met = _matrix(counts, battles, battles)
    beaten = _matrix(counts, won, battles - won)
    rows = zip(beaten, met, strict=True)
    rates = tuple(tuple(_rate(w, m) for w, m in zip(*row, strict=True)) for row in rows)
    return WinRateMatrix(counts.models, ties, rates, met.astype(np.int64))


def _rate(won: float, met: float) -> float | None:
    return float(won / met) if met else None


def _matrix(counts: PairCounts, of_a: FloatArray | IntArray, of_b: FloatArray | IntArray) -> FloatArray:
    """(n, n) with `of_a` (P,) where a is the row and `of_b` (P,) where b is."""
    matrix = np.zeros((len(counts.models), len(counts.models)))
    matrix[counts.a, counts.b] = of_a
    matrix[counts.b, counts.a] = of_b
    return matrix
