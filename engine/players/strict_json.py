"""JSON as the standard says and no more, for bytes that a stranger sent.

Python's own reader takes NaN and infinities, keeps the last of two equal keys, and answers deep nesting and huge
numbers with exceptions of several kinds. Here each is a ValueError with a reason that can be counted.
"""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn


def loads(data: bytes | str) -> Any:
    """Read one JSON value. Escaped lone surrogates are kept, raw ones are no UTF-8.

    Raises:
        ValueError: a short reason: `not UTF-8`, `not JSON`, `duplicate key`, `not a number in JSON` (NaN and
            infinities, also 1e999), `number too long`, `nested too deeply`.
    """
    try:
        text = data.decode("utf-8") if isinstance(data, bytes) else data
    except UnicodeDecodeError:
        raise ValueError("not UTF-8") from None
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_no_constant,
            parse_float=_finite,
            parse_int=_whole,
        )
    except json.JSONDecodeError:
        raise ValueError("not JSON") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(name: str) -> NoReturn:
    raise ValueError("not a number in JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("not a number in JSON")
    return value


def _whole(text: str) -> int:
    try:
        return int(text)
    except ValueError:  # longer than sys.get_int_max_str_digits allows
        raise ValueError("number too long") from None
