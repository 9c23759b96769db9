"""What a verdict says: columns of each kind as native values, as shown.

    kind, value          our own export: the kind's native value as it is, a list of scores as JSON
    score_a, score_b     1 to 10 for each model
    preference_b         probability in 0..1 that model b is the better one
    preference           probability in 0..1 that the second shown response is the better one
    grade                A>>B, A>B, A=B, B>A, B>>A, A being shown first
    winner               model_a, model_b, tie (or the words of battle logs); first, second: as shown
    score                1 to 10 for the response of one model

Columns that speak of a and b are turned to what was shown first and second; the others are as shown already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.formats import fields
from engine.formats.fields import FieldError
from engine.formats.jsons import loads
from engine.formats.native import SHOWN, checked, known_grade, score
from engine.records import NativeValue, VerdictKind

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Said:
    """One way in which tables say verdicts.

    Attributes:
        columns: fields of ours that it needs.
        read: (row, swapped) to the kind and its native value as shown; None where the row says nothing.
    """

    columns: tuple[str, ...]
    read: Callable[[Fields, bool], tuple[VerdictKind, NativeValue | None]]
    single: bool = False


def _native(row: Fields, swapped: bool) -> tuple[VerdictKind, NativeValue | None]:
    try:
        kind = VerdictKind(fields.text(row["kind"], "kind"))
    except ValueError as error:
        raise error if isinstance(error, FieldError) else FieldError("unknown kind") from error
    value = _parsed(row["value"])
    return kind, None if fields.absent(value) else checked(kind, value)


def _parsed(value: Any) -> Any:
    """A value in a table of text is JSON, or a word by itself."""
    if not isinstance(value, str):
        return value
    try:
        return loads(value)
    except (ValueError, RecursionError):
        return value


def _scores(row: Fields, swapped: bool) -> tuple[VerdictKind, NativeValue | None]:
    if fields.absent(row["score_a"]) and fields.absent(row["score_b"]):
        return VerdictKind.SCORES, None
    a, b = score(row["score_a"], "score_a"), score(row["score_b"], "score_b")
    return VerdictKind.SCORES, (b, a) if swapped else (a, b)


def _preference(row: Fields, swapped: bool) -> tuple[VerdictKind, NativeValue | None]:
    value = fields.optional_number(row["preference"], "preference", 0.0, 1.0)
    return VerdictKind.PREFERENCE, value


def _preference_b(row: Fields, swapped: bool) -> tuple[VerdictKind, NativeValue | None]:
    value = fields.optional_number(row["preference_b"], "preference_b", 0.0, 1.0)
    return VerdictKind.PREFERENCE, 1.0 - value if swapped and value is not None else value


def _graded(row: Fields, swapped: bool) -> tuple[VerdictKind, NativeValue | None]:
    value = fields.optional_text(row["grade"], "grade")
    return VerdictKind.GRADE, None if value is None else known_grade(value)


def _single(row: Fields, swapped: bool) -> tuple[VerdictKind, NativeValue | None]:
    value = row["score"]
    return VerdictKind.SINGLE, None if fields.absent(value) else score(value, "score")


def winner_reader(values: Mapping[str, str]) -> Said:
    """How winners are read.

    Args:
        values: further words -> model_a, model_b or tie, as a person said.
    """

    def read(row: Fields, swapped: bool) -> tuple[VerdictKind, NativeValue | None]:
        value = row["winner"]
        if fields.absent(value):
            return VerdictKind.WINNER, None
        if value in SHOWN and value not in values:
            return VerdictKind.WINNER, value
        model = fields.winner(value, values)
        if model == "tie":
            return VerdictKind.WINNER, "tie"
        return VerdictKind.WINNER, "first" if (model == "model_a") != swapped else "second"

    return Said(("winner",), read)


def ways(values: Mapping[str, str]) -> tuple[Said, ...]:
    """All ways, the one that says most first; a table is read in the first that it has the columns of."""
    return (
        Said(("kind", "value"), _native),
        Said(("score_a", "score_b"), _scores),
        Said(("preference_b",), _preference_b),
        Said(("preference",), _preference),
        Said(("grade",), _graded),
        winner_reader(values),
        Said(("score",), _single, single=True),
    )
