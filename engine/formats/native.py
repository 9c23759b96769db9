"""Native values of verdicts, by their kind."""

from __future__ import annotations

from typing import Any

from engine.formats import fields
from engine.formats.fields import FieldError
from engine.formats.replies import grade
from engine.records import NativeValue, VerdictKind

SHOWN = ("first", "second", "tie")
"""Winners, as the responses were shown."""

_LOWEST, _HIGHEST = 1.0, 10.0


def checked(kind: VerdictKind, value: Any) -> NativeValue:
    """A native value of that kind.

    Raises:
        FieldError: it is none.
    """
    if kind is VerdictKind.SCORES:
        if not isinstance(value, list | tuple) or len(value) != 2:
            raise FieldError("value is not two scores")
        return (score(value[0], "value"), score(value[1], "value"))
    if kind is VerdictKind.PREFERENCE:
        return fields.number(value, "value", 0.0, 1.0)
    if kind is VerdictKind.SINGLE:
        return score(value, "value")
    if not isinstance(value, str):
        raise FieldError(f"value is no {kind.value}")
    return known_grade(value) if kind is VerdictKind.GRADE else _shown(value)


def score(value: Any, field: str) -> float:
    """A score of one response, 1 to 10."""
    return fields.number(value, field, _LOWEST, _HIGHEST)


def known_grade(value: str) -> str:
    """One of five grades, also when it was written the other way round."""
    found = grade(value)
    if found is None:
        raise FieldError("unknown grade")
    return found


def _shown(value: str) -> str:
    if value not in SHOWN:
        raise FieldError("unknown winner")
    return value
