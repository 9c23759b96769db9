"""Battle logs made of chance, from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class BattleLog:
    """Battles one by one.

    Attributes:
        models: names of the n models.
        a, b: (B,) indices of the two models, a != b.
        outcome: (B,) 0, 1, 2 for a, b, tie.
        n_prompts: number of prompts M; battle i is on prompt i modulo M.
    """

    models: tuple[str, ...]
    a: IntArray
    b: IntArray
    outcome: IntArray
    n_prompts: int

    @property
    def battles(self) -> int:
        return len(self.a)

    @property
    def pairs(self) -> int:
        """Pairs of models that have met."""
        low, high = np.minimum(self.a, self.b), np.maximum(self.a, self.b)
        return len(np.unique(low * len(self.models) + high))


def chance_log(n_models: int, battles: int, prompts: int, random_state: int = 0) -> BattleLog:
    """Battles between models whose log strengths are standard normal, every pair of them equally likely.

    A fifth are ties, whoever meets; the stronger model wins the others with the probability of Bradley and Terry.
    """
    rng = np.random.default_rng(random_state)
    strength = rng.normal(size=n_models)
    a = rng.integers(0, n_models, battles)
    b = (a + rng.integers(1, n_models, battles)) % n_models
    a_is_better = rng.random(battles) < 1 / (1 + np.exp(strength[b] - strength[a]))
    outcome = np.where(rng.random(battles) < 0.2, 2, np.where(a_is_better, 0, 1))
    return BattleLog(tuple(f"model-{i:03}" for i in range(n_models)), a, b, outcome, prompts)
