"""Which models share a scale: where a Bradley-Terry fit is finite, and why not elsewhere.

The likelihood has a finite maximum exactly where every model can be reached from every other one along "beat or
tied" (Ford 1957, Solution of a ranking problem from binary comparisons). So the models that share a scale are a
strongly connected component of that graph. The others have no finite rating on it: where all ways lead only up or
only down, the likelihood grows for ever as the rating does. What the models of the component did among themselves
alone decides their ratings in that limit, so leaving the others out changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from engine.ratings.cells import BoolArray, FloatArray, IntArray
from engine.ratings.counts import PairCounts


class Reason(StrEnum):
    """Why a model has no rating, or no bound, or one that says little. `sentence` explains it."""

    NO_BATTLES = "no battles"
    NEVER_LOST = "never lost"
    NEVER_WON = "never won"
    ABOVE = "above the scale"
    BELOW = "below the scale"
    ISLAND = "island"
    NOT_ORDERED = "not ordered"
    NO_SCALE = "no common scale"
    ONLY_TIES = "only ties"
    RESAMPLES = "resamples without a finite fit"
    FEW_PROMPTS = "few prompts"

    @property
    def sentence(self) -> str:
        """The reason as a sentence for a person."""
        return _SENTENCES[self]


_SENTENCES = {
    Reason.NO_BATTLES: "It has no decided battle against another model.",
    Reason.NEVER_LOST: "It neither lost nor tied a battle, so no finite rating is high enough.",
    Reason.NEVER_WON: "It neither won nor tied a battle, so no finite rating is low enough.",
    Reason.ABOVE: "The rated models never beat or tied it, nor those that did: no finite rating is high enough.",
    Reason.BELOW: "It never beat or tied a rated model, nor those that did: no finite rating is low enough.",
    Reason.ISLAND: "No chain of battles ties it to the rated models.",
    Reason.NOT_ORDERED: "The chains of battles that tie it to the rated models put it neither above nor below them.",
    Reason.NO_SCALE: "No two models hold each other up by wins, losses or ties, so there is no scale to be rated on.",
    Reason.ONLY_TIES: "All battles among the rated models were ties: ratings are equal, and no interval can be had.",
    Reason.RESAMPLES: "Too many resamples hold no finite fit for it, so that a bound of its interval is infinite.",
    Reason.FEW_PROMPTS: "Its battles are on fewer than 6 prompts, from which no 95 % interval can be had.",
}


@dataclass(frozen=True, eq=False)
class CommonScale:
    """The models that share a scale, and where the others stand.

    Attributes:
        rated: (n,) models with a finite rating on the common scale.
        side: (n,) +1 where only an infinite rating would fit, -1 where only minus infinity would, 0 else: rated, or
            tied to the scale in no way that orders it.
        reasons: (n) why a model is not rated, or ONLY_TIES for all rated ones; None says nothing is the matter.
    """

    rated: BoolArray
    side: NDArray[np.int8]
    reasons: tuple[Reason | None, ...]


def common_scale(counts: PairCounts, anchor: int | None = None) -> CommonScale:
    """Find the models that share a scale: the anchor's component, else the largest.

    The largest is the strongly connected component with the most models; of equal ones that whose models have the
    most battles, then that with the busiest model, then that which stands first in `counts.models`. A component of
    one model is no scale, unless the model is the anchor, whose rating is given.
    """
    outcomes = beat_or_tied(len(counts.models), counts.a, counts.b, counts.score, counts.battles)
    battles = counts.per_model(counts.battles, counts.battles)
    if anchor is None:
        component = largest_component(outcomes, battles)
        if component.sum() < 2:
            component[:] = False
    else:
        component = _component(outcomes, anchor)
    down, up = reachable(outcomes, component), reachable(outcomes.T, component)
    side = (up & ~component).astype(np.int8) - (down & ~component)
    return CommonScale(component, side, _reasons(counts, component, side, battles))


def beat_or_tied(
    n: int, a: IntArray, b: IntArray, score: FloatArray, battles: FloatArray | IntArray
) -> BoolArray:
    """(n, n) true where the row's model beat or tied the column's at least once.

    Args:
        n: number of models.
        a, b: (P,) the pairs.
        score: (P,) wins of a with ties half, out of `battles` (P,).
    """
    outcomes = np.zeros((n, n), dtype=bool)
    outcomes[a, b] = score > 0
    outcomes[b, a] = score < battles
    return outcomes


def reachable(outcomes: BoolArray, start: BoolArray) -> BoolArray:
    """(n,) models that a chain of rows to columns of `outcomes` (n, n) leads to from one in `start` (n,), with it."""
    reached = start.copy()
    frontier = reached
    while frontier.any():
        frontier = outcomes[frontier].any(axis=0) & ~reached
        reached = reached | frontier
    return reached


def _component(outcomes: BoolArray, member: int) -> BoolArray:
    start = np.zeros(len(outcomes), dtype=bool)
    start[member] = True
    return reachable(outcomes, start) & reachable(outcomes.T, start)


def largest_component(outcomes: BoolArray, battles: FloatArray) -> BoolArray:
    """(n,) members of the largest strongly connected component of `outcomes` (n, n); `battles` (n,) breaks ties."""
    best, best_rank = np.zeros(len(outcomes), dtype=bool), (0, 0.0)
    left = np.ones(len(outcomes), dtype=bool)
    while left.sum() >= best_rank[0] and left.any():
        busiest = int(np.argmax(np.where(left, battles, -1)))
        component = _component(outcomes, busiest)
        left &= ~component
        rank = (int(component.sum()), float(battles[component].sum()))
        if rank > best_rank:
            best, best_rank = component, rank
    return best


def _reasons(
    counts: PairCounts, rated: BoolArray, side: NDArray[np.int8], battles: FloatArray
) -> tuple[Reason | None, ...]:
    lost_or_tied = counts.per_model(counts.losses + counts.ties, counts.wins + counts.ties)
    won_or_tied = counts.per_model(counts.wins + counts.ties, counts.losses + counts.ties)
    met = np.zeros((len(battles), len(battles)), dtype=bool)
    met[counts.a, counts.b] = met[counts.b, counts.a] = True
    connected = reachable(met, rated) if rated.any() else np.ones(len(battles), dtype=bool)
    by_side = {1: Reason.ABOVE, -1: Reason.BELOW, 0: Reason.NOT_ORDERED if rated.any() else Reason.NO_SCALE}
    among = rated[counts.a] & rated[counts.b]
    note = Reason.ONLY_TIES if among.any() and not (counts.wins + counts.losses)[among].any() else None

    def reason(i: int) -> Reason | None:
        if rated[i]:
            return note
        if battles[i] == 0:
            return Reason.NO_BATTLES
        if not connected[i]:
            return Reason.ISLAND
        if lost_or_tied[i] == 0:
            return Reason.NEVER_LOST
        if won_or_tied[i] == 0:
            return Reason.NEVER_WON
        return by_side[int(side[i])]

    return tuple(reason(i) for i in range(len(battles)))
