"""`plan list|show|check|keys|new`: plans, their values and where these came from."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli.running import JsonOption
from arena_tui.cli.tree import commands, examples
from arena_tui.output import out, out_json, out_table, say
from arena_tui.streams import data_width
from engine.errors import UsageError, UserError

if TYPE_CHECKING:
    from engine.plan import PlanKey

app = commands(
    "Plans: what a run is made of. A plan is a TOML file: the prompts, the players (models with their sampling), the"
    " judge, who meets whom, and when to stop. `plan new` writes one to begin with; `arena-tui --batch PLAN` runs it."
)

PlanArgument = Annotated[str, typer.Argument(help="A TOML file, or a shipped name.", metavar="PLAN")]
SetOption = Annotated[
    list[str] | None,
    typer.Option("--set", help="Change a value, such as run.seed=2. May be repeated.", metavar="KEY=VALUE"),
]


@app.command("list")
def list_plans(as_json: JsonOption = False) -> None:
    """List the plans that ship. Each name is one that --batch takes."""
    from arena_tui.layout import Column, Table
    from engine.plan import list_shipped

    shipped = list_shipped()
    if as_json:
        out_json([{"name": plan.name, "summary": plan.summary} for plan in shipped])
        return
    columns = [Column("plan", fit="keep"), Column("what it is", fit="wrap")]
    out_table(Table(columns, [[plan.name, plan.summary] for plan in shipped]))


@app.command(
    "show",
    epilog=examples("arena-tui plan show pocket", "arena-tui plan show plan.toml --set run.seed=2 --json"),
)
def show(
    plan: PlanArgument,
    sets: SetOption = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also the keys that are not set and have no default.")
    ] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the effective plan, and where each value came from. That is file and line, --set, or default."""
    from arena_tui.layout import Column, Table
    from engine.plan import explain, read_plan

    effective = read_plan(plan, sets or [])
    values = explain(effective)
    if as_json:
        out_json([{"key": one.key, "value": one.value, "source": one.source} for one in values])
        return
    columns = [Column("key", fit="keep"), Column("value", fit="wrap"), Column("from", fit="wrap")]
    shown = [one for one in values if everything or one.value not in (None, [], {})]
    rows = [[one.key, one.text, _place(one.source, effective.source)] for one in shown]
    hidden = len(values) - len(shown)
    notes = [f"{hidden} keys are not set; --all shows them"] if hidden else []
    out_table(Table(columns, rows, effective.source, notes))


def _place(source: str, plan: str) -> str:
    """Where a value is from; the plan's file, which stands above the table, is not named again."""
    line = source.removeprefix(f"{plan}:")
    return f"line {line}" if line != source else source


@app.command("check")
def check(plan: PlanArgument, sets: SetOption = None, as_json: JsonOption = False) -> None:
    """Check a plan without running it. All mistakes are told at once, with file, line and key; exit code 2."""
    from engine.errors import PlanError
    from engine.plan import read_plan

    try:
        read_plan(plan, sets or [])
    except PlanError as error:
        if as_json:
            out_json({"plan": plan, "problems": [_problem_facts(one) for one in error.problems]})
        raise
    if as_json:
        out_json({"plan": plan, "problems": []})
    else:
        say(f"{plan} is fine; see what it takes: arena-tui --batch {plan} --dry-run")


def _problem_facts(problem: Any) -> dict[str, Any]:
    return {name: getattr(problem, name) for name in ("source", "line", "key", "message", "nearest")}


@app.command("keys", epilog=examples("arena-tui plan keys", "arena-tui plan keys --json"))
def keys(as_json: JsonOption = False) -> None:
    """Show every key that a plan may have. NAME stands for the name that you give a player or judge."""
    from engine.plan import plan_keys

    if as_json:
        out_json([_key_facts(key) for key in plan_keys()])
    else:
        out("\n".join(line for key in plan_keys() for line in _key_lines(key)).lstrip("\n"))


def _key_lines(key: PlanKey) -> list[str]:
    """What a key takes, its default, and below it what it means; a table of keys begins a paragraph."""
    from arena_tui.layout import wrap

    width = data_width() or 100
    meaning = [f"    {line}" for line in wrap(key.description, width - 4)]
    if key.is_table:
        return ["", f"[{key.key}]", *meaning]
    default = {"": "", "required": ", required"}.get(key.default_text, f", default {key.default_text}")
    return [*wrap(f"{key.key}  ({key.type}{default})", width, indent="    "), *meaning]


def _key_facts(key: PlanKey) -> dict[str, Any]:
    return {
        "key": key.key,
        "takes": key.type,
        "required": key.required,
        "default": key.default,
        "description": key.description,
    }


@app.command(
    "new",
    epilog=examples(
        "arena-tui plan new --player llama=llama-3-8b@http://localhost:8000/v1 \\",
        "    --player qwen=qwen-7b@http://localhost:8001/v1 \\",
        "    --judge judge=llama-70b@http://localhost:8002/v1 \\",
        "    --prompts questions.jsonl --out plan.toml",
    ),
)
def new(
    players: Annotated[
        list[str],
        typer.Option(
            "--player",
            help="A served model that plays; give two or more. Several URLs of one model are joined by commas.",
            metavar="NAME=MODEL@URL",
        ),
    ],
    prompts: Annotated[Path, typer.Option("--prompts", help="A file of prompts.", metavar="FILE")],
    judge: Annotated[str, typer.Option("--judge", help="The model that judges.", metavar="NAME=MODEL@URL")],
    mode: Annotated[
        str,
        typer.Option(
            "--mode", help="Who fights whom; see plan keys, run.mode.", metavar="MODE", show_default=True
        ),
    ] = "round-robin",
    api_key_env: Annotated[
        str | None,
        typer.Option(
            "--api-key-env",
            help="Environment variable that holds the players' API key. The key itself is written nowhere.",
            metavar="VARIABLE",
        ),
    ] = None,
    judge_api_key_env: Annotated[
        str | None, typer.Option("--judge-api-key-env", help="The same for the judge.", metavar="VARIABLE")
    ] = None,
    to: Annotated[
        Path | None, typer.Option("--out", help="Write here instead of to stdout.", metavar="FILE")
    ] = None,
) -> None:
    """Write a commented plan from served models and a file of prompts."""
    from engine.plan import ServedModel, new_plan

    text = new_plan(
        [ServedModel.parse(one, api_key_env) for one in players],
        _as_seen_from(prompts, to),
        ServedModel.parse(judge, judge_api_key_env),
        mode=mode,
    )
    if to is None:
        out(text.rstrip("\n"))
        return
    _write_new(to, text)
    say(f"{to} written; see what it takes: arena-tui --batch {to} --dry-run")


def _as_seen_from(prompts: Path, plan: Path | None) -> str:
    """The path of a file as a plan says it: relative to the plan's folder, unless it was given in full."""
    if not prompts.is_file():
        raise UsageError(f"there is no file {prompts}")
    if prompts.is_absolute() or plan is None:
        return str(prompts)
    return os.path.relpath(prompts, plan.parent)


def _write_new(path: Path, text: str) -> None:
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise UsageError(f"{path} exists", mend="Name another file, or remove it first.") from None
    except OSError as error:
        raise UserError(f"{path} cannot be written", error.strerror or str(error)) from error
