"""What a judge is to reply, by kind of verdict: the fields, their JSON schema, and how they are read.

The explanation comes first, so that a model reasons before it scores. The schema keeps to what every server with
structured output holds: all keys required, no others, `enum` in place of ranges (vLLM, OpenAI's strict mode and others
refuse or ignore more).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.judges.reasons import InvalidReply, Reason
from engine.records import NativeValue, VerdictKind

EXPLANATION = "explanation"
GRADES = ("A>>B", "A>B", "A=B", "B>A", "B>>A")
WINNERS = ("first", "second", "tie")


class Field(Protocol):
    """One field of a reply."""

    @property
    def hint(self) -> str:
        """What stands for the value where the reply is described. Never valid JSON, so that a copy is no verdict."""

    def schema(self) -> dict[str, Any]:
        """JSON schema of the value."""

    def read(self, value: Any) -> float | str:
        """The value, checked.

        Raises:
            InvalidReply: it is not one that was on offer.
        """


@dataclass(frozen=True, slots=True)
class Number:
    """A number from `lowest` to `highest`; the schema offers whole ones where `whole` says so, others are read too."""

    lowest: int
    highest: int
    whole: bool

    @property
    def hint(self) -> str:
        return f"<{self.lowest} to {self.highest}>"

    def schema(self) -> dict[str, Any]:
        if self.whole:
            return {"type": "integer", "enum": list(range(self.lowest, self.highest + 1))}
        return {"type": "number", "minimum": self.lowest, "maximum": self.highest}

    def read(self, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidReply(Reason.NOT_A_NUMBER)
        if not self.lowest <= value <= self.highest:
            raise InvalidReply(Reason.OUT_OF_RANGE)
        return float(value)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few words, spelled as offered."""

    options: tuple[str, ...]

    @property
    def hint(self) -> str:
        return f"<one of {', '.join(self.options)}>"

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.options)}

    def read(self, value: Any) -> str:
        if not isinstance(value, str) or value not in self.options:
            raise InvalidReply(Reason.NOT_ON_OFFER)
        return value


_SCORE = Number(1, 10, whole=True)
_FIELDS: Mapping[VerdictKind, Mapping[str, Field]] = {
    VerdictKind.SCORES: {"score_first": _SCORE, "score_second": _SCORE},
    VerdictKind.PREFERENCE: {"preference_second": Number(0, 1, whole=False)},
    VerdictKind.GRADE: {"grade": Choice(GRADES)},
    VerdictKind.WINNER: {"winner": Choice(WINNERS)},
    VerdictKind.SINGLE: {"score": _SCORE},
}


def fields(kind: VerdictKind) -> Mapping[str, Field]:
    """The fields of a verdict of that kind, in the order in which they are asked for."""
    return _FIELDS[kind]


def schema(kind: VerdictKind, explanation_chars: int | None = None) -> dict[str, Any]:
    """JSON schema of the whole reply.

    Args:
        explanation_chars: longest explanation that the server should let through (`maxLength`, which some servers
            refuse); None sets no limit.
    """
    limit = {} if explanation_chars is None else {"maxLength": explanation_chars}
    properties = {EXPLANATION: {"type": "string", **limit}} | {n: f.schema() for n, f in fields(kind).items()}
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def description(kind: VerdictKind, explained: bool) -> str:
    """The reply's JSON as the judge is told of it, with hints in place of values."""
    hints = {EXPLANATION: '"<your reasons>"'} if explained else {}
    hints |= {name: field.hint for name, field in fields(kind).items()}
    return "{" + ", ".join(f'"{name}": {hint}' for name, hint in hints.items()) + "}"


def value_of(kind: VerdictKind, reply: Mapping[str, Any]) -> NativeValue:
    """The native value of a reply's fields.

    Raises:
        InvalidReply: a key is missing or not expected, or a value was not on offer.
    """
    wanted = fields(kind)
    if wanted.keys() - reply.keys():
        raise InvalidReply(Reason.MISSING_KEY)
    if reply.keys() - wanted.keys():
        raise InvalidReply(Reason.UNEXPECTED_KEY)
    values = [field.read(reply[name]) for name, field in wanted.items()]
    if kind is VerdictKind.SCORES:
        first, second = (float(value) for value in values)
        return first, second
    return values[0]
