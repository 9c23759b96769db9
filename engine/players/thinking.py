"""Thinking apart from the answer: a model's reasoning is kept, but never judged and never trained on.

Servers hand it over in a field of its own (`reasoning_content`, newer `reasoning`), or it stands between tags at
the start of the text. Tags later in the text are the answer's own words: an answer may speak of `<think>`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Tags = tuple[str, str]

DEFAULT_TAGS: tuple[Tags, ...] = (("<think>", "</think>"),)
FIELDS = ("reasoning_content", "reasoning")


@dataclass(frozen=True, slots=True)
class Thought:
    """A text in its two parts.

    Attributes:
        answer: what is judged; empty while the thinking is unclosed.
        thinking: None when there was none.
        complete: False when thinking was begun and never closed: the answer never came.
    """

    answer: str
    thinking: str | None = None
    complete: bool = True


def split_thinking(text: str, tags: Sequence[Tags] = DEFAULT_TAGS, opened: bool = False) -> Thought:
    """Split thinking at the start of a text from the answer, in time linear in its length.

    White space before the opening tag and line ends after the closing one belong to neither part, as in the chat
    templates that write these tags. `opened` says that the template had already written the opening tag, so that
    the text begins inside the thinking.
    """
    if opened and tags:
        return _until(text, tags[0][1])
    start = text.lstrip()
    for opening, closing in tags:
        if start.startswith(opening):
            return _until(start[len(opening) :], closing)
    return Thought(text)


def _until(inside: str, closing: str) -> Thought:
    thinking, tag, answer = inside.partition(closing)
    if not tag:
        return Thought("", thinking, complete=False)
    return Thought(answer.lstrip("\r\n"), thinking)


def thinking_field(message: Mapping[str, Any]) -> str | None:
    """The thinking that a server keeps in a field of its own; None without one.

    Raises:
        ValueError: the field holds something that is no text.
    """
    for name in FIELDS:
        value = message.get(name)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{name} is no text")
        if value:
            return value
    return None
