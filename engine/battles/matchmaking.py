"""Match-making: which players meet on which prompt (arena-learning.md, section 5).

i            the target against one other
ii           the prompts split at random among the others, the target against the one that drew the prompt
iii          the target and two others, every pair
iv           the target and three others, every pair, the others among themselves too
round-robin  every pair of all players

Everything is drawn by hashing the seed with what is drawn for, so the same players, prompts and seed give the same
battles in the same order, and a smaller limit is the beginning of a larger one.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Literal, TypeVar

from engine.errors import UsageError

Mode = Literal["i", "ii", "iii", "iv", "round-robin"]
T = TypeVar("T")

OPPONENTS: dict[Mode, int] = {"i": 1, "iii": 2, "iv": 3}
"""How many others a mode needs; `ii` takes any number."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """A battle to be played on some prompt: the names of both players, and which of their responses meet."""

    one: str
    other: str
    sample: int


@dataclass(frozen=True, slots=True)
class MatchMaker:
    """Makes the pairs of a run, prompt by prompt.

    Attributes:
        players: in modes i to iv the target first.
        samples: responses of each player to each prompt; the n-th of one meets the n-th of the other.
    """

    players: tuple[str, ...]
    mode: Mode
    seed: int
    samples: int = 1

    @classmethod
    def of(
        cls, players: Sequence[str], mode: Mode, seed: int, target: str | None = None, samples: int = 1
    ) -> MatchMaker:
        """Check that the mode fits the players; without a target the first player is it.

        Raises:
            UsageError: too few or too many players for the mode, or no such target.
        """
        if mode == "round-robin":
            if len(players) < 2:
                raise UsageError("a round robin needs at least two players", f"The plan has {len(players)}.")
            return cls(tuple(players), mode, seed, samples)
        target = target or (players[0] if players else None)
        if target is None or target not in players:
            raise UsageError(
                f"mode {mode} needs a target among the players", f"Players: {', '.join(players)}."
            )
        others = [player for player in players if player != target]
        _check_number(mode, target, others)
        return cls((target, *others), mode, seed, samples)

    def on(self, prompt: str) -> list[Pairing]:
        """The battles on the prompt of this key, in plan order."""
        return [
            Pairing(one, other, sample)
            for one, other in self._pairs(prompt)
            for sample in range(self.samples)
        ]

    def players_on(self, prompt: str) -> tuple[str, ...]:
        """Who has to answer the prompt of this key."""
        if self.mode == "ii":
            return next(iter(self._pairs(prompt)))
        return self.players[:2] if self.mode == "i" else self.players

    def per_prompt(self) -> int:
        """Battles on each prompt."""
        n = len(self.players)
        return self.samples * (1 if self.mode in ("i", "ii") else n * (n - 1) // 2)

    def _pairs(self, prompt: str) -> Iterator[tuple[str, str]]:
        if self.mode == "ii":
            others = self.players[1:]
            drawn = draw(self.seed, "opponent", prompt) * len(others) >> 64
            return iter([(self.players[0], others[drawn])])
        return combinations(self.players, 2)


def _check_number(mode: Mode, target: str, others: Sequence[str]) -> None:
    needed = OPPONENTS.get(mode)
    if others and (needed is None or len(others) == needed):
        return
    wanted = "at least one other" if needed is None else f"exactly {needed} other{'s' if needed > 1 else ''}"
    raise UsageError(
        f"mode {mode} is the target against {wanted}; the plan has {len(others)}",
        f"Target: {target}. Others: {', '.join(others) or 'none'}.",
        "Name them in [run] opponents, or choose another mode.",
    )


def shuffled(items: Sequence[T], names: Sequence[str], seed: int) -> list[T]:
    """The items in an order drawn by seed, each by its own name: adding one leaves the order of the others."""
    order = sorted(range(len(items)), key=lambda i: (draw(seed, "order", names[i]), names[i]))
    return [items[i] for i in order]


def sides(one: str, other: str) -> tuple[str, str]:
    """Two responses (their content keys) as a and b, drawn so that being a means nothing.

    It depends on the two alone, not on a seed or on what a plan calls their players: two responses are one battle in
    whatever run they meet.
    """
    low, high = sorted((one, other))
    return (high, low) if draw(0, "sides", low, high) & 1 else (low, high)


def draw(seed: int, *what: str) -> int:
    """64 bits that depend on the seed and on what is drawn, and on nothing else: no state, no order of calls."""
    digest = hashlib.sha256(repr((seed, what)).encode("utf-8", "surrogatepass")).digest()
    return int.from_bytes(digest[:8], "big")
