"""Pair counts: all that a rating from battles needs to know about them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from engine.ratings.cells import Cells, FloatArray, IntArray, sums
from engine.ratings.naming import pick
from engine.records import Outcome


@dataclass(frozen=True, eq=False)
class PairCounts:
    """Battles between models, counted per pair. Build one with `of` or `from_battles`, which bring it into this form.

    Every pair stands once, with `a < b` as indices into `models`, sorted, and with at least one battle.

    Attributes:
        models: names of the n models, each once, in the order that results use.
        a, b: (P,) indices of the two models of each pair.
        wins, losses, ties: (P,) battles that a won, that b won, that neither won.
        win_share: (P,) sum over the battles of a's win share in 0..1; wins + ties / 2 unless judges gave preferences.
        self_battles: battles of a model against itself: counted here, rated nowhere.
    """

    models: tuple[str, ...]
    a: IntArray
    b: IntArray
    wins: IntArray
    losses: IntArray
    ties: IntArray
    win_share: FloatArray
    self_battles: int = 0

    @classmethod
    def of(
        cls,
        models: Iterable[str],
        a: ArrayLike,
        b: ArrayLike,
        wins: ArrayLike,
        losses: ArrayLike,
        ties: ArrayLike,
        win_share: ArrayLike | None = None,
        *,
        self_battles: int = 0,
    ) -> Self:
        """Counts from one row per pair, in any order and orientation; rows of one pair are added up.

        Raises:
            ValueError: when names repeat, an index names no model, a count is negative or broken, or lengths differ.
        """
        names = distinct(models)
        cells = Cells.of(len(names), a, b, wins, losses, ties, win_share)
        columns = (cells.a, cells.b, cells.wins, cells.losses, cells.ties, cells.win_share)
        return cls(names, *columns, self_battles=self_battles + cells.self_battles)

    @classmethod
    def from_battles(
        cls,
        model_a: Sequence[str],
        model_b: Sequence[str],
        outcomes: Iterable[str],
        win_share: ArrayLike | None = None,
        models: Iterable[str] | None = None,
    ) -> Self:
        """Counts from one row per battle.

        Args:
            model_a, model_b: names of the two models.
            outcomes: "a", "b" or "tie".
            win_share: a's share of the win in 0..1, where it is finer than the outcome.
            models: names to use and their order; by default all that occur, sorted.

        Raises:
            ValueError: for an outcome that is none of the three, or lengths that differ.
            KeyError: for a model that is not in `models`.
        """
        names = tuple(sorted({*model_a, *model_b}) if models is None else models)
        codes = _codes(outcomes)
        wins, losses, ties = ((codes == code).astype(np.int64) for code in range(3))
        return cls.of(names, _places(names, model_a), _places(names, model_b), wins, losses, ties, win_share)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PairCounts):
            return NotImplemented
        return (
            self.models == other.models
            and self.self_battles == other.self_battles
            and all(
                np.array_equal(mine, theirs) for mine, theirs in zip(self.columns, other.columns, strict=True)
            )
        )

    @property
    def columns(self) -> tuple[IntArray, IntArray, IntArray, IntArray, IntArray, FloatArray]:
        """The arrays of `of`, in its order."""
        return self.a, self.b, self.wins, self.losses, self.ties, self.win_share

    @property
    def battles(self) -> IntArray:
        """(P,) battles of each pair."""
        return self.wins + self.losses + self.ties

    @property
    def score(self) -> FloatArray:
        """(P,) wins of a, a tie counting half."""
        score: FloatArray = self.wins + self.ties / 2
        return score

    @property
    def total(self) -> int:
        """All battles between two different models."""
        return int(self.battles.sum())

    def per_model(self, of_a: ArrayLike, of_b: ArrayLike) -> FloatArray:
        """(n,) sums over the pairs of a model: of `of_a` (P,) where it is a, of `of_b` (P,) where it is b."""
        n = len(self.models)
        return sums(self.a, of_a, n) + sums(self.b, of_b, n)

    def merged(self, other: PairCounts) -> PairCounts:
        """The counts of both, models matched by name; new names of `other` follow."""
        names = tuple(dict.fromkeys((*self.models, *other.models)))
        place = _places(names, other.models)
        theirs = (place[other.a], place[other.b], *other.columns[2:])
        both = (np.concatenate(pair) for pair in zip(self.columns, theirs, strict=True))
        a, b, wins, losses, ties, share = both
        own = self.self_battles + other.self_battles
        return PairCounts.of(names, a, b, wins, losses, ties, share, self_battles=own)

    def renamed(self, names: Mapping[str, str]) -> PairCounts:
        """The counts under other names. Models that get one name become one; battles between them are self-battles."""
        new = [names.get(name, name) for name in self.models]
        models = tuple(dict.fromkeys(new))
        place = _places(models, new)
        columns = (place[self.a], place[self.b], *self.columns[2:])
        return PairCounts.of(models, *columns, self_battles=self.self_battles)

    def among(self, models: Iterable[str]) -> PairCounts:
        """The counts of battles between two of `models`, in their order; self-battles are not carried over."""
        names = tuple(models)
        new = {name: i for i, name in enumerate(names)}
        place = np.array([new.get(name, -1) for name in self.models], dtype=np.int64)
        kept = (place[self.a] >= 0) & (place[self.b] >= 0)
        a, b, wins, losses, ties, share = (column[kept] for column in self.columns)
        return PairCounts.of(names, place[a], place[b], wins, losses, ties, share)


_CODES: dict[str, int] = {Outcome.A: 0, Outcome.B: 1, Outcome.TIE: 2}


def _codes(outcomes: Iterable[str]) -> IntArray:
    """(C,) 0, 1, 2 for a, b, tie.

    Raises:
        ValueError: for another outcome.
    """
    try:
        return np.array([_CODES[outcome] for outcome in outcomes], dtype=np.int64)
    except KeyError as error:
        raise ValueError(f"an outcome is a, b or tie, not {error}") from None


def _places(models: Sequence[str], names: Iterable[str]) -> IntArray:
    """(C,) where each of `names` stands among `models`.

    Raises:
        KeyError: for one that is not there.
    """
    place = {model: i for i, model in enumerate(models)}
    return np.array([place[name] for name in names], dtype=np.int64)


def distinct(models: Iterable[str]) -> tuple[str, ...]:
    """The names as a tuple.

    Raises:
        ValueError: when one stands twice.
    """
    names = tuple(models)
    if len(set(names)) != len(names):
        raise ValueError("a model is named twice")
    return names


def named(models: Sequence[str], name: str) -> int:
    """Where `name` stands among `models`.

    Raises:
        UsageError: when it is not there.
    """
    return models.index(pick("model", name, models))
