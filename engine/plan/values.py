"""Types of values that a plan writes in its own way: durations, names, endpoints, names of variables."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer

from engine.plan.secrets import NAME_THE_VARIABLE, looks_random, url_has_secret

_UNITS = {"d": 86_400, "h": 3_600, "m": 60, "s": 1}
_DURATION = re.compile(r"(?=\d)" + "".join(rf"(?:(?P<{unit}>\d{{1,9}}){unit}\s*)?" for unit in _UNITS))
_NAME = re.compile(r"[^\W_][\w.+-]*")
_NO_ENDPOINT = "expected a base URL such as http://localhost:8000/v1, without query or fragment"
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def parse_duration(text: str) -> int:
    """Seconds of a duration such as `3h50m`, `90s` or `1d 12h`.

    Raises:
        ValueError: it is none, or takes no time.
    """
    found = _DURATION.fullmatch(text.strip())
    seconds = sum(int(found[unit] or 0) * size for unit, size in _UNITS.items()) if found else 0
    if not seconds:
        raise ValueError("expected a duration, such as 90s, 45m, 3h50m or 1d12h")
    return seconds


def format_duration(seconds: int) -> str:
    """The shortest spelling that `parse_duration` reads back: 13800 is `3h50m`."""
    text = ""
    for unit, size in _UNITS.items():
        count, seconds = divmod(seconds, size)
        text += f"{count}{unit}" if count else ""
    return text


def endpoint_problem(url: str) -> str | None:
    """Why a URL is no endpoint, or None when it is one. The answer does not show the URL."""
    if url_has_secret(url):
        return "holds a secret: take it out of the URL and name its environment variable in api_key_env"
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:
        return _NO_ENDPOINT
    if not usable or parts.query or parts.fragment or re.search(r"\s", url):
        return _NO_ENDPOINT
    return None


def _seconds(value: Any) -> Any:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return parse_duration(value if isinstance(value, str) else "")


def _one_or_many(value: Any) -> Any:
    return value if isinstance(value, list | tuple) else (value,)


def _endpoint(value: str) -> str:
    if value.startswith("@"):
        if value == "@":
            raise ValueError("expected the name of a file after '@'")
        return value
    if problem := endpoint_problem(value):
        raise ValueError(problem)
    return value


def _variable(value: str) -> str:
    if looks_random(value):
        raise ValueError(NAME_THE_VARIABLE)
    if not _VARIABLE.fullmatch(value):
        raise ValueError("expected the name of an environment variable, such as OPENAI_API_KEY")
    return value


def _run_name(value: str) -> str:
    if not _NAME.fullmatch(value):
        raise ValueError("expected letters, digits and . + - _, beginning with a letter or a digit")
    return value


def _player_name(value: str) -> str:
    if not value.isprintable() or value != value.strip() or not value:
        raise ValueError("expected a name of printable letters, without spaces at its ends")
    return value


@dataclass(frozen=True, slots=True)
class Takes:
    """What a value may be written as, in words, where its type says less."""

    words: str


Duration = Annotated[
    int,
    Takes("duration, such as 3h50m, or seconds"),
    BeforeValidator(_seconds),
    Field(gt=0),
    PlainSerializer(format_duration, when_used="json"),
]
RunName = Annotated[str, Field(max_length=100), AfterValidator(_run_name)]
PlayerName = Annotated[str, Field(max_length=200), AfterValidator(_player_name)]
Variable = Annotated[str, Field(max_length=200), AfterValidator(_variable)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
Endpoints = Annotated[
    tuple[Endpoint, ...],
    Takes("URL, or list of URLs"),
    BeforeValidator(_one_or_many),
    Field(strict=False, min_length=1),
]
Text = Annotated[str, Field(min_length=1)]
Texts = Annotated[tuple[Text, ...], Field(strict=False)]
PerRound = Annotated[
    tuple[Annotated[float, Field(ge=0, le=5)], ...],
    Takes("number, or list of numbers"),
    BeforeValidator(_one_or_many),
    Field(strict=False, min_length=1),
]
JsonTable = dict[str, Any]
