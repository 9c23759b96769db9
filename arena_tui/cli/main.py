"""The entry point: the root command with `--batch`, and the tree of commands under it."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arena_tui.cli.running import StoreOption, run
from arena_tui.cli.tree import SETTINGS, Entry, Program, examples
from engine import __version__
from engine.errors import UsageError

if TYPE_CHECKING:
    from arena_tui.cli.batch import Ordered

_RUN, _LOOK, _DATA = "Run battles", "Look at results", "Data and the store"

ENTRIES = (
    Entry("plan", _RUN, "arena_tui.cli.plans", "Plans: what a run is made of.", is_group=True),
    Entry(
        "worker",
        _RUN,
        "arena_tui.cli.worker",
        "Do queued jobs, and those whose worker is gone.",
    ),
    Entry("jobs", _RUN, "arena_tui.cli.jobs", "Runs: what they are at, and what happened.", is_group=True),
    Entry("judge", _RUN, "arena_tui.cli.judges", "Judges: what they are told.", is_group=True),
    Entry("leaderboard", _LOOK, "arena_tui.cli.leaderboards", "Rank the models of an arena."),
    Entry("matrix", _LOOK, "arena_tui.cli.leaderboards", "Show how often each model beat each other one."),
    Entry("compare", _LOOK, "arena_tui.cli.comparing", "Tell how far models lie apart, with an interval."),
    Entry("ratings", _LOOK, "arena_tui.cli.agreement", "Hold ratings against a reference.", is_group=True),
    Entry("verdicts", _LOOK, "arena_tui.cli.verdicts", "Battles, and what the judge said.", is_group=True),
    Entry(
        "select", _LOOK, "arena_tui.cli.select", "Choose training rows from decided battles.", is_group=True
    ),
    Entry(
        "import", _DATA, "arena_tui.cli.importing", "Bring in battle logs, responses, verdicts or prompts."
    ),
    Entry("export", _DATA, "arena_tui.cli.exporting", "Write a table of the store, or all of them, exactly."),
    Entry(
        "imports",
        _DATA,
        "arena_tui.cli.imports",
        "Imports: what was brought in, and taking it back.",
        is_group=True,
    ),
    Entry("arenas", _DATA, "arena_tui.cli.arenas", "Arenas: battles that are rated together.", is_group=True),
    Entry(
        "store",
        _DATA,
        "arena_tui.cli.stores",
        "The store as a file: what it holds, checks, copies.",
        is_group=True,
    ),
    Entry(
        "doctor", _DATA, "arena_tui.cli.doctor", "Look for what is in the way of a run, and what one left."
    ),
    Entry("models", _DATA, "arena_tui.cli.models", "The models that the store knows.", is_group=True),
)


class Root(Program):
    """The program."""

    entries = ENTRIES


app = typer.Typer(
    name="arena-tui",
    cls=Root,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings=SETTINGS,
    epilog=examples(
        "arena-tui --batch pocket             four tiny models battle, in seconds",
        "arena-tui leaderboard                who is best, and how sure that is",
        "arena-tui plan new --help            a plan for models of your own",
        "arena-tui --batch plan.toml --dry-run   what a run would cost",
    )
    + "\n\n\b\nExit codes: 0 done, 1 failed, 2 usage or bad plan, 3 unfinished (run it again), 130 interrupted.",
)


def _version(wanted: bool) -> None:
    if wanted:
        from arena_tui.output import out

        out(f"arena-tui {__version__}")
        raise typer.Exit


def _allow_network(wanted: bool) -> bool:
    """The environment carries it to whatever is started."""
    if wanted:
        from engine.store.placement import ALLOW_NETWORK_VARIABLE

        os.environ[ALLOW_NETWORK_VARIABLE] = "1"
    return wanted


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    store: StoreOption = None,
    batch: Annotated[
        str | None,
        typer.Option("--batch", help="Run a plan: a TOML file, or a shipped name.", metavar="PLAN"),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option(
            "--set", help="With --batch: change a value of the plan, such as run.seed=2.", metavar="KEY=VALUE"
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            min=1,
            help="With --batch: only the first N prompts of the plan's seeded shuffle.",
            metavar="N",
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="With --batch: stop after the preflight (calls, tokens, time, disk). Its few calls are kept.",
        ),
    ] = False,
    stop_after: Annotated[
        str | None,
        typer.Option(
            "--stop-after",
            help="With --batch: drain after this long, such as 3h50m, and exit with 3.",
            metavar="TIME",
        ),
    ] = None,
    grace: Annotated[
        str | None,
        typer.Option(
            "--grace",
            help="With --batch: how long calls in flight may go on when it is drained or paused (25s).",
            metavar="TIME",
        ),
    ] = None,
    pause_limit: Annotated[
        str | None,
        typer.Option(
            "--pause-limit",
            help="With --batch: how long a pause may take, as on a full disk, before it exits with 3 (15m).",
            metavar="TIME",
        ),
    ] = None,
    detach: Annotated[
        bool,
        typer.Option("--detach", help="With --batch: leave it to a worker that outlives this terminal."),
    ] = False,
    mirror: Annotated[
        Path | None,
        typer.Option(
            "--mirror",
            help="With --batch: keep a copy of the store in this folder, and begin from a newer one there.",
            metavar="DIR",
        ),
    ] = None,
    allow_network: Annotated[
        bool,
        typer.Option(
            "--allow-network-store",
            help="Take a store on a network file system, with one process at a time.",
            callback=_allow_network,
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="With --batch: one event a line on stdout. Alone: the arenas as JSON."),
    ] = False,
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_version, is_eager=True)
    ] = False,
) -> None:
    """Let language models battle on your prompts, have a judge score them, rate them, and trace every number.

    In a battle two models answer one prompt, and a judge says who did better. An arena is a set of battles that are
    rated together, from which the leaderboard follows. All of it is kept in one file, the store; a plan, in another,
    says who battles on what, before which judge. Alone, arena-tui shows what the store holds.
    """
    only_with_batch = {
        "--set": sets,
        "--limit": limit,
        "--dry-run": dry_run,
        "--stop-after": stop_after,
        "--grace": grace,
        "--pause-limit": pause_limit,
        "--detach": detach,
        "--mirror": mirror,
    }
    if batch is None:
        _look(context, store, only_with_batch, as_json=as_json)
        return
    if context.invoked_subcommand is not None:
        raise UsageError(f"--batch and the command '{context.invoked_subcommand}' are two runs")
    if mirror is not None:
        sets = [*(sets or []), f"run.mirror={json.dumps(str(mirror))}"]
    ordered = _ordered(limit, dry_run, stop_after, grace, pause_limit)
    _run_batch(batch, sets or [], store, ordered, detach=detach, as_json=as_json)


def _look(
    context: typer.Context, store: Path | None, only_with_batch: Mapping[str, object], *, as_json: bool
) -> None:
    """Show what the store holds, where no command that was called does something else.

    Raises:
        UsageError: an option that is for a run.
    """
    for option, value in only_with_batch.items():
        if value:
            raise UsageError(f"{option} goes with --batch PLAN")
    if context.invoked_subcommand is None:
        from arena_tui.cli.overview import show_overview

        show_overview(store, as_json=as_json)
    elif as_json:
        raise UsageError(f"--json goes behind '{context.invoked_subcommand}'")


def _ordered(
    limit: int | None, dry_run: bool, stop_after: str | None, grace: str | None, pause_limit: str | None
) -> Ordered:
    """What is ordered beside the plan.

    Raises:
        UsageError: a time that is none.
    """
    from arena_tui.cli.batch import Ordered
    from arena_tui.cli.patience import GRACE, PAUSE_LIMIT, Patience, seconds

    return Ordered(
        limit,
        dry_run,
        None if stop_after is None else seconds("--stop-after", stop_after),
        Patience.read(grace or GRACE, pause_limit or PAUSE_LIMIT),
    )


def _run_batch(
    plan: str, sets: list[str], store: Path | None, ordered: Ordered, *, detach: bool, as_json: bool
) -> None:
    """Run a plan here, or leave it to a worker."""
    from arena_tui.cli.batch import queue_plan, run_plan

    if detach:
        queue_plan(plan, sets, store, ordered, as_json=as_json)
        return
    raise typer.Exit(run_plan(plan, sets, store, ordered, as_json=as_json))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line, that of the process by default, and give its exit code."""
    return run(lambda: app(arguments, prog_name="arena-tui", standalone_mode=False))
