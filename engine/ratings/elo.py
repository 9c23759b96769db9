"""Online Elo: each battle moves both ratings by K times what it surprised (Elo 1978; K = 4 as the Chatbot Arena)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from engine.ratings.online import Battle
from engine.records import Outcome

_SCORE = {Outcome.A: 1.0, Outcome.TIE: 0.5, Outcome.B: 0.0}


@dataclass(frozen=True, slots=True)
class EloState:
    """Elo ratings after a number of battles.

    Attributes:
        k: points that a complete surprise moves.
        start: rating before the first battle.
        scale: points that are a factor of ten in odds.
        battles: how many have been folded.
        ratings: of every model that has fought.
    """

    k: float = 4.0
    start: float = 1000.0
    scale: float = 400.0
    battles: int = 0
    ratings: Mapping[str, float] = field(default_factory=dict)

    def folded(self, battles: Iterable[Battle]) -> Self:
        """The state after `battles` too, in their order."""
        ratings, count = dict(self.ratings), self.battles
        for a, b, outcome in battles:
            count += 1
            rating_a, rating_b = ratings.setdefault(a, self.start), ratings.setdefault(b, self.start)
            if a == b:
                continue
            expected = 1 / (1 + 10 ** ((rating_b - rating_a) / self.scale))
            change = self.k * (_SCORE[Outcome(outcome)] - expected)
            ratings[a], ratings[b] = rating_a + change, rating_b - change
        return replace(self, battles=count, ratings=ratings)

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values; numbers are kept exactly."""
        return {
            "method": "elo",
            "k": self.k,
            "start": self.start,
            "scale": self.scale,
            "battles": self.battles,
            "ratings": dict(self.ratings),
        }

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The state that `to_json` gave.

        Raises:
            ValueError: when it is the state of another method.
        """
        if stored.get("method") != "elo":
            raise ValueError(f"not a state of online Elo: {stored.get('method')!r}")
        ratings = {str(model): float(rating) for model, rating in stored["ratings"].items()}
        return cls(stored["k"], stored["start"], stored["scale"], stored["battles"], ratings)
