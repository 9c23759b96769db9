"""`leaderboard`, `matrix`, `compare`, `ratings agree`: tables of an arena."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from arena_tui.cli.running import JsonOption, StoreOption, command, open_for_writing, store_path
from arena_tui.output import Column, Format, Table, out_json, out_table, say

agree_app = typer.Typer(help="How far ratings agree with a reference.", no_args_is_help=True)

ArenaOption = Annotated[
    str | None, typer.Option("--arena", help="The arena; default: the newest.", metavar="NAME")
]
JudgeOption = Annotated[
    str | None,
    typer.Option(
        "--judge",
        help="The judge; default: the one with the most battles. Judges are never mixed.",
        metavar="NAME",
    ),
]
CategoryOption = Annotated[
    str | None, typer.Option("--category", help="One category; default: all.", metavar="NAME")
]
FormatOption = Annotated[str, typer.Option("--format", help="table, csv or markdown.", metavar="FORM")]
AnchorOption = Annotated[
    str | None,
    typer.Option(
        "--anchor",
        help="Pin a model, such as 'vicuna-13b=1000'; without it the mean is 1000.",
        metavar="MODEL[=RATING]",
    ),
]
ResamplesOption = Annotated[
    int, typer.Option("--n-resamples", min=1, help="Bootstrap resamples.", metavar="N")
]
SeedOption = Annotated[int, typer.Option("--seed", help="Seed of the resamples.", metavar="N")]
OverOption = Annotated[
    str,
    typer.Option(
        "--over",
        help="What is resampled: battles, or prompts (games on one prompt are not independent).",
        metavar="WHAT",
    ),
]


def _open(store: Path | None) -> Any:
    """The store to rate from. Online ratings are folded on, and kept, where the store can be written."""
    from engine.errors import StoreError
    from engine.store import open_store

    path = store_path(store)
    if not path.exists():
        return open_store(path)
    try:
        return open_for_writing(store, create=False)
    except StoreError:
        return open_store(path)


def _anchor(said: str | None) -> Any:
    from engine.errors import UsageError
    from engine.ratings.scale import Anchor

    if said is None:
        return None
    name, mark, rating = said.rpartition("=")
    if not mark:
        return Anchor(said, 1000.0)
    try:
        return Anchor(name, float(rating))
    except ValueError:
        raise UsageError(
            f"--anchor: '{rating}' is no rating", mend="Write MODEL=RATING, such as vicuna-13b=1000."
        ) from None


def _one_of(option: str, said: str, known: tuple[str, ...]) -> str:
    from engine.errors import UsageError

    if said not in known:
        raise UsageError(f"{option} is '{said}'", f"Known: {', '.join(known)}.")
    return said


def _form(said: str) -> Format:
    return _one_of("--format", said, ("table", "csv", "markdown"))  # type: ignore[return-value]


@command
def show_leaderboard(
    arena: ArenaOption = None,
    judge: JudgeOption = None,
    category: CategoryOption = None,
    anchor: AnchorOption = None,
    n_resamples: ResamplesOption = 100,
    seed: SeedOption = 0,
    over: OverOption = "battles",
    interval: Annotated[
        str, typer.Option("--interval", help="bootstrap, or sandwich (quick, symmetric).", metavar="KIND")
    ] = "bootstrap",
    point: Annotated[
        str,
        typer.Option(
            "--point", help="mle, or median (of the resamples: the paper's number).", metavar="WHICH"
        ),
    ] = "mle",
    all_columns: Annotated[
        bool, typer.Option("--all-columns", help="Every column, for wide terminals.")
    ] = False,
    form: FormatOption = "table",
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Rank the models of an arena: Bradley-Terry ratings with 95 % intervals, and what they rest on.

    Online Elo and TrueSkill follow the battles in their order. TrueSkill is a brand of Microsoft, whose notice permits
    it for Xbox Live games and non-commercial projects; the package openskill is the way out
    (pip install 'arena-tui[openskill]').
    """
    from arena_tui.tables import leaderboard_table
    from engine.ratings.leaderboard import RatingOptions, leaderboard

    options = RatingOptions(
        _anchor(anchor),
        n_resamples,
        seed,
        _one_of("--over", over, ("battles", "prompts")),  # type: ignore[arg-type]
        _one_of("--interval", interval, ("bootstrap", "sandwich")),  # type: ignore[arg-type]
        _one_of("--point", point, ("mle", "median")),  # type: ignore[arg-type]
    )
    form_ = _form(form)
    with _open(store) as opened:
        board = leaderboard(opened, arena, judge, category, options)
    if as_json:
        out_json(board.facts())
    else:
        out_table(leaderboard_table(board, wide=all_columns or form_ != "table"), form_)


