"""The place of a value in a plan: `players.llama.sampling.temperature`, `flywheel.stage[0].min_gap`."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from engine.plan.secrets import looks_like_key

KeyPath = tuple[str | int, ...]

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PART = re.compile(r"""([A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')((?:\[\d+\])*)(\.|$)""")


def spell(path: Iterable[str | int]) -> str:
    """The dotted form: bare keys as they are, others quoted, places in a list in brackets.

    A key that looks like a secret is not spelled.
    """
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        elif looks_like_key(part):
            text += ".(hidden)"
        else:
            text += "." + quoted(part)
    return text.removeprefix(".")


def quoted(key: str) -> str:
    """A key as TOML takes it: bare where that is allowed, else as a basic string."""
    return key if _BARE.fullmatch(key) else basic_string(key)


def basic_string(text: str) -> str:
    """Text as a TOML basic string. JSON's escapes are TOML's, but for DEL."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def parse(text: str) -> KeyPath:
    """Read the dotted form.

    Raises:
        ValueError: it is none.
    """
    path: list[str | int] = []
    place, separator = 0, "."
    while separator:
        part = _PART.match(text, place)
        if part is None:
            raise ValueError("expected a dotted key, such as run.seed")
        key, places, separator = part.groups()
        path.append(_unquoted(key))
        path += [int(number) for number in re.findall(r"\d+", places)]
        place = part.end()
    return tuple(path)


def _unquoted(key: str) -> str:
    if key[0] == "'":
        return key[1:-1]
    return str(json.loads(key)) if key[0] == '"' else key


def value_at(data: Any, path: KeyPath) -> Any:
    """The value at a path of nested tables and lists.

    Raises:
        LookupError: there is none.
    """
    for part in path:
        match part, data:
            case (int(), list() | tuple()) | (str(), dict()):
                data = data[part]
            case _:
                raise LookupError(part)
    return data
