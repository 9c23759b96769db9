"""`plan list|show|check|new`: plans, their values and where these came from."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from arena_tui.cli.running import JsonOption, command
from arena_tui.output import Column, Table, out, out_json, out_raw, out_table, say

app = typer.Typer(help="Plans: what a run is made of.", no_args_is_help=True)

PlanArgument = Annotated[str, typer.Argument(help="A TOML file, or a shipped name.", metavar="PLAN")]
SetOption = Annotated[list[str] | None, typer.Option("--set", help="Change a value.", metavar="KEY=VALUE")]


@app.command("list")
@command
def list_plans(as_json: JsonOption = False) -> None:
    """The plans that ship, each a name that --batch takes."""
    from engine.plan import list_shipped

    shipped = list_shipped()
    if as_json:
        out_json([{"name": plan.name, "summary": plan.summary} for plan in shipped])
        return
    out_table(
        Table([Column("plan", keep=True), Column("what it is")], [[p.name, p.summary] for p in shipped])
    )


@app.command("show")
@command
def show(plan: PlanArgument, sets: SetOption = None, as_json: JsonOption = False) -> None:
    """The effective plan: every value, and where it came from (file and line, --set, or default)."""
    from engine.plan import explain, read_plan

    values = explain(read_plan(plan, sets or []))
    if as_json:
        out_json([{"key": v.key, "value": v.value, "source": v.source} for v in values])
        return
    columns = [Column("key", keep=True), Column("value"), Column("from")]
    out_table(Table(columns, [[v.key, v.text, v.source] for v in values]))


@app.command("check")
@command
def check(plan: PlanArgument, sets: SetOption = None) -> None:
    """Check a plan without running it. All mistakes are told at once, with file, line and key; exit code 2."""
    from engine.plan import read_plan

    read_plan(plan, sets or [])
    say(f"{plan}: fine. See what it takes: arena-tui --batch {plan} --dry-run")


@app.command("keys")
@command
def keys() -> None:
    """Every key that a plan may have, with its type, default and meaning."""
    from engine.plan import plan_keys

    rows = [[one.key, one.type, one.default_text, one.description] for one in plan_keys()]
    out_table(Table([Column("key", keep=True), Column("type"), Column("default"), Column("meaning")], rows))


@app.command("new")
@command
def new(
    models: Annotated[
        list[str],
        typer.Option(
            "--player", help="A served model to let play; give two or more.", metavar="NAME=MODEL@URL"
        ),
    ],
    prompts: Annotated[Path, typer.Option("--prompts", help="A file of prompts.", metavar="FILE")],
    judge: Annotated[str, typer.Option("--judge", help="The model that judges.", metavar="NAME=MODEL@URL")],
    to: Annotated[
        Path | None, typer.Option("--to", help="Write here instead of to stdout.", metavar="FILE")
    ] = None,
) -> None:
    """Write a commented plan from served models and a prompt file."""
    from engine.errors import UsageError
    from engine.plan.new import ServedModel, new_plan

    text = new_plan([ServedModel.parse(one) for one in models], prompts, ServedModel.parse(judge))
    if to is None:
        out_raw(text)
        return
    if to.exists():
        raise UsageError(f"{to} exists", mend="Name another file, or remove it first.")
    to.write_text(text, encoding="utf-8")
    out(f"{to} written")
    say(f"see what it takes: arena-tui --batch {to} --dry-run")
