"""A leaderboard as it was rated: how, a row a model, and what it rests on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from engine.ratings.agreement import ScoreTable
from engine.ratings.cut_dependence import CutDependence
from engine.ratings.holding_back import MAX_INVALID, Invalid
from engine.ratings.naming import pick
from engine.ratings.scale import Anchor
from engine.ratings.skill import Library
from engine.ratings.stored import Coverage
from engine.ratings.views import View

Over = Literal["battles", "prompts"]
Interval = Literal["bootstrap", "sandwich"]
Point = Literal["mle", "median"]

POOLED_ORDER = "several judges have no one order: ratings in battle order are had of one judge at a time"
"""Why pooled judges have no online ratings. Verdicts of several judges on the same responses are no sequence: which
comes first would be an accident of how they were imported, and these ratings depend on nothing but the order."""


@dataclass(frozen=True, slots=True)
class RatingOptions:
    """How an arena is rated.

    Attributes:
        over: what a bootstrap draws. Games on one prompt are not independent, so `prompts` is the wider one. None:
            battles; prompts where judges are pooled, for what they say of one battle is not independent at all.
        interval: `sandwich` is quick and needs no resamples; its intervals are symmetric.
        point: `median` shows the median of the resamples as the rating, which is the paper's number.
        skill: the package behind mu and sigma. TrueSkill's notice does not permit commercial use; OpenSkill is free.
        online: also fold online Elo and TrueSkill on; False shows how far they are.
        max_invalid: share of a model's battles, 0..1, that may come to nothing before its rating is held back.
        allow_invalid: show such ratings all the same, with the reason beside them.
    """

    anchor: Anchor | None = None
    n_resamples: int = 100
    random_state: int = 0
    over: Over | None = None
    interval: Interval = "bootstrap"
    point: Point = "mle"
    online: bool = True
    online_seconds: float | None = None
    skill: Library = "trueskill"
    max_invalid: float = MAX_INVALID
    allow_invalid: bool = False

    def of(self, view: View) -> RatingOptions:
        """The options with nothing left open."""
        return replace(self, over=self.over or ("prompts" if view.pooled else "battles"))


@dataclass(frozen=True, slots=True)
class ModelRow:
    """One model of a leaderboard. Ratings are Elo points; None with a reason where none can be had.

    Attributes:
        win_rate: 0..1, ties half; win_share: 0..1, the mean preference of the judge for it.
        sides: how often it fought, battles that were not decided among them.
        unusual: of these, how often its response was cut, empty or refused, by status.
        invalid: battles that came to nothing, for an invalid verdict or a failed response of this model.
        held_back: too many of them did: rank and rating are None, or shown on demand with the reason.
    """

    rank: int | None
    model: str
    rating: float | None
    rating_lower: float | None
    rating_upper: float | None
    rating_median: float | None
    reason: str | None
    without_finite_fit: int
    trueskill_mu: float | None
    trueskill_sigma: float | None
    elo_online: float | None
    win_rate: float | None
    win_share: float | None
    wins: int
    losses: int
    ties: int
    battles: int
    sides: int
    unusual: Mapping[str, int]
    tied_with: tuple[str, ...]
    invalid: int = 0
    held_back: bool = False


@dataclass(frozen=True, slots=True)
class Leaderboard:
    """A rated view.

    Attributes:
        battles: decided battles between two different models, which the ratings rest on (games, under `per-game`).
        self_battles: decided battles of a model against itself, which are rated nowhere (games, under `per-game`).
        tied_by: how `tied_with` was told: paired differences by prompt, overlap, or both.
        online: kind to (folded, total): how far the ratings in battle order are; empty where there are none.
        cut_dependence: models whose rank would be another if the battles of responses that are not whole were treated
            in the other way.
        held_back: models of whose battles too many came to nothing, the worst first.
        prompts: prompts with decided battles; None where they were not read.
    """

    view: View
    options: RatingOptions
    battles: int
    self_battles: int
    coverage: Coverage
    rows: tuple[ModelRow, ...]
    tied_by: str
    online: Mapping[str, tuple[int, int]]
    cut_dependence: tuple[CutDependence, ...]
    held_back: Mapping[str, Invalid] = field(default_factory=dict)
    prompts: int | None = None

    @property
    def online_reason(self) -> str | None:
        """Why there are no ratings in battle order."""
        return POOLED_ORDER if self.view.pooled else None

    def row(self, model: str) -> ModelRow:
        """The row of a model.

        Raises:
            UsageError: there is none of that name.
        """
        names = [row.model for row in self.rows]
        return self.rows[names.index(pick("model", model, names))]

    def scores(self) -> ScoreTable:
        """The rated models as a table to be held against a reference."""
        rated = [(row.model, row.rating, row.rating_lower, row.rating_upper) for row in self.rows]
        kept = [(model, rating, low, high) for model, rating, low, high in rated if rating is not None]
        return ScoreTable(
            tuple(row[0] for row in kept),
            tuple(row[1] for row in kept),
            tuple(row[2] for row in kept),
            tuple(row[3] for row in kept),
        )

    def facts(self) -> dict[str, Any]:
        """As the JSON of `leaderboard --json` (docs/reference/json.md)."""
        anchor = self.options.anchor
        coverage = self.coverage
        return {
            "arena": self.view.arena.name,
            "judge": self.view.judge,
            "judges": list(self.view.judges),
            "category": self.view.category_name,
            "outcome_rule": self.view.arena.outcome_rule.value,
            "on_cut": self.view.arena.on_cut.value,
            "anchor": None if anchor is None else {"model": anchor.model, "rating": anchor.rating},
            "method": "bt",
            "interval": self.options.interval,
            "over": self.options.over if self.options.interval == "bootstrap" else None,
            "n_resamples": self.options.n_resamples if self.options.interval == "bootstrap" else None,
            "random_state": self.options.random_state,
            "point": self.options.point,
            "battles": self.battles,
            "self_battles": self.self_battles,
            **coverage.facts(),
            "judged_by": dict(coverage.decided_by),
            "prompts": self.prompts,
            "shared_prompts": coverage.shared_prompts,
            "judged_by_some": coverage.judged_by_some,
            "tied_by": self.tied_by,
            "online": {kind: {"folded": f, "total": t} for kind, (f, t) in self.online.items()},
            "online_reason": self.online_reason,
            "max_invalid": self.options.max_invalid,
            "held_back": [
                {"model": model, "invalid": one.count, "of": one.of, "share": one.share}
                for model, one in self.held_back.items()
            ],
            "rank_depends_on_cut": [
                {"model": d.model, "rank_if_void": d.rank_void, "rank_if_loss": d.rank_loss}
                for d in self.cut_dependence
            ],
            "models": [_model_facts(row) for row in self.rows],
        }


def _model_facts(row: ModelRow) -> dict[str, Any]:
    facts = {name: getattr(row, name) for name in ModelRow.__slots__ if name not in ("unusual", "tied_with")}
    return facts | {
        "cut_share": _cut_share(row),
        "unusual": dict(row.unusual),
        "tied_with": list(row.tied_with),
    }


def _cut_share(row: ModelRow) -> float:
    return sum(row.unusual.values()) / row.sides if row.sides else 0.0
