"""Values of other people's fields, checked one by one: used exactly as they are, or refused with a reason.

Nothing is guessed. A winner that is not known is no tie, a number is no name, and a name is kept to the byte.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Literal

from engine.formats.jsons import loads
from engine.records import Message, Role

Winner = Literal["model_a", "model_b", "tie"]

WINNERS: Mapping[str, Winner] = {
    "model_a": "model_a",
    "a": "model_a",
    "left": "model_a",
    "model_b": "model_b",
    "b": "model_b",
    "right": "model_b",
    "tie": "tie",
    "tie (bothbad)": "tie",
    "tie (both bad)": "tie",
    "bothbad": "tie",
    "both_bad": "tie",
}
ROLES: Mapping[str, Role] = {
    "system": "system",
    "user": "user",
    "human": "user",
    "prompter": "user",
    "assistant": "assistant",
    "gpt": "assistant",
    "bot": "assistant",
    "model": "assistant",
    "chatgpt": "assistant",
}
# 9999-12-31: what lies beyond is most likely in milliseconds, and is not guessed at.
_LAST_SECOND = 253_402_300_799.0


class FieldError(ValueError):
    """A field cannot be used. The message is the reason why its row is set aside, in words that can be counted."""


def missing(value: Any) -> bool:
    """Null, or the NaN that pandas writes for it."""
    return value is None or (isinstance(value, float) and math.isnan(value))


def absent(value: Any) -> bool:
    """Missing, or an empty cell."""
    return missing(value) or value == ""


def model_name(value: Any, field: str) -> str:
    """A name, exactly as it is: `nan`, `=SUM(A1)` and 5,000 characters of markup are names.

    Raises:
        FieldError: it is missing, no text, or blank.
    """
    if type(value) is str and value and not value.isspace():
        return value
    if missing(value):
        raise FieldError(f"no {field}")
    raise FieldError(f"empty {field}" if isinstance(value, str) else f"{field} is not text")


def identifier(value: Any, field: str) -> str:
    """An id as text; whole numbers are ids too (7 and 7.0 are one, as pandas turns one into the other).

    Raises:
        FieldError: it is missing, blank, or neither text nor a whole number.
    """
    if type(value) is str and value and not value.isspace():
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if missing(value):
        raise FieldError(f"no {field}")
    raise FieldError(
        f"empty {field}" if isinstance(value, str) else f"{field} is neither text nor a whole number"
    )


def optional_identifier(value: Any, field: str) -> str | None:
    """As `identifier`; None where it is missing or an empty cell."""
    return None if value is None or value == "" or missing(value) else identifier(value, field)


def text(value: Any, field: str) -> str:
    """Text, which may be empty.

    Raises:
        FieldError: it is missing or no text.
    """
    if type(value) is str:
        return value
    raise FieldError(f"no {field}" if missing(value) else f"{field} is not text")


def optional_text(value: Any, field: str) -> str | None:
    """As `text`; None where it is missing or an empty cell."""
    return None if value is None or value == "" or missing(value) else text(value, field)


def number(value: Any, field: str, low: float = -math.inf, high: float = math.inf) -> float:
    """A finite number in low..high, from a number or the text of one.

    Raises:
        FieldError: it is missing, no number, not finite, or out of range.
    """
    if missing(value) or value == "":
        raise FieldError(f"no {field}")
    try:
        if isinstance(value, bool) or (isinstance(value, str) and ("_" in value or not value.isascii())):
            raise TypeError
        parsed = float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise FieldError(f"{field} is not a number") from error
    if not math.isfinite(parsed):
        raise FieldError(f"{field} is not a finite number")
    if not low <= parsed <= high:
        raise FieldError(f"{field} is not in {low:g} to {high:g}")
    return parsed


def optional_number(value: Any, field: str, low: float = -math.inf, high: float = math.inf) -> float | None:
    """As `number`; None where it is missing or an empty cell."""
    return None if value is None or value == "" or missing(value) else number(value, field, low, high)


def whole(value: Any, field: str, low: int = 0) -> int:
    """A whole number of at least `low`.

    Raises:
        FieldError: it is missing, no number, not whole, or too small.
    """
    parsed = number(value, field, low)
    if not parsed.is_integer():
        raise FieldError(f"{field} is not a whole number")
    return int(parsed)


def winner(value: Any, values: Mapping[str, str] | None = None) -> Winner:
    """Who won: model_a, model_b or tie, in the words that battle logs use (WINNERS), whatever their case.

    Args:
        values: further words -> ours, as a person said; they go first.

    Raises:
        FieldError: it is missing, or a word that is not known. It is never taken for a tie.
    """
    if missing(value) or value == "":
        raise FieldError("no winner")
    said = str(value)
    if values and said in values:
        said = values[said]
    elif not isinstance(value, str):
        raise FieldError("unknown winner")
    known = WINNERS.get(said) or WINNERS.get(said.strip().lower())
    if known is None:
        raise FieldError("unknown winner")
    return known


def seconds(value: Any, field: str) -> float:
    """Seconds since 1970: from a number of seconds, an ISO 8601 text or a date; without a zone it is UTC.

    Raises:
        FieldError: it is missing, no time, or beyond the year 9999 (milliseconds look so).
    """
    if isinstance(value, datetime):
        return _seconds_of(value)
    if isinstance(value, date):
        return _seconds_of(datetime(value.year, value.month, value.day))
    if isinstance(value, str) and value and not _looks_numeric(value):
        try:
            return _seconds_of(datetime.fromisoformat(value))
        except ValueError as error:
            raise FieldError(f"{field} is not a time") from error
    parsed = number(value, field)
    if abs(parsed) > _LAST_SECOND:
        raise FieldError(f"{field} is no time in seconds")
    return parsed


def optional_seconds(value: Any, field: str) -> float | None:
    """As `seconds`; None where it is missing or an empty cell."""
    return None if value is None or value == "" or missing(value) else seconds(value, field)


def _seconds_of(moment: datetime) -> float:
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _looks_numeric(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return not (len(value) == 8 and value.isdecimal())  # 20240131 is a date


def messages(value: Any, field: str) -> tuple[Message, ...]:
    """A conversation: a list of {role, content} or {from, value}, or the JSON text of one.

    Raises:
        FieldError: it is missing, not of that form, or has a role or content that is not known.
    """
    if missing(value) or value == "":
        raise FieldError(f"no {field}")
    if isinstance(value, str):
        value = _from_json(value, field)
    if not isinstance(value, list) or not value:
        raise FieldError(f"{field} is not a list of messages")
    return tuple(_message(item, field) for item in value)


def _message(item: Any, field: str) -> Message:
    if not isinstance(item, dict):
        raise FieldError(f"{field} holds something that is no message")
    said = item.get("role", item.get("from"))
    role = ROLES.get(said.lower()) if isinstance(said, str) else None
    if role is None:
        raise FieldError(f"{field} has an unknown role")
    return Message(role, content(item.get("content", item.get("value")), field))


def content(value: Any, field: str) -> str:
    """The text of a message: text, or a list of parts that are all text.

    Raises:
        FieldError: it is missing, or holds anything but text, such as an image.
    """
    if isinstance(value, list) and value and all(_is_text_part(part) for part in value):
        return "".join(part["text"] for part in value)
    if isinstance(value, str):
        return value
    raise FieldError(
        f"{field} has a message without content" if missing(value) else f"{field} holds more than text"
    )


def _is_text_part(part: Any) -> bool:
    return isinstance(part, dict) and part.get("type", "text") == "text" and isinstance(part.get("text"), str)


def turns(value: Any, field: str) -> tuple[str, ...]:
    """The texts of one side, one a turn: a text, a list of texts, or a list of {content}.

    Raises:
        FieldError: it is missing, an empty list, or holds anything but text.
    """
    if isinstance(value, str):
        return (value,)
    if missing(value):
        raise FieldError(f"no {field}")
    if not isinstance(value, list) or not value:
        raise FieldError(f"{field} is neither text nor a list of texts")
    return tuple(content(item.get("content") if isinstance(item, dict) else item, field) for item in value)


def turn_list(value: Any, field: str) -> list[Any]:
    """A list with one item a turn, or the JSON text of one.

    Raises:
        FieldError: it is missing, empty, or no list.
    """
    if missing(value) or value == "":
        raise FieldError(f"no {field}")
    items = _from_json(value, field) if isinstance(value, str) else value
    if not isinstance(items, list) or not items:
        raise FieldError(f"{field} is not a list")
    return items


def json_turns(value: Any, field: str) -> list[str] | None:
    """The texts of one side as JSON: a list with one string a turn. None where it is missing.

    Raises:
        FieldError: it is no such list, or a turn is null.
    """
    if missing(value):
        return None
    said = _from_json(text(value, field), field)
    if not isinstance(said, list) or not said:
        raise FieldError(f"{field} is not a JSON list of texts")
    if any(turn is None for turn in said):
        raise FieldError(f"a turn of {field} is null")
    return [text(turn, field) for turn in said]


def is_json_list(value: Any) -> bool:
    """Whether a text is a JSON list of texts and nulls, which few texts are by chance."""
    if not isinstance(value, str) or not value.startswith("["):
        return False
    try:
        said = loads(value)
    except (ValueError, RecursionError):
        return False
    return isinstance(said, list) and all(turn is None or isinstance(turn, str) for turn in said)


def _from_json(value: str, field: str) -> Any:
    try:
        return loads(value)
    except (ValueError, RecursionError) as error:
        raise FieldError(f"{field} is not JSON") from error
