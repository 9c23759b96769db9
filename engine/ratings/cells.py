"""Tallies of battles in one form: pairs mirrored to a < b, sorted, added up, empty ones dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Cells:
    """Battles counted per (pair, group), each such cell once, in the order of a, b and group.

    Attributes:
        a, b: (C,) indices of the two models, a < b.
        group: (C,) what else parts battles, such as the prompt.
        wins, losses, ties: (C,) battles that a won, that b won, that neither won; at least one in every cell.
        win_share: (C,) sum over the battles of a's win share in 0..1.
        self_battles: battles of a model against itself, which are in no cell.
    """

    a: IntArray
    b: IntArray
    group: IntArray
    wins: IntArray
    losses: IntArray
    ties: IntArray
    win_share: FloatArray
    self_battles: int

    @classmethod
    def of(
        cls,
        n: int,
        a: ArrayLike,
        b: ArrayLike,
        wins: ArrayLike,
        losses: ArrayLike,
        ties: ArrayLike,
        win_share: ArrayLike | None = None,
        *,
        group: ArrayLike | None = None,
    ) -> Self:
        """Cells from rows in any order and orientation.

        Args:
            n: number of models, which a and b are indices of.
            win_share: by default wins + ties / 2.
            group: by default one group.

        Raises:
            ValueError: when an index names no model, a count is negative or broken, a share is none, or lengths differ.
        """
        counted = np.vstack([whole(column) for column in (wins, losses, ties)])
        parted = np.zeros(counted.shape[1], dtype=np.int64) if group is None else whole(group)
        index = np.vstack([whole(a), whole(b), parted])
        if index.shape[1] != counted.shape[1]:
            raise ValueError("columns of different lengths")
        if index.size and index[:2].max() >= n:
            raise ValueError("a pair names a model that is not in the list")
        return cls._summed(n, *_mirrored(index, counted, _shares(counted, win_share)))

    @classmethod
    def _summed(cls, n: int, index: IntArray, counted: IntArray, share: FloatArray) -> Self:
        battles = counted.sum(axis=0)
        own = index[0] == index[1]
        kept = np.flatnonzero(~own & (battles > 0))
        pair = index[0, kept] * n + index[1, kept]
        order = kept[np.lexsort((index[2, kept], pair))]
        index, counted, share = index[:, order], counted[:, order], share[order]
        first = starts(index)
        if first.size < order.size:
            index = index[:, first]
            counted = np.add.reduceat(counted, first, axis=1)
            share = np.add.reduceat(share, first)
        for array in (index, counted, share):
            array.flags.writeable = False
        a, b, parted = index
        wins, losses, ties = counted
        return cls(a, b, parted, wins, losses, ties, share, int(battles[own].sum()))


def sums(place: IntArray, values: ArrayLike, size: int) -> FloatArray:
    """(size,) sums of `values` (C,) by their `place` (C,), 0..size-1."""
    return np.bincount(place, np.asarray(values), size).astype(np.float64)


def starts(columns: IntArray) -> IntArray:
    """Where in sorted `columns` (K, C) a column differs from the one before it; the first always does."""
    changed = np.ones(columns.shape[1], dtype=bool)
    changed[1:] = (columns[:, 1:] != columns[:, :-1]).any(axis=0)
    return np.flatnonzero(changed)


def whole(values: ArrayLike) -> IntArray:
    """The values as int64.

    Raises:
        ValueError: when one is negative or no whole number.
    """
    given = np.asarray(values)
    converted = given.astype(np.int64)
    if converted.size and (converted.min() < 0 or not np.array_equal(converted, given)):
        raise ValueError("indices and counts are whole numbers, zero or more")
    return converted


def _shares(counted: IntArray, win_share: ArrayLike | None) -> FloatArray:
    share: FloatArray = counted[0] + counted[2] / 2
    if win_share is None:
        return share
    share = np.array(win_share, dtype=np.float64)
    if share.shape != counted[0].shape:
        raise ValueError("columns of different lengths")
    if not ((share >= 0) & (share <= counted.sum(axis=0))).all():
        raise ValueError("a win share lies between zero and one per battle")
    return share


def _mirrored(index: IntArray, counted: IntArray, share: FloatArray) -> tuple[IntArray, IntArray, FloatArray]:
    swapped = index[0] > index[1]
    return (
        np.where(swapped, index[[1, 0, 2]], index),
        np.where(swapped, counted[[1, 0, 2]], counted),
        np.where(swapped, counted.sum(axis=0) - share, share),
    )
