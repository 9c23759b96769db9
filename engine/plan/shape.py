"""What pydantic finds wrong with a plan, in the plan's own words. No message shows a value: it may be a secret."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine.plan.findings import Finding, nearest
from engine.plan.keypath import KeyPath, value_at

_EXPECTED = {
    "string_type": "a string",
    "int_type": "an integer",
    "int_from_float": "an integer",
    "int_parsing": "an integer",
    "float_type": "a number",
    "float_parsing": "a number",
    "bool_type": "true or false",
    "bool_parsing": "true or false",
    "tuple_type": "a list",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
    "finite_number": "a finite number",
    "greater_than": "a number above {gt}",
    "greater_than_equal": "a number of at least {ge}",
    "less_than": "a number below {lt}",
    "less_than_equal": "a number of at most {le}",
    "string_too_short": "a text that is not empty",
    "string_too_long": "a text of at most {max_length} letters",
    "too_short": "at least {min_length} of them",
    "too_long": "at most {max_length} of them",
}

_FOUND = (
    (bool, "true or false"),
    (int, "an integer"),
    (float, "a number"),
    (str, "a string"),
    (dict, "a table"),
    (list, "a list"),
    ((datetime.date, datetime.time), "a date or time"),
)


def shape_findings(
    error: ValidationError,
    data: Any,
    nearest_key: Callable[[KeyPath], str | None],
    describe: Callable[[KeyPath], str],
) -> Iterator[Finding]:
    """What a failed validation of `data` says, each at its path.

    Broken rules are left out: `rules.broken_rules` tells them, each at its own path.

    Args:
        nearest_key: the known key that an unknown one at a path may mean.
        describe: what the key at a path is for; told where it is missing.
    """
    for detail in error.errors(include_url=False):
        path, kind = _real(detail["loc"], data), detail["type"]
        if kind == "extra_forbidden":
            yield Finding(path, "unknown key", nearest_key(path))
        elif kind == "missing":
            yield Finding(path, ": ".join(filter(None, ("is missing", describe(path)))))
        elif kind in ("literal_error", "enum"):
            expected = detail["ctx"]["expected"]
            yield Finding(path, f"expected {expected}", _nearest_value(detail["input"], expected))
        elif kind != "rules":
            yield Finding(path, _told(detail))


def _told(detail: ErrorDetails) -> str:
    context = detail.get("ctx", {})
    if detail["type"] == "value_error":
        return str(context["error"])
    expected = _EXPECTED.get(detail["type"])
    return f"expected {expected.format_map(context)}{_found(detail)}" if expected else detail["msg"]


def _real(location: tuple[int | str, ...], data: Any) -> KeyPath:
    """The part of pydantic's location that is a path of the plan, at most one key longer than what is there.

    Pydantic adds `[key]` for the key of a dictionary, the place in a list that the plan wrote as one value, and
    names of a union's members.
    """
    path: KeyPath = ()
    for part in location:
        if part == "[key]" or not isinstance(data, dict | list | tuple):
            break
        path = (*path, part)
        try:
            data = value_at(data, (part,))
        except LookupError:
            break
    return path


def _found(detail: ErrorDetails) -> str:
    if not detail["type"].endswith(("_type", "_parsing", "_from_float")):
        return ""
    return next((f", found {words}" for kind, words in _FOUND if isinstance(detail["input"], kind)), "")


def _nearest_value(given: Any, expected: str) -> str | None:
    return nearest(given, re.findall(r"'([^']*)'", expected)) if isinstance(given, str) else None
