"""What a run says of itself: counts while it goes on, and events for whoever listens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class RunEvent:
    """Something that happened in a run: preflight, started, progress, warning, paused, finished.

    `facts` is JSON-like; docs/reference says what each event holds.
    """

    kind: str
    facts: Mapping[str, Any]
    at: float = field(default_factory=time.time)


Listener = Callable[[RunEvent], None]


@dataclass(slots=True)
class Progress:
    """Counts of a run. `done` counts decided, void and waiting battles alike: all that had their turn.

    Attributes:
        total: battles of the run, over all judges.
        found: of them, those that were decided or void already when the run came to them.
        states: battles by state, of those that had their turn.
        known: the same of those that the store had when the run began. They are told until the run has come as far.
        reasons: of those that this run left void or waiting, by (state, reason).
        responses_found, responses_made: responses that the store had, and that came in this run.
        expected_battles, expected_responses: what was missing when the run began, as its preflight counted; None where
            nobody counted.
        calls: requests answered in this run, by player or judge.
        tokens: tokens read and written in this run, by player or judge.
        problems: failed responses and invalid verdicts of this run, by what they are.
        load: what each player and judge has in hand now, as `Cast.load` says it.
    """

    total: int = 0
    found: int = 0
    states: Counter[str] = field(default_factory=Counter)
    known: Counter[str] = field(default_factory=Counter)
    reasons: Counter[tuple[str, str]] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    tokens: Counter[str] = field(default_factory=Counter)
    problems: Counter[str] = field(default_factory=Counter)
    load: Callable[[], Mapping[str, Mapping[str, int]]] = dict
    responses_found: int = 0
    responses_made: int = 0
    responses_total: int = 0
    expected_battles: int | None = None
    expected_responses: int | None = None
    started_at: float = field(default_factory=time.monotonic)

    @property
    def done(self) -> int:
        return self.states.total()

    @property
    def told(self) -> Counter[str]:
        """Battles by state as people are told them: never fewer than the store is known to have."""
        return self.states if self.done >= self.known.total() else self.known

    @property
    def responses(self) -> int:
        """That are there, failures too."""
        return self.responses_found + self.responses_made

    @property
    def seconds(self) -> float:
        """Since the run started."""
        return time.monotonic() - self.started_at

    @property
    def rate(self) -> float:
        """Battles a second in this run, those left out that were found done."""
        return (self.done - self.found) / self.seconds if self.seconds > 0 else 0.0

    @property
    def eta_seconds(self) -> float | None:
        """Seconds to go at this run's own rate; None before anything is known.

        Answering and judging overlap or follow one another, so the work that is done counts both. What the store has
        is no work: where it was counted before, it is not taken for something that is left either.
        """
        played = self.done - self.found
        left = _left(self.expected_responses, self.responses_made, self.responses_total - self.responses)
        left += _left(self.expected_battles, played, self.total - self.done)
        worked = self.responses_made + played
        return left * self.seconds / worked if worked > 0 else None

    def add_calls_of(self, other: Progress) -> None:
        """Take over what another run asked, such as a preflight's probe."""
        self.calls += other.calls
        self.tokens += other.tokens
        self.problems += other.problems

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts of a progress event."""
        return {
            "done": self.told.total(),
            "total": self.total,
            "found": self.found,
            "decided": self.told["decided"],
            "waiting": self.told["waiting"],
            "void": self.told["void"],
            "responses": self.responses,
            "responses_total": self.responses_total,
            "calls": dict(self.calls),
            "tokens": dict(self.tokens),
            "problems": dict(self.problems),
            "load": dict(self.load()),
            "battles_per_second": round(self.rate, 2),
            "eta_seconds": None if self.eta_seconds is None else round(self.eta_seconds, 1),
            "seconds": round(self.seconds, 1),
        }


def _left(expected: int | None, made: int, not_seen: int) -> int:
    """What is still to be made: of what was expected, else all that the run has not come to yet."""
    return not_seen if expected is None else min(max(expected - made, 0), not_seen)
