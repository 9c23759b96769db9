"""A judge's recorded reply, and the verdicts that are made of it and of what the source read from it."""

from __future__ import annotations

from dataclasses import dataclass

from engine.formats.fields import FieldError, missing
from engine.records import NativeValue, Verdict, VerdictKind, VerdictStatus

GRADES = ("A>>B", "A>B", "A=B", "B>A", "B>>A")
# Arena-Hard's newer judges may write a grade the other way round (upstream's show_result.py reads these too).
_MIRRORED = {"A<<B": "B>>A", "A<B": "B>A", "B=A": "A=B", "B<A": "A>B", "B<<A": "A>>B"}
_OPEN, _CLOSE = "<think>", "</think>"


@dataclass(frozen=True, slots=True)
class Reply:
    """A judge's reply.

    Attributes:
        raw: the whole of it, exactly; None where the source keeps none.
        explanation: what is in it for people.
        thinking: what stood before `</think>`, all of it when it was never closed.
    """

    raw: str | None
    explanation: str | None = None
    thinking: str | None = None

    @classmethod
    def of(cls, raw: str | None) -> Reply:
        """Part the thinking of a reply from the rest.

        A judge that was asked to go on has thought again in the same reply: each of its blocks is thinking. A
        verdict that is quoted in one is none.
        """
        if raw is None or (_OPEN not in raw and _CLOSE not in raw):
            return cls(raw, raw)
        said: list[str] = []
        thoughts: list[str] = []
        *closed, rest = raw.split(_CLOSE)
        for block in closed:
            before, tag, inside = block.partition(_OPEN)
            said.append(before if tag else "")
            thoughts.append(inside if tag else block)
        before, tag, inside = rest.partition(_OPEN)
        said.append(before)
        thoughts.append(inside)
        return cls(raw, _joined(said), _joined(thoughts))

    def verdict(self, kind: VerdictKind, value: NativeValue, turn: int | None = None) -> Verdict:
        """The verdict that the source read from this reply, as shown."""
        return Verdict(
            kind,
            VerdictStatus.OK,
            value,
            explanation=self.explanation,
            raw=self.raw,
            thinking=self.thinking,
            turn=turn,
        )

    def without_verdict(
        self,
        kind: VerdictKind,
        reason: str,
        turn: int | None = None,
        status: VerdictStatus = VerdictStatus.UNPARSABLE,
    ) -> Verdict:
        """A verdict that decides nothing, since the source read none from this reply."""
        return Verdict(
            kind,
            status,
            reason=reason,
            explanation=self.explanation,
            raw=self.raw,
            thinking=self.thinking,
            turn=turn,
        )


def _joined(parts: list[str]) -> str | None:
    return "\n".join(part.strip() for part in parts if part.strip()) or None


def grade(value: str) -> str | None:
    """One of GRADES, also when it was written the other way round (B<A is A>B); None for any other text."""
    return value if value in GRADES else _MIRRORED.get(value)


def judge_name(value: object, fallback: str | None) -> str:
    """The judge as the source names it, else as a person named it.

    Raises:
        FieldError: neither does, or it is no text.
    """
    if isinstance(value, str) and value.strip():
        return value
    if not missing(value) and value != "":
        raise FieldError("judge is not text")
    if fallback is None:
        raise FieldError("no judge")
    return fallback
