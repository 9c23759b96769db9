"""Marks of what a player or judge has in hand, so that what kills the worker can be found (engine.store.units)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import islice
from typing import TypeVar

from engine.battles.cast import Bench, Seat
from engine.battles.run import Run
from engine.store import units
from engine.store.store import Transaction
from engine.store.units import Unit

T = TypeVar("T")

HANDFUL = 32
"""Units that are marked in one transaction, before the first of them is asked for."""


class Marks:
    """Of one player or judge. A dry run has no job, and makes none; who only plays what is recorded needs none.

    Attributes:
        ahead: how many of the first that wait are marked and not asked for yet.
    """

    def __init__(self, run: Run, whose: Seat | Bench) -> None:
        self.ahead = 0
        self._run = run
        self._job_id = None if run.fence is None or whose.recorded else run.fence.job_id
        self._player_id = whose.contestant.id if isinstance(whose, Seat) else None
        self._judge_id = whose.contestant.id if isinstance(whose, Bench) else None

    def take(self, wanted: Iterable[tuple[str, int]]) -> None:
        """Mark what is about to be asked for: content keys with the numbers of their prompts."""
        if self._job_id is None:
            return
        marked = [Unit(key, prompt_id, self._player_id, self._judge_id) for key, prompt_id in wanted]
        with self._run.store.write(self._run.fence) as tx:
            units.take(tx, self._job_id, marked)

    def take_ahead(self, waiting: Iterable[T], named: Callable[[T], tuple[str, int]]) -> None:
        """Mark a handful of what waits, unless its first is marked. Call it right before the first is taken."""
        if not self.ahead:
            handful = [named(one) for one in islice(waiting, HANDFUL)]
            self.take(handful)
            self.ahead = len(handful)
        self.ahead -= 1

    def let_go(self, tx: Transaction, keys: Iterable[str]) -> None:
        """Unmark what lands in this transaction."""
        if self._job_id is not None:
            units.let_go(tx, self._job_id, keys)
