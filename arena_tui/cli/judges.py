"""`judge preview|check|templates`: what a judge will read, and whether it can be fooled, before anything is spent."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli.judge_checks import check, chosen_judge
from arena_tui.cli.running import JsonOption, StoreOption, did_you_mean, open_for_reading, open_for_writing
from arena_tui.cli.tree import commands, examples
from arena_tui.output import out, out_json, out_table, say
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.judges.base import Shown
    from engine.judges.template import Template
    from engine.plan import Plan
    from engine.records import Conversation, Response
    from engine.store.prompts import ListedPrompt
    from engine.store.trace import Side

app = commands("Judges: what they are told.")
templates_app = commands("Judge templates: the words that judges are told.")
app.add_typer(templates_app, name="templates")

app.command(
    "check",
    epilog=examples(
        "arena-tui judge check pocket",
        "arena-tui judge check plan.toml --yes --json",
        "arena-tui judge check plan.toml --template arena-learning --template brief --yes",
    ),
)(check)


@app.command(
    "preview",
    epilog=examples(
        "arena-tui judge preview plan.toml",
        "arena-tui judge preview plan.toml --judge strict --prompt q17",
        "arena-tui judge preview plan.toml --battle 12      a battle of the store, as this judge would see it",
    ),
)
def preview(
    plan: Annotated[str, typer.Argument(help="A TOML file, or a shipped name.", metavar="PLAN")],
    judge: Annotated[
        str | None, typer.Option("--judge", help="Which of its judges. Default: the first.", metavar="NAME")
    ] = None,
    prompt: Annotated[
        str | None,
        typer.Option("--prompt", help="A prompt of its set by name. Default: the first.", metavar="NAME"),
    ] = None,
    battle: Annotated[
        int | None,
        typer.Option("--battle", help="A battle of the store, instead of a prompt.", metavar="BATTLE"),
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--set", help="Change a value of the plan.", metavar="KEY=VALUE"),
    ] = None,
    store: StoreOption = None,
) -> None:
    """Show what a judge will be asked, word for word. No model is asked.

    A served judge is looked at (its name, its template), for what it can do settles the form of its reply.
    """
    from engine.judges.llm import LlmJudge
    from engine.plan import read_plan

    effective = read_plan(plan, sets or [])
    name = chosen_judge(effective.plan, judge)
    built = _built(name, effective.plan)
    if not isinstance(built, LlmJudge):
        raise UsageError(
            f"the judge '{name}' is no model: it is told nothing", mend="Preview one of kind llm."
        )
    shown = _of_battle(store, battle) if battle is not None else _of_prompt(store, effective.plan, prompt)
    out(asyncio.run(_previewed(built, shown)).rstrip("\n"))


def _built(name: str, plan: Plan) -> Any:
    """The judge, not opened. A preview shows the nonce's placeholder, so it needs no secret."""
    from engine.battles.cast import build_judge

    return build_judge(name, plan.judges[name], b"")


async def _previewed(judge: Any, shown: Shown) -> str:
    from engine.judges.preview import preview

    try:
        await judge.open()
        return preview(judge, shown)
    finally:
        await judge.close()


def _of_prompt(store: Path | None, plan: Plan, name: str | None) -> Shown:
    """The prompt with stand-ins for the responses. The set is taken into the store, as a run would do."""
    from engine.battles.prompt_source import read_prompts
    from engine.store.prompts import read_conversation

    with open_for_writing(store) as opened:
        prompt = _chosen_prompt(read_prompts(opened, plan.prompts, None, say), name)
        conversation = read_conversation(opened.reader, prompt.id)
    assert conversation is not None, "read_prompts gives only prompts with their text"
    return _shown(
        prompt.key, conversation, *(_stand_in(which, conversation) for which in ("first", "second"))
    )


def _chosen_prompt(prompts: list[ListedPrompt], name: str | None) -> ListedPrompt:
    if name is None:
        return prompts[0]
    for prompt in prompts:
        if prompt.name == name:
            return prompt
    known = tuple(prompt.name for prompt in prompts)
    raise UsageError(f"there is no prompt '{name}' in the set", mend=did_you_mean(name, known))


def _stand_in(which: str, conversation: Conversation) -> Response:
    from engine.records import Response, ResponseStatus, Turn

    turns = tuple(Turn(f"(here stands the {which} response)") for _ in range(conversation.open_turns))
    return Response(ResponseStatus.OK, turns)


def _of_battle(store: Path | None, number: int) -> Shown:
    from engine.store.trace import trace_battle

    with open_for_reading(store) as opened:
        trace = trace_battle(opened.reader, number)
    if trace is None:
        raise UsageError(f"there is no battle {number}", mend="See them with: arena-tui verdicts list")
    if trace.conversation is None:
        raise UsageError(f"the text of battle {number}'s prompt is not in the store")
    return _shown(trace.prompt_key, trace.conversation, _response(trace.a), _response(trace.b))


def _response(side: Side) -> Response:
    from engine.records import Response, ResponseStatus

    if side.turns is None:
        raise UsageError(f"the response of {side.player} is not in the store")
    return Response(ResponseStatus(side.status), side.turns)


def _shown(key: str, conversation: Conversation, first: Response, second: Response) -> Shown:
    from engine.judges.base import Shown

    return Shown(key, conversation, "first", first, "second", second)


@templates_app.command("list")
def list_templates(as_json: JsonOption = False) -> None:
    """List the judge templates that ship. A template of your own is named by its path, such as ./mine.toml."""
    from arena_tui.layout import Column, Table
    from engine.judges.template import load_template, shipped_templates

    templates = [load_template(name) for name in shipped_templates()]
    if as_json:
        out_json([_template_facts(one) for one in templates])
        return
    columns = [
        Column("template", fit="keep"),
        Column("version", right=True),
        Column("asks for"),
        Column("hash"),
    ]
    rows = [[one.name, str(one.version), one.kind.value, one.hash] for one in templates]
    out_table(Table(columns, rows))


@templates_app.command("show")
def show_template(
    name: Annotated[str, typer.Argument(help="A shipped name, or a file.", metavar="TEMPLATE")],
    as_json: JsonOption = False,
) -> None:
    """Show the words of a judge template, piece by piece. A file is checked first."""
    from dataclasses import asdict

    from engine.judges.template import load_template

    template = load_template(name)
    if as_json:
        pieces = {"text": asdict(template.text), "labels": asdict(template.labels)}
        out_json(_template_facts(template) | pieces)
        return
    out(f"{template.name} · version {template.version} · {template.kind.value} · {template.hash}")
    for table, words in (("text", asdict(template.text)), ("labels", asdict(template.labels))):
        for piece, said in words.items():
            out(f"\n[{table}.{piece}]\n{said}")


def _template_facts(template: Template) -> dict[str, Any]:
    return {
        "template": template.name,
        "version": template.version,
        "kind": template.kind.value,
        "hash": template.hash,
    }
