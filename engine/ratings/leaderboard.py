"""Rating a view of an arena: its leaderboard, with everything that a reader needs to trust it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from engine.ratings.board import Leaderboard, ModelRow, RatingOptions
from engine.ratings.bootstrap import BootstrapIntervals, bootstrap, bootstrap_prompts
from engine.ratings.covariance import normal_intervals
from engine.ratings.cut_dependence import CutDependence, cut_dependence
from engine.ratings.folding import Folded, fold_on, read_folded
from engine.ratings.holding_back import Invalid, InvalidCounts, hold_back, read_invalid
from engine.ratings.intervals import LEAST_PROMPTS, RatingIntervals
from engine.ratings.prompt_battles import PromptBattles
from engine.ratings.ranks import ranks, tied_with
from engine.ratings.stored import ArenaCounts, read_counts, read_prompt_battles
from engine.ratings.views import View, find_view
from engine.ratings.win_rates import model_records
from engine.store.sqlite import Connection
from engine.store.store import Store

PAIRED_TIES_LIMIT = 300_000
"""Battles up to which ties are told by paired differences over prompts; beyond, by overlap, which costs nothing."""


def leaderboard(
    store: Store,
    arena: str | None = None,
    judges: str | Sequence[str] | None = None,
    category: str | None = None,
    options: RatingOptions | None = None,
) -> Leaderboard:
    """Rate the view of these names, see `find_view`.

    Raises:
        UsageError: no such arena, judge, category or anchor.
    """
    return rate(store, find_view(store.reader, arena, judges, category), options)


def rate(store: Store, view: View, options: RatingOptions | None = None) -> Leaderboard:
    """Rate a view of the store.

    Raises:
        UsageError: there is no such anchor.
    """
    options = (options or RatingOptions()).of(view)
    with store.snapshot() as connection:
        counts = read_counts(connection, view)
        by_prompt = _prompt_battles(connection, view, counts, options)
        invalid = read_invalid(connection, view)
    return build(store, view, counts, invalid, by_prompt, options)


def _prompt_battles(
    connection: Connection, view: View, counts: ArenaCounts, options: RatingOptions
) -> PromptBattles | None:
    wanted = options.over == "prompts" or counts.pairs.total <= PAIRED_TIES_LIMIT
    return read_prompt_battles(connection, view, counts.pairs.models) if wanted else None


def build(
    store: Store,
    view: View,
    counts: ArenaCounts,
    invalid: InvalidCounts,
    by_prompt: PromptBattles | None,
    options: RatingOptions,
) -> Leaderboard:
    """Rate what was read, all of it in one snapshot of the store."""
    options = options.of(view)
    intervals = _intervals(counts, by_prompt, options)
    ties, tied_by = _ties(intervals, by_prompt, options)
    folded = _online(store, view, counts.coverage.decided, options)
    rows = _rows(intervals, ties, counts, folded, options)
    board = Leaderboard(
        view,
        options,
        counts.pairs.total,
        counts.pairs.self_battles,
        counts.coverage,
        tuple(sorted(rows, key=_standing)),
        tied_by,
        {kind: (one.folded, one.total) for kind, one in folded.items()},
        _cut_dependence(counts, options),
        prompts=counts.coverage.prompts if by_prompt is None else by_prompt.n_prompts,
    )
    return _held_back(board, invalid)


def _held_back(board: Leaderboard, invalid: InvalidCounts) -> Leaderboard:
    """The table without the ratings of models of whose battles too many came to nothing, or with a word on them."""
    options, models = board.options, [row.model for row in board.rows]
    held = hold_back(models, invalid, options.max_invalid)
    rows = [replace(row, invalid=invalid.of(row.model, models).count) for row in board.rows]
    reasons = {model: one.reason(options.max_invalid) for model, one in held.items()}
    rows = [_without_rating(row, reasons.get(row.model), options, held) for row in rows]
    bounds = [[getattr(row, what) for row in rows] for what in ("rating", "rating_lower", "rating_upper")]
    rows = [replace(row, rank=rank) for row, rank in zip(rows, ranks(*bounds), strict=True)]
    return replace(board, rows=tuple(sorted(rows, key=_standing)), held_back=held)


def _without_rating(
    row: ModelRow, reason: str | None, options: RatingOptions, held: Mapping[str, Invalid]
) -> ModelRow:
    if options.allow_invalid:
        said = None if reason is None else f"not to be relied on: {reason}"
        return replace(
            row, held_back=said is not None, reason="; ".join(filter(None, (row.reason, said))) or None
        )
    if reason is None:
        return replace(row, tied_with=tuple(name for name in row.tied_with if name not in held))
    bare = replace(row, rating=None, rating_lower=None, rating_upper=None, rating_median=None, tied_with=())
    bare = replace(bare, elo_online=None, trueskill_mu=None, trueskill_sigma=None)
    return replace(bare, held_back=True, reason=f"held back: {reason}")


def _intervals(
    counts: ArenaCounts, by_prompt: PromptBattles | None, options: RatingOptions
) -> RatingIntervals:
    if options.interval == "sandwich":
        return normal_intervals(counts.pairs, options.anchor)
    drawn: dict[str, Any] = {"n_resamples": options.n_resamples, "random_state": options.random_state}
    if options.over == "prompts" and by_prompt is not None:
        return bootstrap_prompts(by_prompt, options.anchor, **drawn)
    return bootstrap(counts.pairs, options.anchor, **drawn)


def _ties(
    intervals: RatingIntervals, by_prompt: PromptBattles | None, options: RatingOptions
) -> tuple[dict[str, tuple[str, ...]], str]:
    """Names that each model is tied with, and how that was told."""
    if by_prompt is None or by_prompt.n_prompts < LEAST_PROMPTS:
        return _names(tied_with(intervals)), "overlap of intervals"
    paired = intervals
    if not (isinstance(intervals, BootstrapIntervals) and intervals.over == "prompts"):
        drawn: dict[str, Any] = {"n_resamples": options.n_resamples, "random_state": options.random_state}
        paired = bootstrap_prompts(by_prompt, options.anchor, **drawn)
    found = tied_with(paired, by_prompt.common_prompts())
    if not found.paired.any():
        return _names(tied_with(intervals)), "overlap of intervals"
    off_diagonal = found.paired.size - len(found.models)
    whole = int(found.paired.sum() - found.paired.trace()) >= off_diagonal
    return _names(found), "paired difference by prompt" + ("" if whole else ", else overlap of intervals")


def _names(ties: Any) -> dict[str, tuple[str, ...]]:
    return dict(zip(ties.models, ties.tied_with, strict=True))


def _online(store: Store, view: View, total: int, options: RatingOptions) -> dict[str, Folded]:
    kinds = ("elo", options.skill)
    if view.pooled:
        return {}
    if not options.online:
        return {kind: read_folded(store.reader, view, kind, total) for kind in kinds}
    return {kind: fold_on(store, view, kind, total, seconds=options.online_seconds) for kind in kinds}


def _rows(
    intervals: RatingIntervals,
    ties: Mapping[str, tuple[str, ...]],
    counts: ArenaCounts,
    folded: Mapping[str, Folded],
    options: RatingOptions,
) -> list[ModelRow]:
    records = {record.model: record for record in model_records(counts.pairs)}
    order = ranks(intervals.rating, intervals.rating_lower, intervals.rating_upper)
    elo, skills = _in_order(folded, "elo", "ratings"), _in_order(folded, options.skill, "skills")
    medians = intervals.rating_median if isinstance(intervals, BootstrapIntervals) else (None,) * len(order)
    lost = intervals.without_finite_fit if isinstance(intervals, BootstrapIntervals) else (0,) * len(order)
    rows = []
    for i, model in enumerate(intervals.models):
        record, reason = records[model], intervals.reasons[i]
        mu, sigma = skills.get(model, (None, None))
        sides = dict(counts.unusual.get(model, {}))
        rows.append(
            ModelRow(
                rank=order[i],
                model=model,
                rating=medians[i] if options.point == "median" else intervals.rating[i],
                rating_lower=intervals.rating_lower[i],
                rating_upper=intervals.rating_upper[i],
                rating_median=medians[i],
                reason=None if reason is None else reason.sentence,
                without_finite_fit=int(lost[i]),
                trueskill_mu=mu,
                trueskill_sigma=sigma,
                elo_online=elo.get(model),
                win_rate=record.win_rate,
                win_share=record.win_share,
                wins=record.wins,
                losses=record.losses,
                ties=record.ties,
                battles=record.battles,
                sides=sides.pop("sides", 0),
                unusual=sides,
                tied_with=ties.get(model, ()),
            )
        )
    return rows


def _in_order(folded: Mapping[str, Folded], kind: str, name: str) -> Mapping[str, Any]:
    """Ratings in battle order by model; none where they are not made."""
    return getattr(folded[kind].state, name, {}) if kind in folded else {}


def _standing(row: ModelRow) -> tuple[bool, float, float, str]:
    """Best first; models without a rating follow, by win rate."""
    return row.rating is None, -(row.rating or 0.0), -(row.win_rate or 0.0), row.model


def _cut_dependence(counts: ArenaCounts, options: RatingOptions) -> tuple[CutDependence, ...]:
    if counts.if_void is None or counts.if_loss is None:
        return ()
    known = set(counts.if_void.models)
    anchor = options.anchor if options.anchor and options.anchor.model in known else None
    quick = replace(options, anchor=anchor)
    void, loss = (normal_intervals(one, quick.anchor) for one in (counts.if_void, counts.if_loss))
    return cut_dependence(void, loss)
