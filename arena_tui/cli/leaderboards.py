"""`leaderboard`, `matrix`: an arena in one table."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from arena_tui.cli.options import (
    AllColumnsOption,
    AllowInvalidOption,
    AnchorOption,
    ArenaOption,
    CategoryOption,
    FoldOption,
    FormatOption,
    IntervalOption,
    JudgesOption,
    OverOption,
    PlannedResamplesOption,
    PointOption,
    SeedOption,
    SkillOption,
    TiesOption,
    open_to_rate,
    read_anchor,
    read_format,
)
from arena_tui.cli.running import JsonOption, StoreOption, one_of
from arena_tui.cli.tree import commands, examples
from arena_tui.output import out_csv, out_json, out_markdown, out_table
from arena_tui.streams import data_width

if TYPE_CHECKING:
    from engine.ratings.stored import Coverage
    from engine.ratings.views import View
    from engine.ratings.win_rates import WinRateMatrix

app = commands()

NO_ANCHOR = "none"

WIDE = 120
"""Cells from which a leaderboard may have room for its last columns."""


@app.command(
    "leaderboard",
    epilog=examples(
        "arena-tui leaderboard --arena pocket",
        "arena-tui leaderboard --category math --over prompts",
        "arena-tui leaderboard --anchor vicuna-13b=1000 --json",
        "arena-tui leaderboard --judge crowd --judge 'gpt*'     these judges' battles together",
        "arena-tui leaderboard --format csv > ratings.csv",
    ),
)
def show_leaderboard(
    arena: ArenaOption = None,
    judges: JudgesOption = None,
    category: CategoryOption = None,
    anchor: AnchorOption = None,
    n_resamples: PlannedResamplesOption = None,
    seed: SeedOption = 0,
    over: OverOption = None,
    interval: IntervalOption = "bootstrap",
    point: PointOption = "mle",
    skill: SkillOption = "trueskill",
    fold_seconds: FoldOption = 2.0,
    allow_invalid: AllowInvalidOption = False,
    all_columns: AllColumnsOption = False,
    form: FormatOption = "table",
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Rank the models of an arena. Bradley-Terry ratings with 95 % intervals, and what they rest on.

    Ratings are Elo points: who stands 100 above another wins 64 % of their battles, ties counted half, 400 above 91 %.
    The interval says where the rating may lie by the chance of which battles were fought. Rank is 1 + the number of
    models whose interval lies wholly above. 'Tied with' names models that the data do not tell apart: by paired
    differences over prompts where models share them, so that it may tell apart what ranks do not.

    Below the table stands how it was rated and on how many battles of how many. Wider terminals, --all-columns and
    --json show more: the median of the resamples, wins, losses and ties; win share, the judge's mean preference; not
    whole, the share of cut, empty and refused responses; online Elo and TrueSkill, which follow the battles in their
    order. TrueSkill is a brand of Microsoft, whose notice permits it for Xbox Live games and non-commercial projects;
    --skill openskill is the way out (pip install 'arena-tui[openskill]').
    """
    from arena_tui.tables import leaderboard_table
    from engine.ratings.board import Interval, Over, Point, RatingOptions
    from engine.ratings.leaderboard import rate
    from engine.ratings.planned import planned_ratings
    from engine.ratings.skill import Library
    from engine.ratings.views import find_view

    if over is not None:
        one_of("--over", over, ("battles", "prompts"))
    options = RatingOptions(
        random_state=seed,
        interval=cast(Interval, one_of("--interval", interval, ("bootstrap", "sandwich"))),
        point=cast(Point, one_of("--point", point, ("mle", "median"))),
        online=fold_seconds > 0 and _shows_online(as_json or all_columns or form != "table"),
        online_seconds=fold_seconds,
        skill=cast(Library, one_of("--skill", skill, ("trueskill", "openskill"))),
        allow_invalid=allow_invalid,
    )
    said = None if anchor in (None, NO_ANCHOR) else read_anchor(anchor)
    form = read_format(form)
    with open_to_rate(store) as opened:
        view = find_view(opened.reader, arena, judges, category)
        planned = planned_ratings(opened.reader, view)
        options = replace(
            options,
            anchor=planned.anchor if anchor is None else said,
            n_resamples=n_resamples or planned.n_resamples or options.n_resamples,
            over=cast(Over, over or (None if view.pooled else planned.over)),
            max_invalid=options.max_invalid if planned.max_invalid is None else planned.max_invalid,
        )
        board = rate(opened, view, options)
    facts = board.facts()
    if as_json:
        out_json(facts)
    elif form == "csv":
        out_csv(_CSV_COLUMNS, ((row[name] for name in _CSV_COLUMNS) for row in facts["models"]))
    elif form == "markdown":
        out_markdown(leaderboard_table(board, all_columns=all_columns))
    else:
        out_table(leaderboard_table(board, all_columns=all_columns))


def _shows_online(everything: bool) -> bool:
    """Whether ratings in battle order will be seen: folding them takes a moment, and a narrow table has no room."""
    width = data_width()
    return everything or width is None or width >= WIDE


_CSV_COLUMNS = (
    "rank",
    "model",
    "rating",
    "rating_lower",
    "rating_upper",
    "rating_median",
    "reason",
    "elo_online",
    "trueskill_mu",
    "trueskill_sigma",
    "win_rate",
    "win_share",
    "wins",
    "losses",
    "ties",
    "battles",
    "cut_share",
    "invalid",
    "held_back",
    "tied_with",
)


@app.command(
    "matrix",
    epilog=examples(
        "arena-tui matrix", "arena-tui matrix --no-ties --category math", "arena-tui matrix --json"
    ),
)
def show_matrix(
    arena: ArenaOption = None,
    judges: JudgesOption = None,
    category: CategoryOption = None,
    ties: TiesOption = True,
    form: FormatOption = "table",
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show how often each model beat each other one. Rows beat columns; a dash: they never met.

    Best first, columns numbered as the rows are: 0.75 in the row of 1 under 3 says that the first model won three
    quarters of its battles with the third.
    """
    from arena_tui.tables import matrix_table
    from engine.ratings.board import RatingOptions
    from engine.ratings.holding_back import read_invalid
    from engine.ratings.leaderboard import build
    from engine.ratings.stored import read_counts
    from engine.ratings.views import find_view
    from engine.ratings.win_rates import win_rate_matrix

    form = read_format(form)
    with open_to_rate(store) as opened:
        view = find_view(opened.reader, arena, judges, category)
        with opened.snapshot() as connection:
            read = read_counts(connection, view)
            invalid = read_invalid(connection, view)
        board = build(opened, view, read, invalid, None, RatingOptions(interval="sandwich", online=False))
        counts = read.pairs.among(row.model for row in board.rows)
    matrix = win_rate_matrix(counts, ties=ties)
    if as_json:
        out_json(_matrix_facts(view, matrix, read.coverage))
    elif form == "csv":
        rows = ((name, *rates) for name, rates in zip(matrix.models, matrix.rates, strict=True))
        out_csv(("model", *matrix.models), rows)
    elif form == "markdown":
        out_markdown(matrix_table(view, matrix, read.coverage))
    else:
        out_table(matrix_table(view, matrix, read.coverage))


def _matrix_facts(view: View, matrix: WinRateMatrix, coverage: Coverage) -> dict[str, Any]:
    return {
        "arena": view.arena.name,
        "judge": view.judge,
        "judges": list(view.judges),
        "category": view.category_name,
        **coverage.facts(),
        "ties": matrix.ties,
        "models": list(matrix.models),
        "rates": [list(row) for row in matrix.rates],
        "battles": matrix.battles.tolist(),
    }
