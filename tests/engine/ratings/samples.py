"""Battles that hypothesis makes up, and a second solver: nothing here is shared with the code under test."""

from __future__ import annotations

import numpy as np
from hypothesis import strategies as st

from engine.ratings.counts import PairCounts

NAMES = "abcdefgh"


@st.composite
def pair_counts(draw: st.DrawFn, most_models: int = 6, most: int = 9, least_ties: int = 0) -> PairCounts:
    """Counts of 2 to `most_models` models, some pairs of which may never have met."""
    n = draw(st.integers(2, most_models))
    a, b = np.triu_indices(n, 1)
    cell = st.integers(0, most)
    wins, losses = ([draw(cell) for _ in a] for _ in range(2))
    ties = [draw(st.integers(least_ties, most)) for _ in a]
    return PairCounts.of(NAMES[:n], a, b, wins, losses, ties)


def connected_counts() -> st.SearchStrategy[PairCounts]:
    """Counts in which every pair tied at least once, so that all models share a scale."""
    return pair_counts(least_ties=1)


def outcomes(most_models: int = 5) -> st.SearchStrategy[list[tuple[str, str, str]]]:
    """Battles as (model a, model b, outcome), a model against itself among them."""
    name = st.sampled_from(NAMES[:most_models])
    return st.lists(st.tuples(name, name, st.sampled_from(["a", "b", "tie"])), max_size=40)


def minorise_maximise(counts: PairCounts, steps: int = 20_000) -> np.ndarray:
    """(n,) Elo, mean 1000, by Zermelo's iteration (Hunter 2004, MM algorithms for generalized Bradley-Terry models)."""
    n = len(counts.models)
    battles = np.zeros((n, n))
    battles[counts.a, counts.b] = battles[counts.b, counts.a] = counts.battles
    score = counts.wins + counts.ties / 2
    won = np.zeros(n)
    np.add.at(won, counts.a, score)
    np.add.at(won, counts.b, counts.battles - score)
    strength = np.ones(n)
    for _ in range(steps):
        updated = won / (battles / (strength[:, None] + strength)).sum(axis=1)
        updated /= np.exp(np.log(updated).mean())
        if np.abs(updated / strength - 1).max() < 1e-13:
            break
        strength = updated
    return 400 * np.log10(strength) + 1000
