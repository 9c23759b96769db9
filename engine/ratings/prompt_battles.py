"""Battles that know their prompt: what intervals over prompts and comparisons on common prompts need."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Self

import numpy as np
from numpy.typing import ArrayLike

from engine.ratings.cells import BoolArray, Cells, FloatArray, IntArray, starts
from engine.ratings.counts import PairCounts, distinct


@dataclass(frozen=True, eq=False)
class PromptBattles:
    """Battles counted per pair and prompt. Build it with `of`.

    Attributes:
        models: names of the n models.
        n_prompts: number M of prompts; some may hold no battle.
        cells: battles of every (pair, prompt), with the prompt as their group.
    """

    models: tuple[str, ...]
    n_prompts: int
    cells: Cells

    @classmethod
    def of(
        cls,
        models: Iterable[str],
        n_prompts: int,
        prompt: ArrayLike,
        a: ArrayLike,
        b: ArrayLike,
        wins: ArrayLike,
        losses: ArrayLike,
        ties: ArrayLike,
        win_share: ArrayLike | None = None,
    ) -> Self:
        """From one row per battle, or per counted cell, in any order and orientation.

        Give a battle whose prompt is unknown a prompt of its own.

        Args:
            models: names, which `a` and `b` are indices of.
            n_prompts: number of prompts, which `prompt` (C,) holds indices of.
            a, b, wins, losses, ties, win_share: (C,) as in `PairCounts.of`.

        Raises:
            ValueError: as `PairCounts.of`, or when an index names no prompt.
        """
        names = distinct(models)
        cells = Cells.of(len(names), a, b, wins, losses, ties, win_share, group=prompt)
        if cells.group.size and cells.group.max() >= n_prompts:
            raise ValueError("a battle names a prompt that is not in the list")
        return cls(names, n_prompts, cells)

    def counts(self) -> PairCounts:
        """The battles counted per pair, all prompts together."""
        cells = self.cells
        columns = (cells.a, cells.b, cells.wins, cells.losses, cells.ties, cells.win_share)
        return PairCounts.of(self.models, *columns, self_battles=cells.self_battles)

    def weighted(self, weight: IntArray) -> tuple[FloatArray, FloatArray]:
        """Battles, and wins of a with ties half, of each pair (P,) of `counts()`, prompts weighted by `weight` (M,)."""
        if not self._first.size:
            return np.zeros(0), np.zeros(0)
        of_cell = weight[self.cells.group]
        battles = np.add.reduceat(of_cell * self._battles, self._first)
        return battles.astype(np.float64), np.add.reduceat(of_cell * self._score, self._first)

    def prompts_of(self, model: int) -> BoolArray:
        """(M,) the prompts on which a model, by its index, has battles."""
        mine = (self.cells.a == model) | (self.cells.b == model)
        found = np.zeros(self.n_prompts, dtype=bool)
        found[self.cells.group[mine]] = True
        return found

    def prompts_of_each(self) -> IntArray:
        """(n,) prompts on which each model has battles."""
        seen = np.zeros((self.n_prompts, len(self.models)), dtype=bool)
        seen[self.cells.group, self.cells.a] = seen[self.cells.group, self.cells.b] = True
        prompts: IntArray = seen.sum(axis=0, dtype=np.int64)
        return prompts

    def on(self, prompts: BoolArray) -> Self:
        """The battles on these prompts (M,) alone; prompts keep their numbers, models their places."""
        cells, kept = self.cells, prompts[self.cells.group]
        columns = (cells.group, cells.a, cells.b, cells.wins, cells.losses, cells.ties, cells.win_share)
        return type(self).of(self.models, self.n_prompts, *(column[kept] for column in columns))

    def common_prompts(self) -> IntArray:
        """(n, n) prompts on which both models have battles; on the diagonal, those of each."""
        seen = np.zeros((self.n_prompts, len(self.models)), dtype=np.float32)
        seen[self.cells.group, self.cells.a] = seen[self.cells.group, self.cells.b] = 1
        # Sums of ones are exact in float32 up to 16,777,216.
        return (seen.T @ seen).astype(np.int64)

    @cached_property
    def _first(self) -> IntArray:
        return starts(np.vstack([self.cells.a, self.cells.b]))

    @cached_property
    def _battles(self) -> IntArray:
        return self.cells.wins + self.cells.losses + self.cells.ties

    @cached_property
    def _score(self) -> FloatArray:
        return self.cells.wins + self.cells.ties / 2
