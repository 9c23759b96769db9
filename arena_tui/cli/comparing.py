"""`compare`: how far models lie apart, and an exit code for it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli.held_back import warn_held_back
from arena_tui.cli.options import (
    ArenaOption,
    CategoryOption,
    FormatOption,
    JudgesOption,
    ResamplesOption,
    SeedOption,
    open_to_rate,
    read_format,
)
from arena_tui.cli.running import JsonOption, StoreOption
from arena_tui.cli.tree import commands, examples
from arena_tui.output import out_csv, out_json, out_markdown, out_table, say_lines
from engine.errors import UsageError

if TYPE_CHECKING:
    from arena_tui.conditions import Condition
    from engine.ratings.comparing import Compared

app = commands()


@app.command(
    "compare",
    epilog=examples(
        "arena-tui compare new old",
        "arena-tui compare new old --fail-if 'upper<0'       exits with 1 when new is surely worse",
        "arena-tui compare 'sweep/*' --baseline old --format markdown",
    ),
)
def compare(
    models: Annotated[
        list[str],
        typer.Argument(help="A and B. With --baseline one or more, globs too.", metavar="MODEL"),
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
            help="Exit with 1 when it holds, or cannot be decided: difference, lower, upper or win_rate, held"
            " against a number by < <= > >=. Of two models the overall row is meant, with --baseline any row. A model"
            " that never won is -infinity away, one that never lost +infinity, and so are both bounds from 6 prompts"
            " on.",
            metavar="CONDITION",
        ),
    ] = None,
    arena: ArenaOption = None,
    judges: JudgesOption = None,
    category: CategoryOption = None,
    n_resamples: ResamplesOption = 1000,
    seed: SeedOption = 0,
    form: FormatOption = "table",
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Tell how far models lie apart, with an interval. Overall, by category, and head to head.

    The difference is of their ratings (A minus B, in Elo points) on the prompts that both have battles on: above 0, A
    is the better one. Its interval comes from resampled prompts, so what a prompt does to both cancels; where 0 lies in
    it, the data do not tell them apart, and the result is 'tied'.
    """
    from arena_tui.conditions import parse_condition
    from arena_tui.tables import comparison_table
    from engine.ratings.comparing import compare_baseline, compare_two
    from engine.ratings.views import find_view

    condition = parse_condition(fail_if) if fail_if is not None else None
    form = read_format(form)
    if baseline is None and len(models) != 2:
        raise UsageError(
            f"compare takes two models, and got {len(models)}", mend="Or name one --baseline for all."
        )
    with open_to_rate(store) as opened:
        view = find_view(opened.reader, arena, judges, category)
        if baseline is None:
            found = compare_two(opened, models[0], models[1], view, n_resamples, seed)
        else:
            found = compare_baseline(opened, models, baseline, view, n_resamples, seed)
        warn_held_back(opened, view, {name for row in found.rows for name in (row.model, row.baseline)})
    if as_json:
        out_json(found.facts())
    elif form == "csv":
        facts = [row.facts() for row in found.rows]
        out_csv(list(facts[0]), (row.values() for row in facts))
    elif form == "markdown":
        out_markdown(comparison_table(found))
    else:
        out_table(comparison_table(found))
    if condition is not None and (failed := list(_failed(condition, _meant(found)))):
        say_lines(f"--fail-if {fail_if}: {why}" for why in failed)
        raise typer.Exit(1)


def _failed(condition: Condition, rows: Iterable[Compared]) -> Iterator[str]:
    """Of which rows the condition holds, and of which nobody can tell."""
    for row in rows:
        held = condition.holds(row.facts())
        who = f"{row.model} minus {row.baseline}"
        if held:
            yield f"it holds of {who}"
        elif held is None:
            yield f"it cannot be decided of {who}: {row.reason or 'they never met'}"


def _meant(comparison: Any) -> Any:
    """The rows that --fail-if looks at."""
    return comparison.rows if comparison.simultaneous else comparison.rows[:1]
