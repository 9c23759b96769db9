"""Whether a rank depends on what a cut response counts as.

A response that ran into its token limit can make its battle void, or lose it. Void takes a model's worst answers off
the table; so a rank that holds under one treatment alone is to be told with a warning.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.ratings.intervals import RatingIntervals
from engine.ratings.ranks import ranks


@dataclass(frozen=True, slots=True)
class CutDependence:
    """A model whose rank depends on the treatment. Ranks and ratings are None where it has none."""

    model: str
    rank_void: int | None
    rank_loss: int | None
    rating_void: float | None
    rating_loss: float | None


def cut_dependence(void: RatingIntervals, loss: RatingIntervals) -> tuple[CutDependence, ...]:
    """The models whose rank differs when cut responses' battles are void from when they are lost.

    Args:
        void, loss: ratings of the same arena under the two treatments. Rate both with the same anchor and method. A
            model that only one of them has, for all its battles were cut, is without a rank in the other.
    """
    standing_void, standing_loss = _standings(void), _standings(loss)
    models = dict.fromkeys((*void.models, *loss.models))
    pairs = ((model, standing_void.get(model, _NONE), standing_loss.get(model, _NONE)) for model in models)
    return tuple(CutDependence(model, v[0], w[0], v[1], w[1]) for model, v, w in pairs if v[0] != w[0])


_NONE = (None, None)


def _standings(table: RatingIntervals) -> dict[str, tuple[int | None, float | None]]:
    rank = ranks(table.rating, table.rating_lower, table.rating_upper)
    return dict(zip(table.models, zip(rank, table.rating, strict=True), strict=True))
