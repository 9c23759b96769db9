"""A word on models whose ratings are held back, wherever they are used in another way than in a leaderboard."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from arena_tui.output import say_lines

if TYPE_CHECKING:
    from engine.ratings.views import View
    from engine.store import Store


def warn_held_back(store: Store, view: View, models: Iterable[str] | None = None) -> None:
    """Warn of the models of a view whose ratings are held back, by the limit of the arena's plan.

    Args:
        models: only of these; None is all of them.
    """
    from engine.ratings.holding_back import MAX_INVALID, hold_back, read_invalid
    from engine.ratings.planned import planned_ratings
    from engine.ratings.stored import read_counts

    with store.snapshot() as connection:
        planned = planned_ratings(connection, view).max_invalid
        counts = read_counts(connection, view).pairs
        limit = MAX_INVALID if planned is None else planned
        held = hold_back(counts.models, read_invalid(connection, view), limit)
    meant = held.keys() if models is None else held.keys() & set(models)
    say_lines(
        f"warning: the rating of {model} is held back: {held[model].reason(limit)}" for model in sorted(meant)
    )
