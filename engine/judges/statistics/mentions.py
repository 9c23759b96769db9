"""Answers that say who wrote them (attack A19): battles are blind only as long as nobody names himself."""

from __future__ import annotations

import re
from functools import cache

from engine.judges.statistics.families import listed

_WHAT = (
    "(?:an? |the )?"
    "(?:ai |large |language |chat ?bot |model |assistant |developed |trained |named |called |known as ){0,6}"
)


def names_itself(text: str) -> bool:
    """Whether a text says who wrote it, or who made its writer. Linear time."""
    folded = text.lower()
    return _pattern().search(folded) is not None


@cache
def _pattern() -> re.Pattern[str]:
    names, makers = (
        "|".join(re.escape(one) for one in sorted(listed()["mentions"][which], key=len, reverse=True))
        for which in ("assistants", "makers")
    )
    return re.compile(
        rf"\b(?:i am|i[’']m|my name is|call me|this is) {_WHAT}(?:{names})\b"
        rf"|\bas {_WHAT}(?:{names}),? i\b"
        rf"|\bi(?: am| was|[’']m| have been)\b[^.\n]{{0,80}}\b(?:by|at|from) (?:{makers})\b"
    )
