"""From a pool to rows: the threshold, the strategy's order, then duplicates and caps, in that order. Pure.

Everything is taken from the front of one order. `battles` orders by the gap, so a higher K shortens that order at its
end, and never adds a row.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.flywheel.selection.parameters import K_VALUES, Parameters
from engine.flywheel.selection.pool import Pool, Usable
from engine.flywheel.selection.reasons import Reason
from engine.flywheel.selection.strategy import Offer, find_strategy


@dataclass(frozen=True, slots=True)
class Selection:
    """Chosen rows, in the order in which they were taken, and why the other prompts are none.

    Attributes:
        excluded: number of the prompt -> reason.
    """

    pool: Pool
    parameters: Parameters
    rows: tuple[Usable, ...]
    excluded: Mapping[int, str]

    @property
    def reasons(self) -> dict[str, int]:
        """How many prompts each reason excluded, the most frequent first."""
        counts = Counter(self.excluded.values())
        return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def choose(pool: Pool, parameters: Parameters | None = None) -> Selection:
    """Take rows from a pool.

    Args:
        parameters: the pool's, or with another gap, caps or number of rows.
    """
    parameters = parameters or pool.parameters
    strategy, options = find_strategy(parameters.strategy, parameters.options)
    excluded = dict(pool.excluded)
    fit = [one for one in pool.usable if not strategy.by_gap or _gap_is_enough(one, parameters)]
    places = strategy.order([_offer(one) for one in fit], options, parameters.seed)
    rows, left_out = _take([fit[place] for place in places], parameters)
    kept = {one.candidate.prompt_id for one in rows}
    fitting = {one.candidate.prompt_id for one in fit}
    for one in pool.usable:
        number = one.candidate.prompt_id
        if number not in kept:
            reason = Reason.NOT_CHOSEN if number in fitting else Reason.GAP
            excluded[number] = left_out.get(number, reason).value
    return Selection(pool, parameters, tuple(rows), excluded)


def sweep(pool: Pool) -> list[Selection]:
    """What each threshold from 0 to 5 would keep."""
    return [choose(pool, replace(pool.parameters, min_gap=k)) for k in K_VALUES]


def _gap_is_enough(one: Usable, parameters: Parameters) -> bool:
    gap = one.candidate.gap
    return gap is not None and gap > 0 and gap >= parameters.min_gap


def _offer(one: Usable) -> Offer:
    return Offer(one.candidate.prompt_key, one.category, one.candidate.gap, one.words)


@dataclass(slots=True)
class _Taken:
    """What has been taken so far."""

    digests: set[tuple[bytes, ...]] = field(default_factory=set)
    categories: Counter[str | None] = field(default_factory=Counter)
    opponents: Counter[int | None] = field(default_factory=Counter)

    def add(self, one: Usable) -> None:
        self.digests.add(one.digest)
        self.categories[one.category] += 1
        self.opponents[one.candidate.opponent] += 1

    def refuses(self, one: Usable, parameters: Parameters) -> Reason | None:
        """Why no such row is taken any more."""
        if one.digest in self.digests and Reason.DUPLICATE.value not in parameters.allow:
            return Reason.DUPLICATE
        if _reached(self.categories[one.category], parameters.max_per_category):
            return Reason.CATEGORY_CAP
        if _reached(self.opponents[one.candidate.opponent], parameters.max_per_opponent):
            return Reason.OPPONENT_CAP
        return Reason.NOT_CHOSEN if _reached(len(self), parameters.rows) else None

    def __len__(self) -> int:
        return self.categories.total()


def _reached(n: int, cap: int | None) -> bool:
    return cap is not None and n >= cap


def _take(ordered: Sequence[Usable], parameters: Parameters) -> tuple[list[Usable], dict[int, Reason]]:
    """Rows from the front, and why others were passed over."""
    taken, rows, left_out = _Taken(), list[Usable](), dict[int, Reason]()
    for one in ordered:
        reason = taken.refuses(one, parameters)
        if reason is None:
            taken.add(one)
            rows.append(one)
        else:
            left_out[one.candidate.prompt_id] = reason
    return rows, left_out
