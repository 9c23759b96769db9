"""Names that somebody typed, found among those that are known."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from engine.errors import UsageError

ALL = "all"
"""What all categories, judges or models together are called. A category of that name has no table of its own; a judge
or model of that name is meant before all of them are."""

MOST_TOLD = 12
"""Known names in a message; the rest is counted."""


def pick(noun: str, name: str, known: Sequence[str]) -> str:
    """The name, where it is known.

    Raises:
        UsageError: it is not, with the nearest.
    """
    if name in known:
        return name
    raise UsageError(f"there is no {noun} '{name}'", f"Known: {_some(known)}.", _hint(name, known))


def matching(noun: str, patterns: Sequence[str], known: Sequence[str]) -> list[str]:
    """The known names that are meant by names, globs, or `all`, each once; a name that is known means itself alone.

    Raises:
        UsageError: a name or pattern that fits none, with the nearest.
    """
    meant: dict[str, None] = {}
    for pattern in patterns:
        fits = [pattern] if pattern in known else [name for name in known if _fits(name, pattern)]
        meant |= dict.fromkeys(fits or [pick(noun, pattern, known)])
    return list(meant)


def _fits(name: str, pattern: str) -> bool:
    return pattern == ALL or fnmatchcase(name, pattern)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_TOLD} more" if len(names) > MOST_TOLD else ""
    return (", ".join(names[:MOST_TOLD]) or "none") + more


def _hint(said: str, known: Sequence[str]) -> str:
    """The known name that is spelled most like it, capitals aside; empty where none is near."""
    by_small = {name.casefold(): name for name in known}
    near = get_close_matches(said.casefold(), by_small, n=1)
    return f"Did you mean '{by_small[near[0]]}'?" if near else ""
