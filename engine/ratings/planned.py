"""How an arena is to be rated: as the plan says that was last run in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine.ratings.scale import Anchor
from engine.ratings.stored import read_counts
from engine.ratings.views import View
from engine.store.arenas import ratings_by_arena
from engine.store.sqlite import Connection


@dataclass(frozen=True, slots=True)
class PlannedRatings:
    """How the plan that was last run in an arena wants it rated; None where it says nothing."""

    anchor: Anchor | None = None
    n_resamples: int | None = None
    over: str | None = None
    max_invalid: float | None = None


def planned_ratings(connection: Connection, view: View) -> PlannedRatings:
    """As the newest job of the arena says, else as it was imported. An anchor without battles here is left out."""
    said = ratings_by_arena(connection).get(view.arena.name, {})
    anchor = _anchor(connection, view, said)
    return PlannedRatings(anchor, said.get("n_resamples"), said.get("over"), said.get("max_invalid"))


def _anchor(connection: Connection, view: View, said: Mapping[str, Any]) -> Anchor | None:
    anchor = said.get("anchor")
    if anchor is None:
        return None
    model, rating = (
        (anchor, 1000.0) if isinstance(anchor, str) else (anchor["model"], float(anchor["rating"]))
    )
    return Anchor(model, rating) if model in read_counts(connection, view).pairs.models else None
