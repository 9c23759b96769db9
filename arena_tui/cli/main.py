"""The entry point: the root command with `--batch`, and the groups of commands under it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arena_tui.cli import arenas, data, jobs, judges, models, plans, ratings, stores, verdicts
from arena_tui.cli.running import JsonOption, StoreOption, command
from engine import __version__

app = typer.Typer(
    name="arena-tui",
    help="Let language models battle, rate them, and see why. Start with: arena-tui --batch pocket",
    no_args_is_help=False,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
)


def _version(wanted: bool) -> None:
    if wanted:
        from arena_tui.output import out

        out(f"arena-tui {__version__}")
        raise typer.Exit


@app.callback(invoke_without_command=True)
@command
def root(
    context: typer.Context,
    store: StoreOption = None,
    batch: Annotated[
        str | None,
        typer.Option(
            "--batch", help="Run a plan without a console: a TOML file, or a shipped name.", metavar="PLAN"
        ),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value of the plan, such as run.seed=2.", metavar="KEY=VALUE"),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", min=1, help="Only the first N prompts of the plan's seeded shuffle.", metavar="N"
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Stop after the preflight: calls, tokens, time, disk. Its few calls are kept."
        ),
    ] = False,
    stop_after: Annotated[
        str | None,
        typer.Option(
            "--stop-after", help="Drain after this long, such as 3h50m, and exit with 3.", metavar="TIME"
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="With --batch: one event a line on stdout.")
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Let language models battle on your prompts, have a judge score them, rate them, and trace every number."""
    if batch is not None:
        from arena_tui.cli.batch import run_plan

        run_plan(
            batch, sets or [], store, limit=limit, dry_run=dry_run, stop_after=stop_after, as_json=as_json
        )
    elif context.invoked_subcommand is None:
        from arena_tui.cli.overview import show_overview

        show_overview(store)


app.add_typer(plans.app, name="plan")
app.add_typer(jobs.app, name="jobs")
app.add_typer(models.app, name="models")
app.add_typer(arenas.app, name="arenas")
app.add_typer(data.imports_app, name="imports")
app.add_typer(stores.app, name="store")
app.add_typer(judges.app, name="judge")
app.add_typer(verdicts.app, name="verdicts")
app.add_typer(ratings.agree_app, name="ratings")
app.command("import")(data.import_files)
app.command("export")(data.export)
app.command("leaderboard")(ratings.show_leaderboard)
app.command("matrix")(ratings.show_matrix)
app.command("compare")(ratings.compare)


def main() -> None:
    """The console script."""
    app()


__all__ = ["JsonOption", "Path", "app", "main"]
