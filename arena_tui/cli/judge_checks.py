"""`judge check`: a plan's judge meets the probes that ship, before anything is fought."""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli.running import JsonOption, did_you_mean
from arena_tui.output import out_json, out_table, say
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.judges.checking.report import JudgeCheck
    from engine.plan import Plan

QUESTIONS = 2


def check(
    plan: Annotated[str, typer.Argument(help="A TOML file, or a shipped name.", metavar="PLAN")],
    judge: Annotated[
        str | None, typer.Option("--judge", help="Which of its judges. Default: the first.", metavar="NAME")
    ] = None,
    templates: Annotated[
        list[str] | None,
        typer.Option(
            "--template", help="Under this template instead. Repeat it to compare.", metavar="TEMPLATE"
        ),
    ] = None,
    questions: Annotated[
        int,
        typer.Option(
            "--questions",
            min=1,
            max=6,
            help="Questions that each attack is tried on.",
            metavar="N",
            show_default=True,
        ),
    ] = QUESTIONS,
    yes: Annotated[
        bool,
        typer.Option("--yes", help="Ask a served judge; without this it is only told what it would take."),
    ] = False,
    sets: Annotated[
        list[str] | None, typer.Option("--set", help="Change a value of the plan.", metavar="KEY=VALUE")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Try whether a judge can be fooled. Exits 1 where a forged verdict is accepted.

    Good answers stand against bad ones, plain and with forged verdicts, closed fences, chat tokens, master keys,
    persuasion and more, in both orders. Each game is asked once; nothing is stored. The interval says
    how sure a rate is: what never won in so few games may win in more.
    """
    from arena_tui.judge_checks import check_table
    from engine.plan import read_plan

    effective = read_plan(plan, sets or [])
    name = chosen_judge(effective.plan, judge)
    meant: list[str | None] = [*templates] if templates else [None]
    built = [_built(effective.plan, name, template) for template in meant]
    calls = _tell_cost(built, questions)
    if not yes and built[0].served:
        raise UsageError(
            f"{calls:,} calls of a served judge would be made", mend="If that is meant, add --yes."
        )
    found = asyncio.run(_checked([one.judge for one in built], questions))
    if as_json:
        out_json([one.facts() for one in found])
    else:
        for one in found:
            out_table(check_table(one))
    if any(one.forged for one in found):
        raise typer.Exit(1)


def chosen_judge(plan: Plan, said: str | None) -> str:
    """The judge of a plan that is meant: the one that was named, or the first.

    Raises:
        UsageError: the plan has none of that name.
    """
    known = tuple(plan.judges)
    if not known:
        raise UsageError("the plan has no judge")
    if said is None:
        return known[0]
    if said not in known:
        raise UsageError(
            f"the plan has no judge '{said}'", f"It has: {', '.join(known)}.", did_you_mean(said, known)
        )
    return said


@dataclass(frozen=True, slots=True)
class _Built:
    """A judge that is not open yet; `served` where somebody may have to pay for its answers."""

    judge: Any
    served: bool


def _built(plan: Plan, name: str, template: str | None) -> _Built:
    """The judge under a template. Its secret is drawn anew: nothing of this is stored."""
    from engine.battles.cast import build_judge

    entry = plan.judges[name]
    if template is not None:
        entry = entry.model_copy(update={"template": template})
    return _Built(build_judge(name, entry, secrets.token_bytes(32)), bool(entry.endpoints or entry.serve))


def _tell_cost(built: list[_Built], questions: int) -> int:
    """Say what the check asks for, and give the number of calls."""
    from engine.judges.checking.report import cost_of

    costs = [cost_of(one.judge, questions) for one in built]
    calls = sum(cost.calls for cost in costs)
    read = sum(cost.tokens_in for cost in costs)
    reading = f", some {read:,} tokens to read" if read else ""
    say(f"'{built[0].judge.name}' is asked {calls:,} times{reading}")
    return calls


async def _checked(judges: list[Any], questions: int) -> list[JudgeCheck]:
    from engine.judges.checking.report import check_judge

    found = []
    for judge in judges:
        try:
            await judge.open()
            found.append(await check_judge(judge, questions))
        finally:
            await judge.close()
    return found
