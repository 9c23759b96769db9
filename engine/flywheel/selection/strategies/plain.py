"""The method itself, and what needs no more than a sort to be compared with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.flywheel.selection.strategies.draws import draw
from engine.flywheel.selection.strategy import Offer


class Battles:
    """The paper's: prompts that the target lost by at least K, the widest gap first."""

    Options = None
    by_gap = True
    reads_prompts = False

    @staticmethod
    def order(offers: Sequence[Offer], options: Any, random_state: int) -> Sequence[int]:
        return sorted(range(len(offers)), key=lambda place: (-(offers[place].gap or 0.0), offers[place].key))


class All:
    """Every prompt with its best response, whoever won."""

    Options = None
    by_gap = False
    reads_prompts = False

    @staticmethod
    def order(offers: Sequence[Offer], options: Any, random_state: int) -> Sequence[int]:
        return sorted(range(len(offers)), key=lambda place: offers[place].key)


class AtRandom:
    """Prompts at random, whoever won."""

    Options = None
    by_gap = False
    reads_prompts = False

    @staticmethod
    def order(offers: Sequence[Offer], options: Any, random_state: int) -> Sequence[int]:
        return sorted(range(len(offers)), key=lambda place: draw(random_state, offers[place].key))


class Longest:
    """The longest prompts first, in characters."""

    Options = None
    by_gap = False
    reads_prompts = True

    @staticmethod
    def order(offers: Sequence[Offer], options: Any, random_state: int) -> Sequence[int]:
        return sorted(range(len(offers)), key=lambda place: (-len(offers[place].text), offers[place].key))
