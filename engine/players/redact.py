"""The API key: read once, handed to the client, and kept out of every text that anybody may see."""

from __future__ import annotations

import os
from collections.abc import Iterable
from urllib.parse import quote

from engine.errors import UsageError

HIDDEN = "[hidden]"
NO_KEY = "none"
"""Sent where no variable is named: clients insist on some key, servers without one ignore it."""


class ApiKey:
    """A secret that prints as `[hidden]`; `reveal` is the only way to its text."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __repr__(self) -> str:
        return HIDDEN

    __str__ = __repr__

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("an API key is never pickled or copied")

    def reveal(self) -> str:
        return self._text


def read_key(variable: str | None, player: str) -> ApiKey | None:
    """The key from the environment variable that the plan names; None when it names none.

    Raises:
        UsageError: the variable is unset or empty, or holds what no header can carry. It names the variable.
    """
    if variable is None:
        return None
    text = os.environ.get(variable, "")
    if not text:
        raise UsageError(
            f"the environment variable {variable} is not set",
            f"The player '{player}' takes its API key from it.",
            f"Set it before the run, for example: export {variable}=...",
        )
    if not text.isascii() or not text.isprintable() or " " in text:
        raise UsageError(
            f"the environment variable {variable} does not hold an API key",
            "It has white space, a line end or a character that no HTTP header can carry.",
            "Set it to the key alone.",
        )
    return ApiKey(text)


def scrub(text: str, secrets: Iterable[str]) -> str:
    """The text with every secret, plain or as an URL would spell it, replaced by `[hidden]`."""
    for secret in secrets:
        for spelling in {secret, quote(secret, safe="")}:
            text = text.replace(spelling, HIDDEN) if spelling else text
    return text
