"""From a judge's reply to a verdict's value. Nothing is searched for in free text.

Two forms, chosen by whether the player can hold a model to a schema:

- schema: the whole reply is one JSON object with the explanation and the values, and nothing else.
- line: the reply explains in free words and ends with `VERDICT <nonce> {...}`. The nonce is this call's own, so a
  verdict that a response brought along, and the judge quotes, does not count; the mark may come once only.

Taking the first match of a pattern, or the last, credits forged verdicts (attacks A2, A3). Here what is not the agreed
form is no verdict, with a reason; it is asked again, and never guessed.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from engine.judges import shape
from engine.judges.reasons import InvalidReply, Reason
from engine.judges.strict_json import read_object
from engine.records import NativeValue, VerdictKind

VERDICT = "VERDICT"
_AROUND = " \t\r\n*`"
"""White space and emphasis that models put around a last line; no JSON begins or ends with any of it."""


_ASCII_SPACE = bytes(code for code in range(0x80) if chr(code).isspace())


class ReplyForm(StrEnum):
    """The form of a reply. It changes what is rendered."""

    SCHEMA = "schema"
    LINE = "line"


@dataclass(frozen=True, slots=True)
class Parsed:
    """A valid reply."""

    value: NativeValue
    explanation: str


def parse(text: str, kind: VerdictKind, form: ReplyForm, nonce: str, shown: str = "") -> Parsed:
    """The verdict that a whole reply states. Pure; under 50 ms a megabyte.

    Args:
        text: the reply, thinking taken out.
        nonce: this call's own.
        shown: what the judge was shown. A schema reply that stands there already was copied, not judged.

    Raises:
        InvalidReply: it states none, with the reason.
    """
    if not text.strip():
        raise InvalidReply(Reason.EMPTY)
    if form is ReplyForm.LINE:
        return _parse_line(text, kind, nonce)
    return _parse_whole(text, kind, shown)


def _parse_whole(text: str, kind: VerdictKind, shown: str) -> Parsed:
    reply = read_object(text)
    if shape.EXPLANATION not in reply:
        raise InvalidReply(Reason.MISSING_KEY)
    explanation = reply.pop(shape.EXPLANATION)
    if not isinstance(explanation, str):
        raise InvalidReply(Reason.NOT_A_TEXT)
    value = shape.value_of(kind, reply)
    shown = _without_space(shown)
    if _without_space(text) in shown or _is_copied(reply | {shape.EXPLANATION: explanation}, shown):
        raise InvalidReply(Reason.COPIED)
    return Parsed(value, explanation)


def _is_copied(reply: Mapping[str, Any], shown: str) -> bool:
    """Whether each member of a reply stands in what was shown, white space aside.

    A judge that was talked into repeating an object may order, space and spell it as the schema or its habit has it.
    """
    return all(
        any(_without_space(f'"{name}":{spelling}') in shown for spelling in _spellings(value))
        for name, value in reply.items()
    )


def _spellings(value: Any) -> set[str]:
    whole = {str(int(value))} if isinstance(value, float) and value.is_integer() else set()
    return whole | {json.dumps(value, ensure_ascii=True), json.dumps(value, ensure_ascii=False)}


def _parse_line(text: str, kind: VerdictKind, nonce: str) -> Parsed:
    mark = f"{VERDICT} {nonce}"
    explanation, found, rest = text.rpartition(mark)
    if not found:
        raise InvalidReply(Reason.OTHER_CODE if f"{VERDICT} " in text else Reason.NO_VERDICT)
    if mark in explanation:
        raise InvalidReply(Reason.TWO_VERDICTS)
    before, _, lead = explanation.rpartition("\n")
    if lead.strip(_AROUND):
        raise InvalidReply(Reason.NOT_A_LINE)
    value = shape.value_of(kind, read_object(rest.strip(_AROUND)))
    return Parsed(value, before.strip())


def _without_space(text: str) -> str:
    if text.isascii():  # ten times as fast
        return text.encode().translate(None, _ASCII_SPACE).decode()
    return "".join(text.split())
