"""`--fail-if`: one comparison of a figure with a number, such as `upper<0`."""

from __future__ import annotations

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
    """A figure of a comparison held against a number. A figure that cannot be had fulfils nothing."""

    name: str
    sign: str
    number: float

    def holds(self, facts: Mapping[str, Any]) -> bool:
        """Whether it holds of a row's facts."""
        value = facts[self.name]
        return value is not None and _OPERATORS[self.sign](float(value), self.number)


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
