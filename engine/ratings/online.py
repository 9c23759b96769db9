"""Ratings that follow the battles one by one: what online Elo and TrueSkill have in common.

The result depends on the order of the battles, so they are folded in one order (by time, else by plan), from a state
that can be stored and taken up again: folding x and then y is folding x + y, to the last bit.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol, Self

from engine.records import Outcome

Battle = tuple[str, str, Outcome]
"""Model a, model b, and who won."""


class OnlineState(Protocol):
    """Ratings after a number of battles. States are never changed: a fold gives a new one.

    Attributes:
        battles: how many have been folded, which is the position to go on from. A model's battle against itself
            counts as one and changes nothing.
    """

    @property
    def battles(self) -> int: ...

    def folded(self, battles: Iterable[Battle]) -> Self:
        """The state after `battles` too, in their order."""
        ...

    def to_json(self) -> dict[str, Any]:
        """The state as JSON values; numbers are kept exactly."""
        ...

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Self:
        """The state that `to_json` gave.

        Raises:
            ValueError: when it is the state of another method.
        """
        ...
