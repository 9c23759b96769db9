"""`ratings agree`: a leaderboard held against another."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli.held_back import warn_held_back
from arena_tui.cli.options import ArenaOption, CategoryOption, JudgesOption, open_to_rate
from arena_tui.cli.running import JsonOption, StoreOption
from arena_tui.cli.tree import commands, examples
from arena_tui.layout import Column, Table
from arena_tui.output import out_json, out_table

if TYPE_CHECKING:
    from engine.formats.leaderboards import LeaderboardFile
    from engine.ratings.agreement import Agreement, ScoreTable

app = commands("Hold ratings against a reference. Such as a published leaderboard, or yesterday's.")

_FIGURES = ("spearman", "agreement", "differentiation", "mean", "order_agreement")
_MEANING = {
    "spearman": "rank correlation of the models in common",
    "agreement": "+1 where both separate a pair alike, -1 where not alike, over the pairs of the reference",
    "differentiation": "share of pairs that the ratings separate",
    "mean": "of the three above",
    "order_agreement": "share of all pairs that both put in one order, intervals aside",
}


@app.command(
    "agree",
    epilog=examples(
        "arena-tui ratings agree --reference published.csv",
        "arena-tui ratings agree --ratings mine.json --reference lmsys.csv --reference-columns model=key,rating=elo",
    ),
)
def agree(
    reference: Annotated[
        Path,
        typer.Option(
            "--reference", help="A leaderboard to hold against (CSV, JSON, ours too).", metavar="FILE"
        ),
    ],
    ratings: Annotated[
        Path | None,
        typer.Option("--ratings", help="A leaderboard. Without it, the store's ratings.", metavar="FILE"),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            help="What the columns of --ratings are, such as model=name,rating=elo (model, rating, lower, upper, plus,"
            " minus). Usual names are known.",
            metavar="OURS=THEIRS,...",
        ),
    ] = None,
    reference_columns: Annotated[
        str | None,
        typer.Option("--reference-columns", help="The same for --reference.", metavar="OURS=THEIRS,..."),
    ] = None,
    arena: ArenaOption = None,
    judges: JudgesOption = None,
    category: CategoryOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Tell how far two leaderboards agree. Spearman, agreement and differentiation, as WizardArena defines them.

    Two models are separated where their intervals do not overlap.
    """
    from engine.formats.leaderboards import parse_columns, read_leaderboard
    from engine.ratings.agreement import agreement
    from engine.ratings.board import RatingOptions
    from engine.ratings.leaderboard import rate
    from engine.ratings.views import find_view

    theirs = _scores(read_leaderboard(reference, parse_columns(reference_columns), "--reference-columns"))
    if ratings is not None:
        mine = _scores(read_leaderboard(ratings, parse_columns(columns)))
    else:
        with open_to_rate(store) as opened:
            view = find_view(opened.reader, arena, judges, category)
            mine = rate(opened, view, RatingOptions(online=False)).scores()
            warn_held_back(opened, view)
    found = agreement(mine, theirs)
    if as_json:
        out_json(_facts(found))
    else:
        out_table(_table(found))


def _scores(file: LeaderboardFile) -> ScoreTable:
    from engine.ratings.agreement import ScoreTable

    return ScoreTable(file.models, file.rating, file.lower, file.upper)


def _facts(found: Agreement) -> dict[str, Any]:
    return {
        "models": list(found.models),
        "only_reference": list(found.only_reference),
        "only_ratings": list(found.only_benchmark),
        "pairs": found.pairs,
        "reference_separated": found.reference_separated,
        "ratings_separated": found.benchmark_separated,
        **{name: getattr(found, name) for name in _FIGURES},
    }


def _table(found: Agreement) -> Table:
    columns = [Column("figure", fit="keep"), Column("value", right=True), Column("", fit="wrap")]
    rows = []
    for name in _FIGURES:
        value = getattr(found, name)
        rows.append([name.replace("_", " "), "-" if value is None else f"{value:.4f}", _MEANING[name]])
    notes = [
        f"{len(found.models)} models in common, {found.pairs:,} pairs; separated: {found.reference_separated:,} by the"
        f" reference, {found.benchmark_separated:,} by the ratings"
    ]
    for noun, names in (("the reference", found.only_reference), ("the ratings", found.only_benchmark)):
        if names:
            more = f" and {len(names) - 8} more" if len(names) > 8 else ""
            notes.append(f"only in {noun}: {', '.join(names[:8])}{more}")
    return Table(columns, rows, notes=notes)
