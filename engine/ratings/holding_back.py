"""Which ratings are held back, because too many of a model's battles came to nothing.

A battle whose verdict stayed invalid, or whose response failed, waits and is rated nowhere. Such battles are no random
sample: a player fails on hard prompts, a judge stumbles over long answers (attacks A14 and A17). So where their share
of a model's battles passes a limit its rating is not shown, and a reason with the figures stands in its place.

A failed response counts against its own side alone, an invalid verdict against both. The worst model is held back
first; battles with it then count no longer against the others, so that one that always fails takes nobody with it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction

from engine.ratings.stored import rated_names, where
from engine.ratings.views import View
from engine.store import counts as kept
from engine.store.sqlite import Connection

MAX_INVALID = 0.2
"""Share from which on a rating is held back. What a fifth of the battles would have said may move a win rate of one
half by a tenth to either side, which is 70 Elo points: as much as lies between neighbours in an arena."""

NOT_RECORDED = "not recorded"
"""Why a recorded judge gave no verdict. Nobody was asked, so nothing failed."""


@dataclass(frozen=True, slots=True)
class Invalid:
    """A model's battles that came to nothing.

    Attributes:
        count: battles that wait for a valid verdict, or for a response of this model that failed.
        of: these and the decided ones.
    """

    count: int
    of: int

    @property
    def share(self) -> float:
        """0..1; 0 of none."""
        return self.count / self.of if self.of else 0.0

    def reason(self, limit: float) -> str:
        """In words, with the figures."""
        return (
            f"{self.share:.1%} of its battles came to nothing ({self.count:,} of {self.of:,}, for an invalid verdict or"
            f" a failed response), more than ratings.max_invalid, {limit:.0%}"
        )


@dataclass(frozen=True, slots=True)
class InvalidCounts:
    """Battles between models, as counts.

    Attributes:
        decided: by pair of models, both ways round.
        against: by (model, opponent), battles that came to nothing and count against the model.
    """

    decided: Mapping[tuple[str, str], int]
    against: Mapping[tuple[str, str], int]

    def of(self, model: str, opponents: Iterable[str]) -> Invalid:
        """What counts against a model, of its battles with these."""
        pairs = [(model, other) for other in opponents if other != model]
        count = sum(self.against.get(pair, 0) for pair in pairs)
        return Invalid(count, count + sum(self.decided.get(pair, 0) for pair in pairs))


def hold_back(models: Iterable[str], counts: InvalidCounts, limit: float) -> dict[str, Invalid]:
    """The models whose ratings are held back, the worst first, with the figures that they were held back by.

    Args:
        limit: 0..1; a share above it is too much.
    """
    standing = set(models)
    held: dict[str, Invalid] = {}
    while standing:
        found = {model: counts.of(model, standing) for model in standing}
        exact = {model: Fraction(one.count, one.of or 1) for model, one in found.items()}
        worst = max(exact.values())
        if worst <= limit:
            break
        fallen = sorted(model for model in standing if exact[model] == worst)
        held |= {model: found[model] for model in fallen}
        standing -= set(fallen)
    return held


def read_invalid(connection: Connection, view: View) -> InvalidCounts:
    """The counts of a view. The cost grows with the battles that wait, not with those that are decided."""
    names = rated_names(connection)
    decided: Counter[tuple[str, str]] = Counter()
    for judge_id in view.judges.values():
        for row in kept.read_pairs(connection, view.arena.id, judge_id, view.category):
            for pair in _both_ways(names[row.a], names[row.b]):
                decided[pair] += row.decided
    against: Counter[tuple[str, str]] = Counter()
    for a, b, failed_a, failed_b, battles in _waiting(connection, view):
        for (model, other), own, others in zip(
            _both_ways(names[a], names[b]), (failed_a, failed_b), (failed_b, failed_a), strict=False
        ):
            if own or not others:
                against[model, other] += battles
    return InvalidCounts(decided, against)


def _both_ways(a: str, b: str) -> list[tuple[str, str]]:
    return [] if a == b else [(a, b), (b, a)]


def _waiting(connection: Connection, view: View) -> Iterable[tuple[int, int, int, int, int]]:
    """(player a, player b, whether the response of a failed, that of b, battles) of battles that came to nothing.

    A game that has not been played yet is none, nor is one that nobody recorded.
    """
    clause, values = where(view, state="state = 'waiting'")
    return connection.execute(
        "SELECT player_a, player_b, status_a = 'failed', status_b = 'failed', COUNT(*) FROM battles b"
        f" WHERE {clause} AND reason != 'missing game' AND NOT EXISTS (SELECT 1 FROM games g JOIN verdicts v"
        " ON v.id = g.verdict_id WHERE g.battle_id = b.id AND v.status = 'failed' AND v.reason = ?)"
        " GROUP BY 1, 2, 3, 4",
        [*values, NOT_RECORDED],
    )
