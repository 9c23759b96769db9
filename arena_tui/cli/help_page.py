"""How a help page is set: no line ends within a name that has a hyphen, and ranges are said in words."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import typer

_NO_BREAK = "\u2011"
"""A hyphen at which no line ends; it stands for the plain one until the page is done."""

_Formatter: Any = typer.Context.formatter_class


class HelpPage(_Formatter):  # type: ignore[misc]  # typed in a private module
    """Writes as Typer does, but for the hyphens."""

    def write_text(self, text: str) -> None:
        super().write_text(_kept(text))

    def write_dl(self, rows: Sequence[tuple[str, str]], *widths: Any, **named: Any) -> None:
        super().write_dl([(_kept(term), _kept(about)) for term, about in rows], *widths, **named)

    def getvalue(self) -> str:
        return str(super().getvalue()).replace(_NO_BREAK, "-")


def _kept(text: str) -> str:
    return _in_words(text).replace("-", _NO_BREAK)


def _in_words(text: str) -> str:
    """The range of a number, which stands behind what an option is for, as people say it."""
    text = re.sub(r"(\d+)<=x<=(\d+)(?=[\];])", r"\1 to \2", text)
    return re.sub(r"\bx>=(\d+)(?=[\];])", r"at least \1", text)


class HelpContext(typer.Context):
    """A context whose help is such a page."""

    formatter_class = HelpPage
