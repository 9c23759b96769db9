"""Rating snapshots: what a console shows without fitting anything."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import replace

from engine.plan import Plan
from engine.ratings.board import Leaderboard, RatingOptions
from engine.ratings.holding_back import read_invalid
from engine.ratings.leaderboard import build
from engine.ratings.scale import Anchor
from engine.ratings.stored import Coverage, read_counts
from engine.ratings.views import View
from engine.store.battles import read_arenas
from engine.store.rows import decode
from engine.store.store import Fence, Store, Transaction


def rating_options(plan: Plan) -> RatingOptions:
    """How a plan wants its arena rated."""
    said = plan.ratings
    anchor = None if said.anchor is None else Anchor(said.anchor.model, said.anchor.rating)
    return RatingOptions(anchor, said.n_resamples, plan.run.seed, said.over, max_invalid=said.max_invalid)


def write_snapshots(
    store: Store, fence: Fence | None, views: Iterable[tuple[int, int]], plan: Plan | None = None
) -> list[Leaderboard]:
    """Rate views, (arena, judge) by their numbers, and store their tables, once."""
    return Snapshots(store, fence, plan, views).write()


class Snapshots:
    """The snapshots of one attempt: the newest table of each view, written when there is something new.

    Intervals are over battles here, whatever the plan says: counts answer in milliseconds at any size.

    Args:
        plan: how to rate; None (an import) rates without an anchor.
        views: (arena, judge) by their numbers.
    """

    def __init__(
        self, store: Store, fence: Fence | None, plan: Plan | None, views: Iterable[tuple[int, int]]
    ) -> None:
        self._store = store
        self._fence = fence
        self._options = RatingOptions() if plan is None else rating_options(plan)
        self._views = list(views)
        self._written: dict[tuple[int, int], Coverage] = {}

    def write(self) -> list[Leaderboard]:
        """Rate the views whose battles have changed and that have any; return their tables."""
        boards = [board for view in self._read_views() if (board := self._rate(view)) is not None]
        if boards:
            with self._store.write(self._fence) as tx:
                for board in boards:
                    _replace(tx, board)
        for board in boards:
            self._written[board.view.arena.id, board.view.judge_id] = board.coverage
        return boards

    def _read_views(self) -> list[View]:
        arenas = {arena.id: arena for arena in read_arenas(self._store.reader)}
        judges = dict(self._store.reader.execute("SELECT id, name FROM judges"))
        return [
            View(arenas[arena_id], {decode(judges[judge_id]): judge_id}) for arena_id, judge_id in self._views
        ]

    def _rate(self, view: View) -> Leaderboard | None:
        with self._store.snapshot() as connection:
            counts = read_counts(connection, view)
            invalid = read_invalid(connection, view)
        if not counts.pairs.total or self._written.get((view.arena.id, view.judge_id)) == counts.coverage:
            return None
        anchor = self._options.anchor
        if anchor is not None and anchor.model not in counts.pairs.models:
            anchor = None
        quick = replace(self._options, anchor=anchor, over="battles", online=False)
        return build(self._store, view, counts, invalid, None, quick)


def _replace(tx: Transaction, board: Leaderboard) -> None:
    """Store a table in place of the last one of the same attempt."""
    facts = board.facts()
    models = json.dumps(facts.pop("models"))
    view = (board.view.arena.id, board.view.judge_id)
    cursor = tx.connection.execute(
        "INSERT INTO rating_snapshots(arena_id, judge_id, category, parameters, models, battles, created_at,"
        " attempt_id) VALUES (?, ?, '', ?, ?, ?, ?, ?)",
        (*view, json.dumps(facts), models, board.battles, time.time(), tx.attempt_id),
    )
    tx.connection.execute(
        "DELETE FROM rating_snapshots WHERE arena_id = ? AND judge_id = ? AND category = '' AND attempt_id = ?"
        " AND id < ?",
        (*view, tx.attempt_id, cursor.lastrowid),
    )
