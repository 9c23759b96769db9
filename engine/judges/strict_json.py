"""JSON of a model, read without mercy.

`json.loads` keeps the last of two equal keys, takes NaN and Infinity, turns 1e999 into infinity, and raises ValueError
or RecursionError on 5,000 digits or 100,000 brackets (attack A15). A verdict is one flat object of a few keys, so
this reads no more than that, and gives up at the first thing that such an object does not have.
"""

from __future__ import annotations

import json
import re
from typing import Any

from engine.judges.reasons import InvalidReply, Reason

_LONGEST_NUMBER = 32
"""Characters of a number: more than any score needs, fewer than a conversion could choke on."""
_MOST_KEYS = 8
_SPACE = re.compile(r"[ \t\n\r]*")


def read_object(text: str) -> dict[str, Any]:
    """The one flat JSON object that the text is, white space around it aside. Linear time.

    Raises:
        InvalidReply: it is none; a key comes twice or there are too many; a value is an array or an object, or no
            finite number of a sane length.
    """
    start, bracket = _at(text, 0)
    if bracket != "{":
        raise InvalidReply(Reason.NOT_AN_OBJECT)
    found: dict[str, Any] = {}
    position, separator = _at(text, start + 1)
    while separator != "}":
        key, position = _key(text, position)
        if key in found:
            raise InvalidReply(Reason.DUPLICATE_KEY)
        found[key], position = _value(text, position)
        if len(found) > _MOST_KEYS:
            raise InvalidReply(Reason.UNEXPECTED_KEY)
        position, separator = _at(text, position)
        if separator == ",":
            position += 1
        elif separator != "}":
            raise InvalidReply(Reason.NOT_JSON)
    if _at(text, position + 1)[1]:
        raise InvalidReply(Reason.TEXT_AFTER)
    return found


def _at(text: str, position: int) -> tuple[int, str]:
    """Where the next character that is no white space stands, and which it is; empty at the end."""
    match = _SPACE.match(text, position)
    position = match.end() if match else position
    return position, text[position : position + 1]


def _past(text: str, position: int, expected: str) -> int:
    position, character = _at(text, position)
    if character != expected:
        raise InvalidReply(Reason.NOT_JSON)
    return position + 1


def _key(text: str, position: int) -> tuple[str, int]:
    position, character = _at(text, position)
    if character != '"':
        raise InvalidReply(Reason.NOT_JSON)
    key, position = _scalar(text, position)
    return str(key), _past(text, position, ":")


def _value(text: str, position: int) -> tuple[Any, int]:
    position, character = _at(text, position)
    if character in ("[", "{"):
        raise InvalidReply(Reason.NESTED)
    return _scalar(text, position)


def _scalar(text: str, position: int) -> tuple[Any, int]:
    try:
        return _DECODER.raw_decode(text, position)
    except InvalidReply:
        raise
    except ValueError:
        raise InvalidReply(Reason.NOT_JSON) from None


def _constant(name: str) -> float:
    raise InvalidReply(Reason.NOT_A_NUMBER)


def _integer(digits: str) -> int:
    if len(digits) > _LONGEST_NUMBER:
        raise InvalidReply(Reason.OUT_OF_RANGE)
    return int(digits)


def _fraction(digits: str) -> float:
    if len(digits) > _LONGEST_NUMBER:
        raise InvalidReply(Reason.OUT_OF_RANGE)
    return float(digits)


_DECODER = json.JSONDecoder(parse_constant=_constant, parse_int=_integer, parse_float=_fraction)
