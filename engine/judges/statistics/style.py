"""The form of a text: how long it is and which Markdown it has, code blocks aside (as the Arena's style control)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import reduce
from typing import Self

_CODE = re.compile(r"^```.*?(?:^```|\Z)", re.MULTILINE | re.DOTALL)
_HEADING = re.compile(r"^#{1,6}[ \t]", re.MULTILINE)
_ITEM = re.compile(r"^[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]", re.MULTILINE)
_BOLD = re.compile(r"\*\*[^*\n]{1,200}\*\*|__[^_\n]{1,200}__")


@dataclass(frozen=True, slots=True)
class Style:
    """Counts over a text: characters, headings, list items, bold runs."""

    characters: int = 0
    headings: int = 0
    items: int = 0
    bold: int = 0

    def __add__(self, other: Self) -> Style:
        return Style(
            self.characters + other.characters,
            self.headings + other.headings,
            self.items + other.items,
            self.bold + other.bold,
        )


def style_of(text: str) -> Style:
    """The style of one text. Linear time."""
    plain = _CODE.sub("", text) if "```" in text else text
    return Style(
        len(text),
        len(_HEADING.findall(plain)) if "#" in plain else 0,
        len(_ITEM.findall(plain)),
        len(_BOLD.findall(plain)) if "**" in plain or "__" in plain else 0,
    )


def total(styles: tuple[Style, ...], turn: int | None) -> Style:
    """Of one turn (1-based), or of all turns of a response."""
    if turn is None:
        return reduce(Style.__add__, styles, Style())
    return styles[turn - 1] if turn <= len(styles) else Style()