@command
def show_matrix(
    arena: ArenaOption = None,
    judge: JudgeOption = None,
    category: CategoryOption = None,
    ties: Annotated[
        bool, typer.Option("--ties/--no-ties", help="A tie counts half a win, or is left out.")
    ] = True,
    form: FormatOption = "table",
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """How often each model beat each other one: rows beat columns."""
    from engine.ratings.leaderboard import RatingOptions, leaderboard
    from engine.ratings.stored import find_view, read_counts
    from engine.ratings.win_rates import win_rate_matrix

    with _open(store) as opened:
        view = find_view(opened.reader, arena, judge, category)
        order = leaderboard(
            opened,
            view.arena.name,
            view.judge,
            view.category,
            RatingOptions(interval="sandwich", online=False),
        )
        counts = read_counts(opened.reader, view).pairs.among(row.model for row in order.rows)
    matrix = win_rate_matrix(counts, ties=ties)
    if as_json:
        battles = matrix.battles.tolist()
        facts = {"arena": view.arena.name, "judge": view.judge, "category": view.category_name, "ties": ties}
        out_json(
            facts
            | {
                "models": list(matrix.models),
                "rates": [list(row) for row in matrix.rates],
                "battles": battles,
            }
        )
        return
    columns = [Column("row beats column", keep=True), *(Column(name, right=True) for name in matrix.models)]
    rows = [
        [name, *("-" if rate is None else f"{rate:.3f}" for rate in row)]
        for name, row in zip(matrix.models, matrix.rates, strict=True)
    ]
    what = "a tie counts half" if ties else "ties left out"
    out_table(
        Table(columns, rows, notes=[f"{counts.total:,} battles before {view.judge}; {what}"]), _form(form)
    )


@agree_app.command("agree")
@command
def agree(
    reference: Annotated[
        Path, typer.Option("--reference", help="A leaderboard file to hold against.", metavar="FILE")
    ],
    ratings: Annotated[
        Path | None,
        typer.Option(
            "--ratings", help="A leaderboard file; without it, the store's ratings.", metavar="FILE"
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            "--columns",
            help="Columns of the --ratings file, such as model=name,rating=elo.",
            metavar="OURS=THEIRS,...",
        ),
    ] = None,
    reference_columns: Annotated[
        str | None,
        typer.Option(
            "--reference-columns", help="The same for the --reference file.", metavar="OURS=THEIRS,..."
        ),
    ] = None,
    arena: ArenaOption = None,
    judge: JudgeOption = None,
    category: CategoryOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Spearman, agreement and differentiation of two leaderboards, as WizardArena defines them, and their mean.

    Agreement: over the model pairs that the reference separates (their intervals do not overlap), +1 where the ratings
    separate them in the same order, -1 in the other, 0 where they do not. Differentiation: the share of pairs that the
    ratings separate.
    """
    from engine.formats.leaderboards import parse_columns, read_leaderboard
    from engine.ratings.agreement import agreement
    from engine.ratings.leaderboard import RatingOptions, leaderboard

    theirs = _scores(read_leaderboard(reference, parse_columns(reference_columns)))
    if ratings is not None:
        mine = _scores(read_leaderboard(ratings, parse_columns(columns)))
    else:
        with _open(store) as opened:
            mine = leaderboard(opened, arena, judge, category, RatingOptions(online=False)).scores()
    found = agreement(mine, theirs)
    facts = {
        "models": list(found.models),
        "only_reference": list(found.only_reference),
        "only_ratings": list(found.only_benchmark),
        "pairs": found.pairs,
        "reference_separated": found.reference_separated,
        "ratings_separated": found.benchmark_separated,
        "spearman": found.spearman,
        "agreement": found.agreement,
        "differentiation": found.differentiation,
        "mean": found.mean,
        "order_agreement": found.order_agreement,
    }
    if as_json:
        out_json(facts)
        return
    rows = [[name, "-" if facts[name] is None else f"{facts[name]:.4f}"] for name in _FIGURES]
    notes = [
        f"{len(found.models)} models in common, {found.pairs:,} pairs;"
        f" separated: {found.reference_separated:,} by the reference, {found.benchmark_separated:,} by the ratings"
    ]
    for noun, names in (("the reference", found.only_reference), ("the ratings", found.only_benchmark)):
        if names:
            notes.append(f"only in {noun}: {', '.join(names[:8])}{' …' if len(names) > 8 else ''}")
    out_table(Table([Column("figure", keep=True), Column("value", right=True)], rows, notes=notes))


def _scores(file: Any) -> Any:
    from engine.ratings.agreement import ScoreTable

    return ScoreTable(file.models, file.rating, file.lower, file.upper)


_FIGURES = ("spearman", "agreement", "differentiation", "mean", "order_agreement")


@command
def compare(
    models: Annotated[
        list[str], typer.Argument(help="A and B; with --baseline one or more, globs too.", metavar="MODEL...")
    ],
    baseline: Annotated[
        str | None,
        typer.Option(
            "--baseline",
            help="Compare all MODELs with this one, intervals holding all at once.",
            metavar="MODEL",
        ),
    ] = None,
    fail_if: Annotated[
        str | None,
        typer.Option(
            "--fail-if",
            help="Exit with 1 when it holds, such as 'upper<0' (difference, lower, upper, win_rate).",
            metavar="CONDITION",
        ),
    ] = None,
    arena: ArenaOption = None,
    judge: JudgeOption = None,
    category: CategoryOption = None,
    n_resamples: ResamplesOption = 1000,
    seed: SeedOption = 0,
    form: FormatOption = "table",
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """How far two models lie apart, with an interval of the difference: overall, by category, and head to head.

    The difference is of their ratings (A minus B), and its interval comes from resampled prompts, so what a prompt does
    to both cancels.
    """
    from arena_tui.conditions import parse_condition
    from arena_tui.tables import comparison_table
    from engine.errors import UsageError
    from engine.ratings.comparing import compare_baseline, compare_two
    from engine.ratings.stored import find_view

    condition = parse_condition(fail_if) if fail_if else None
    if baseline is None and len(models) != 2:
        raise UsageError(
            f"compare takes two models, and got {len(models)}", mend="Or name one --baseline for all."
        )
    with _open(store) as opened:
        view = find_view(opened.reader, arena, judge, category)
        if baseline is None:
            found = compare_two(opened, models[0], models[1], view, n_resamples, seed)
        else:
            found = compare_baseline(opened, models, baseline, view, n_resamples, seed)
    if as_json:
        out_json(found.facts())
    else:
        out_table(comparison_table(found), _form(form))
    if condition is not None:
        # Of a pair, the overall row is meant; of a baseline's table, any row.
        rows = found.rows if found.simultaneous else found.rows[:1]
        if any(condition.holds(row.facts()) for row in rows):
            say(f"--fail-if {fail_if}: it holds")
            raise typer.Exit(1)
