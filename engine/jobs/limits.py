"""Limits of a job that may change while it runs: what it may spend, and how long an attempt may take."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from engine.errors import UsageError
from engine.plan import Plan, parse_duration

NAMES = ("max_calls", "max_tokens", "max_cost", "stop_after")

Said = Mapping[str, float | None]
"""Limits by name, as a job's row holds them: null lifts what the plan says."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What bounds a job; None is no bound.

    Attributes:
        max_calls, max_tokens, max_cost: over all attempts of the job.
        stop_after: seconds from the start of an attempt.
    """

    max_calls: int | None = None
    max_tokens: int | None = None
    max_cost: float | None = None
    stop_after: float | None = None

    @classmethod
    def of(cls, plan: Plan) -> Limits:
        """The plan's own."""
        return cls(**{name: getattr(plan.run, name) for name in NAMES})

    def with_said(self, said: Said) -> Limits:
        """These, but for what was said since."""
        values: dict[str, Any] = dict(said)
        return replace(self, **values)


def parse_limit(text: str) -> tuple[str, float | None]:
    """Name and value of `max_cost=5`, `max_calls=20000`, `stop_after=2h`; `none` lifts a limit.

    Raises:
        UsageError: it is none.
    """
    name, equals, value = text.partition("=")
    if name not in NAMES or not equals:
        raise UsageError(
            f"'{text}' is no limit", f"Known: {', '.join(NAMES)}.", "Such as max_cost=5, or max_cost=none."
        )
    if value == "none":
        return name, None
    try:
        return name, _value(name, value)
    except ValueError as error:
        raise UsageError(f"{name} cannot be '{value}'", str(error)) from None


def _value(name: str, text: str) -> float:
    if name == "stop_after":
        return parse_duration(text)
    kind, what = (float, "a number") if name == "max_cost" else (int, "a whole number")
    try:
        value = kind(text.replace("_", "").replace(",", ""))
    except ValueError:
        value = 0
    if not 0 < value < 2**63:
        raise ValueError(f"expected {what} above 0, or none")
    return value


def still_said(said: Said, plan_before: str, plan: str) -> dict[str, float | None]:
    """What was said of a job's limits and still holds when its plan is run again: the newer word counts, and that is
    the plan's where it says something else than it did."""
    before, after = _run_table(plan_before), _run_table(plan)
    return {name: value for name, value in said.items() if before.get(name) == after.get(name)}


def _run_table(plan: str) -> Mapping[str, Any]:
    table: Mapping[str, Any] = tomllib.loads(plan).get("run", {})
    return table
