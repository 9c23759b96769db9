"""Rating snapshots: what a console shows without fitting anything."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable

from engine.plan import Plan
from engine.ratings.leaderboard import Leaderboard, RatingOptions, build
from engine.ratings.scale import Anchor
from engine.ratings.stored import View, read_counts
from engine.store.battles import read_arenas
from engine.store.rows import decode
from engine.store.store import Fence, Store


def rating_options(plan: Plan) -> RatingOptions:
    """How a plan wants its arena rated."""
    said = plan.ratings
    anchor = None if said.anchor is None else Anchor(said.anchor.model, said.anchor.rating)
    return RatingOptions(anchor, said.n_resamples, plan.run.seed, said.over)


def write_snapshots(
    store: Store, fence: Fence | None, views: Iterable[tuple[int, int]], plan: Plan | None = None
) -> list[Leaderboard]:
    """Rate (arena, judge) from its counts and store the table, if it has battles.

    Intervals are over battles here, whatever the plan says: counts answer in milliseconds at any size.
    """
    written = []
    for view in _views(store, views):
        with store.snapshot() as connection:
            counts = read_counts(connection, view)
        if not counts.pairs.total:
            continue
        options = rating_options(plan) if plan else RatingOptions()
        anchor = options.anchor if options.anchor and options.anchor.model in counts.pairs.models else None
        quick = RatingOptions(anchor, options.n_resamples, options.random_state, online=False)
        written.append(build(store, view, counts, None, quick))
    with store.write(fence) as tx:
        for board in written:
            facts = board.facts()
            models = json.dumps(facts.pop("models"))
            tx.connection.execute(
                "INSERT INTO rating_snapshots(arena_id, judge_id, category, parameters, models, battles, created_at,"
                " attempt_id) VALUES (?, ?, '', ?, ?, ?, ?, ?)",
                (
                    board.view.arena.id,
                    board.view.judge_id,
                    json.dumps(facts),
                    models,
                    board.battles,
                    time.time(),
                    tx.attempt_id,
                ),
            )
    return written


def _views(store: Store, wanted: Iterable[tuple[int, int]]) -> list[View]:
    arenas = {arena.id: arena for arena in read_arenas(store.reader)}
    judges = {number: decode(name) for number, name in store.reader.execute("SELECT id, name FROM judges")}
    return [View(arenas[arena_id], judge_id, judges[judge_id]) for arena_id, judge_id in wanted]
