"""Comparing models of an arena: differences on common prompts, with intervals from resampled prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from engine.errors import UsageError
from engine.ratings.bootstrap import BootstrapIntervals, bootstrap_prompts
from engine.ratings.cells import BoolArray
from engine.ratings.counts import named
from engine.ratings.differences import Beyond, rating_difference, rating_differences
from engine.ratings.naming import ALL, matching
from engine.ratings.prompt_battles import PromptBattles
from engine.ratings.stored import Coverage, read_counts, read_prompt_battles
from engine.ratings.views import View, categories_of
from engine.ratings.win_rates import WinRateMatrix, win_rate_matrix
from engine.store.store import Store


@dataclass(frozen=True, slots=True)
class Compared:
    """Model against baseline in one category, as model minus baseline.

    Attributes:
        difference, lower, upper: Elo points, of ratings on the prompts that both have battles on; None with a reason.
        win_rate: 0..1, of the model against the baseline in their own battles, ties half; None when they never met.
        met: battles between the two.
        prompts: prompts in common.
        beyond: `below` or `above` where no finite difference is large enough, as the model never won, or never lost.
    """

    model: str
    baseline: str
    category: str
    difference: float | None
    lower: float | None
    upper: float | None
    reason: str | None
    win_rate: float | None
    met: int
    prompts: int
    beyond: Beyond | None = None

    def facts(self) -> dict[str, object]:
        """As JSON-like facts."""
        return {name: getattr(self, name) for name in type(self).__slots__}


@dataclass(frozen=True, slots=True)
class Comparison:
    """Rows of one comparison, and how many battles of how many of the view are decided.

    Attributes:
        simultaneous: whether their intervals hold all at once.
    """

    view: View
    rows: tuple[Compared, ...]
    n_resamples: int
    random_state: int
    simultaneous: bool
    coverage: Coverage

    def facts(self) -> dict[str, object]:
        """As JSON-like facts."""
        return {
            "arena": self.view.arena.name,
            "judge": self.view.judge,
            "judges": list(self.view.judges),
            "category": self.view.category_name,
            "confidence_level": 0.95,
            "simultaneous": self.simultaneous,
            "n_resamples": self.n_resamples,
            "random_state": self.random_state,
            **self.coverage.facts(),
            "rows": [row.facts() for row in self.rows],
        }


def compare_two(
    store: Store, model: str, baseline: str, view: View, n_resamples: int = 1000, random_state: int = 0
) -> Comparison:
    """The difference of two models, overall and (unless the view is of one) in each category.

    Raises:
        UsageError: a name that is not in the arena, or twice the same.
    """
    if model == baseline:
        raise UsageError(f"'{model}' is compared with itself")
    views = [view]
    with store.snapshot() as connection:
        if view.category is None:
            views += [replace(view, category=name) for name in categories_of(connection, view) if name != ALL]
        read = [(one, read_prompt_battles(connection, one)) for one in views]
        coverage = read_counts(connection, view).coverage
    rows = [_compared(battles, one, model, baseline, n_resamples, random_state) for one, battles in read]
    return Comparison(view, tuple(row for row in rows if row), n_resamples, random_state, False, coverage)


def _compared(
    battles: PromptBattles, view: View, model: str, baseline: str, n_resamples: int, random_state: int
) -> Compared | None:
    if view.category is not None and not {model, baseline} <= set(battles.models):
        return None
    common = common_prompts(battles, model, baseline)
    intervals = bootstrap_prompts(battles.on(common), n_resamples=n_resamples, random_state=random_state)
    found = rating_difference(intervals, model, baseline)
    win_rate, met = _face_to_face(win_rate_matrix(battles.counts()), model, baseline)
    return Compared(
        model,
        baseline,
        view.category_name,
        found.difference,
        found.lower,
        found.upper,
        found.reason,
        win_rate,
        met,
        int(common.sum()),
        found.beyond,
    )


def compare_baseline(
    store: Store,
    patterns: Sequence[str],
    baseline: str,
    view: View,
    n_resamples: int = 1000,
    random_state: int = 0,
) -> Comparison:
    """Several models (names or globs) against one baseline, with intervals that hold all at once.

    Each difference rests on the prompts that its model and the baseline both have battles on, as in `compare_two`.

    Raises:
        UsageError: a name or pattern that fits no model of the arena.
    """
    with store.snapshot() as connection:
        battles = read_prompt_battles(connection, view)
        coverage = read_counts(connection, view).coverage
    named(battles.models, baseline)
    models = _matching(battles.models, patterns, baseline)
    common = {model: common_prompts(battles, model, baseline) for model in models}
    rated = _rated_together(battles, common, n_resamples, random_state)
    matrix = win_rate_matrix(battles.counts())
    rows = []
    for one in rating_differences(rated, baseline).rows:
        win_rate, met = _face_to_face(matrix, one.model, baseline)
        rows.append(
            Compared(
                one.model,
                baseline,
                view.category_name,
                one.difference,
                one.lower,
                one.upper,
                one.reason,
                win_rate,
                met,
                int(common[one.model].sum()),
                one.beyond,
            )
        )
    return Comparison(view, tuple(rows), n_resamples, random_state, True, coverage)


def _matching(models: Sequence[str], patterns: Sequence[str], baseline: str) -> list[str]:
    chosen = [model for model in matching("model", patterns, models) if model != baseline]
    if not chosen:
        raise UsageError(f"nothing but the baseline '{baseline}' fits", mend="Name other models.")
    return chosen


def _face_to_face(matrix: WinRateMatrix, model: str, baseline: str) -> tuple[float | None, int]:
    """The win rate of the model against the baseline, and how many battles it is of."""
    i, j = matrix.models.index(model), matrix.models.index(baseline)
    return matrix.rates[i][j], int(matrix.battles[i, j])


def _rated_together(
    battles: PromptBattles, common: Mapping[str, BoolArray], n_resamples: int, random_state: int
) -> dict[str, BootstrapIntervals]:
    """By model, all ratings on its prompts of `common` (M,), in resamples of the same draws of all those prompts."""
    drawn_from = np.flatnonzero(np.any(list(common.values()), axis=0))
    rated: dict[bytes, BootstrapIntervals] = {}
    for prompts in common.values():
        if prompts.tobytes() not in rated:
            rated[prompts.tobytes()] = bootstrap_prompts(
                battles.on(prompts), n_resamples=n_resamples, random_state=random_state, drawn_from=drawn_from
            )
    return {model: rated[prompts.tobytes()] for model, prompts in common.items()}


def common_prompts(battles: PromptBattles, model: str, baseline: str) -> BoolArray:
    """(M,) the prompts on which both models have battles.

    Raises:
        UsageError: a name that is not among the models.
    """
    return battles.prompts_of(named(battles.models, model)) & battles.prompts_of(
        named(battles.models, baseline)
    )
