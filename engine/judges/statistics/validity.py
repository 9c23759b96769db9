"""How much of what a judge was asked came to nothing, and why (attacks A13 to A16); how it uses its scale."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import Any

from engine.judges.statistics.said import Said
from engine.ratings.proportion import Share
from engine.records import VerdictKind

_BINS = 10
"""Of preferences, 0..1."""


@dataclass(frozen=True, slots=True)
class Validity:
    """How many verdicts are of use.

    Attributes:
        invalid: verdicts that state nothing, of all, every try counted.
        reasons: these by status and reason, the most frequent first.
        unsettled: questions that have no valid verdict after all tries.
    """

    invalid: Share
    reasons: dict[str, int]
    unsettled: Share

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return {
            "invalid": self.invalid.facts(),
            "reasons": self.reasons,
            "unsettled": self.unsettled.facts(),
        }


def validity(said: Said) -> Validity:
    """Count what was of no use."""
    bad = {what: n for what, n in said.tries.items() if what[0] != "ok"}
    reasons = {
        f"{status}: {reason}" if reason else status: n
        for (status, reason), n in sorted(bad.items(), key=lambda one: (-one[1], one[0]))
    }
    return Validity(
        Share(sum(bad.values()), sum(said.tries.values())),
        reasons,
        Share(said.questions - len(said.games), said.questions),
    )


def histogram(said: Said) -> dict[str, int]:
    """How often each value was said, in the order of the scale.

    A fractional score counts for the whole one below it; preferences go in ten bins of equal width, the upper end
    of the last one included. Of `scores` both values of a verdict count.
    """
    values = Counter(game.value for game in said.games.values())
    counts: Counter[tuple[float, str]] = Counter()
    for text, times in values.items():
        native = json.loads(text)
        for value in native if isinstance(native, list) else [native]:
            counts[_bin(said.kind, value)] += times
    return {label: n for (_, label), n in sorted(counts.items())}


_ORDER = {
    name: place for place, name in enumerate(("A>>B", "A>B", "A=B", "B>A", "B>>A", "first", "tie", "second"))
}


def _bin(kind: VerdictKind, value: Any) -> tuple[float, str]:
    if isinstance(value, str):
        return float(_ORDER.get(value, len(_ORDER))), value
    if kind is VerdictKind.PREFERENCE:
        place = min(math.floor(value * _BINS), _BINS - 1)
        return float(place), f"{place / _BINS:.1f}-{(place + 1) / _BINS:.1f}"
    return float(math.floor(value)), str(math.floor(value))
