"""Position bias: what becomes of a verdict when the same two responses are shown in the other order (attack A10)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.judges.statistics.said import Game
from engine.ratings.proportion import Share


@dataclass(frozen=True, slots=True)
class PositionBias:
    """How position sways a judge.

    A judge without any agrees always, or disagrees in both directions alike.

    Attributes:
        disagree: battles of which the two games do not say the same (a, b or tie).
        towards_first: of these, how many favour what was shown first; all others favour what was shown second.
        first_wins: of all games with a winner, one order or both, how often what was shown first won. In one order
            only, the better response may stand there.
    """

    disagree: Share
    towards_first: Share
    first_wins: Share

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return {
            "disagree": self.disagree.facts(),
            "towards_first": self.towards_first.facts(),
            "first_wins": self.first_wins.facts(),
        }


def position_bias(games: Mapping[int, Game], pairs: Iterable[tuple[int, int]]) -> PositionBias:
    """From a judge's ok games by number, and the pairs of games that show one battle in both orders."""
    leans = []
    for straight, swapped in pairs:
        if straight in games and swapped in games:
            # Both signs are of what was shown first; where they cancel, both games name the same winner, or tie.
            leans.append(_sign(games[straight]) + _sign(games[swapped]))
    apart = sum(lean != 0 for lean in leans)
    signs = [_sign(game) for game in games.values()]
    return PositionBias(
        Share(apart, len(leans)),
        Share(sum(lean > 0 for lean in leans), apart),
        Share(signs.count(1), len(signs) - signs.count(0)),
    )


def _sign(game: Game) -> int:
    margin = game.margin or 0.0
    return (margin > 0) - (margin < 0)
