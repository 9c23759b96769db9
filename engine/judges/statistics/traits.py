"""Whether judges favour what has nothing to do with worth: length (attack A11), Markdown, a name (A19), kin (A12).

None of these figures tells bias from merit by itself: long answers may be better ones. They say what went with winning,
to be held against another judge on the same responses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.judges.statistics.said import Comparison, Side
from engine.ratings.proportion import Correlation, Share, rank_correlation

HasTrait = Callable[[Comparison, Side], bool]
Measure = Callable[[Comparison, Side], int]


@dataclass(frozen=True, slots=True)
class Trait:
    """A property that a response has or has not, and how it went with winning.

    Attributes:
        winners, losers: of decided comparisons, how many winners and how many losers have it.
        wins: of decided comparisons in which one side alone has it, how often that side won.
    """

    name: str
    winners: Share
    losers: Share
    wins: Share

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return {
            "trait": self.name,
            "winners": self.winners.facts(),
            "losers": self.losers.facts(),
            "wins": self.wins.facts(),
        }


def trait(name: str, compared: Iterable[Comparison], has: HasTrait) -> Trait:
    """Count a trait among winners and losers."""
    winners = losers = alone = won = decided = 0
    for one in compared:
        if one.winner is None or one.loser is None:
            continue
        winner, loser = has(one, one.winner), has(one, one.loser)
        decided += 1
        winners += winner
        losers += loser
        alone += winner != loser
        won += winner and not loser
    return Trait(name, Share(winners, decided), Share(losers, decided), Share(won, alone))


@dataclass(frozen=True, slots=True)
class LengthBias:
    """How length went with winning.

    Attributes:
        longer_wins: of decided comparisons of responses of different length, how often the longer one won.
        correlation: Spearman's, of the margin with the difference of lengths in characters, ties of either included.
            Each comparison counts both ways round, a against b and b against a, so that it does not matter which is
            called a. Of a judge that scores one response by itself, of the score with the length.
    """

    longer_wins: Share
    correlation: Correlation

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return {"longer_wins": self.longer_wins.facts(), "correlation": self.correlation.facts()}


def length_bias(compared: Iterable[Comparison], length: Measure) -> LengthBias:
    """From comparisons, and the length of a side in characters."""
    rows = [(one.margin, length(one, one.a) - length(one, one.b)) for one in compared]
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    margins, longer = table[:, 0], table[:, 1]
    signs = np.sign(margins) * np.sign(longer)
    both_ways = rank_correlation(np.r_[margins, -margins], np.r_[longer, -longer], n=len(rows))
    return LengthBias(Share(int((signs > 0).sum()), int((signs != 0).sum())), both_ways)
