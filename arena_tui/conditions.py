"""`--fail-if`: one comparison of a figure with a number, such as `upper<0`."""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.errors import UsageError

NAMES = ("difference", "lower", "upper", "win_rate")
_OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<=": operator.le,
    ">=": operator.ge,
    "<": operator.lt,
    ">": operator.gt,
}
_FORM = re.compile(r"\s*([a-z_]+)\s*(<=|>=|<|>)\s*(-?\d+(?:\.\d+)?)\s*")


@dataclass(frozen=True, slots=True)
class Condition:
    """A figure of a comparison held against a number."""

    name: str
    sign: str
    number: float

    def holds(self, facts: Mapping[str, Any]) -> bool | None:
        """Whether it holds of a row's facts; None where that cannot be decided.

        A model that never won against those above it, the baseline among them, differs by minus infinity, one that
        never lost by plus infinity. The bound on the other side is as infinite where there are prompts enough for an
        interval. An interval with one bound is open on the other side.
        """
        value = facts[self.name]
        if value is None:
            value = _infinite(self.name, facts)
        return None if value is None else _OPERATORS[self.sign](float(value), self.number)


def _infinite(name: str, facts: Mapping[str, Any]) -> float | None:
    """The infinity that a figure without a number stands for, if any."""
    from engine.ratings.intervals import LEAST_PROMPTS

    if name == "win_rate":
        return None
    outer = {"below": "lower", "above": "upper"}.get(facts["beyond"])
    if outer is not None:
        known = name in ("difference", outer) or facts["prompts"] >= LEAST_PROMPTS
        return (-math.inf if outer == "lower" else math.inf) if known else None
    if facts["lower"] is None and facts["upper"] is None:
        return None
    return -math.inf if name == "lower" else math.inf


def parse_condition(said: str) -> Condition:
    """A condition from its text.

    Raises:
        UsageError: it is none.
    """
    match = _FORM.fullmatch(said)
    if match is None or match[1] not in NAMES:
        raise UsageError(
            f"--fail-if: '{said}' is no condition",
            f"Write NAME<NUMBER with {', '.join(NAMES)} and < <= > >=.",
        )
    return Condition(match[1], match[2], float(match[3]))
