"""`verdicts list|show`: from a number in a table back to what the judge said, and of what."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any

import typer

from arena_tui.cli.ratings import ArenaOption, CategoryOption, JudgeOption
from arena_tui.cli.running import JsonOption, StoreOption, command, open_for_reading
from arena_tui.output import Column, Table, out, out_json, out_table
from arena_tui.tables import number

app = typer.Typer(help="Battles, their games, and what the judge said.", no_args_is_help=True)


@app.command("list")
@command
def list_verdicts(
    arena: ArenaOption = None,
    judge: JudgeOption = None,
    category: CategoryOption = None,
    state: Annotated[
        str | None, typer.Option("--state", help="decided, waiting or void.", metavar="STATE")
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", help="Only battles of this model; twice for a pair.", metavar="NAME"),
    ] = None,
    limit: Annotated[int, typer.Option("--limit", min=1, help="At most so many.", metavar="N")] = 50,
    after: Annotated[int, typer.Option("--after", help="Go on behind this battle.", metavar="BATTLE")] = 0,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Battles with their outcomes, one a line. Show one with: arena-tui verdicts show BATTLE."""
    from engine.errors import UsageError
    from engine.ratings.stored import find_view
    from engine.store.trace import list_battles

    if state not in (None, "decided", "waiting", "void"):
        raise UsageError(f"--state is '{state}'", "Known: decided, waiting, void.")
    with open_for_reading(store) as opened:
        view = find_view(opened.reader, arena, judge, category)
        found = list_battles(
            opened.reader,
            view.arena.id,
            view.judge_id,
            category=view.category,
            state=state,
            models=tuple(models or ()),
            limit=limit,
            after=after,
        )
    if as_json:
        out_json([asdict(one) for one in found])
        return
    columns = [Column("battle", right=True), Column("prompt"), Column("category"), Column("a"), Column("b")]
    columns += [Column("winner"), Column("margin", right=True)]
    rows = [
        [
            str(one.id),
            one.prompt or "-",
            one.category or "-",
            one.a,
            one.b,
            _winner(one) if one.state == "decided" else f"{one.state}: {one.reason}",
            number(one.margin, 2),
        ]
        for one in found
    ]
    notes = [f"more behind battle {found[-1].id}: --after {found[-1].id}"] if len(found) == limit else []
    out_table(Table(columns, rows, f"{view.arena.name} · judge {view.judge}", notes))


def _winner(one: Any) -> str:
    return {"a": one.a, "b": one.b}.get(one.outcome, "tie")


@app.command("show")
@command
def show_verdict(
    battle: Annotated[
        int, typer.Argument(help="Number of the battle, from verdicts list.", metavar="BATTLE")
    ],
    raw: Annotated[bool, typer.Option("--raw", help="Also the judge's reply as it was.")] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Everything behind one battle: prompt, both responses, both games, models, sampling, and where it came from."""
    from engine.errors import UsageError
    from engine.store.trace import trace_battle

    with open_for_reading(store) as opened:
        trace = trace_battle(opened.reader, battle)
    if trace is None:
        raise UsageError(f"there is no battle {battle}", mend="See them with: arena-tui verdicts list")
    if as_json:
        out_json(asdict(trace))
        return
    for line in _lines(trace, raw):
        out(line)


def _lines(trace: Any, raw: bool) -> list[str]:
    where = ", ".join(f"{name} of {of}" for of, name in trace.prompt_names) or trace.prompt_key
    lines = [
        f"battle {trace.id} · {trace.arena} · {where} · {trace.category or '-'}",
        f"  {trace.a.player} (a) against {trace.b.player} (b): {_result(trace)}",
        f"  from {trace.came_from}; key {trace.key}",
        "",
    ]
    lines += _conversation(trace)
    for label, side in (("a", trace.a), ("b", trace.b)):
        lines += ["", f"── {label}: {side.player} ({side.status})", *_facts(side)]
        lines += (
            ["(its text is not in the store)"] if side.turns is None else [turn.answer for turn in side.turns]
        )
    for game in trace.games:
        lines += ["", *_game(trace, game, raw)]
    return lines


def _result(trace: Any) -> str:
    if trace.state != "decided":
        return f"{trace.state} ({trace.reason})"
    winner = {"a": trace.a.player, "b": trace.b.player}.get(trace.outcome, "nobody, a tie")
    return f"won by {winner}, margin {number(trace.margin, 2)} by {trace.outcome_rule}"


def _conversation(trace: Any) -> list[str]:
    if trace.conversation is None:
        return ["(the prompt's text is not in the store)"]
    return [
        f"[{message.role}] {message.content if message.content is not None else '…'}"
        for message in trace.conversation.messages
    ]


def _facts(side: Any) -> list[str]:
    sampling = "" if side.sampling is None else f"; sampling {side.sampling}"
    return [f"   model {side.model}{sampling}"]


def _game(trace: Any, game: Any, raw: bool) -> list[str]:
    verdict = game.verdict
    first = trace.b.player if game.swapped else trace.a.player
    said = (
        f"{verdict.kind.value} {verdict.value}"
        if verdict.value is not None
        else f"{verdict.status.value}: {verdict.reason}"
    )
    lines = [f"── {trace.judge}, {first} shown first: {said}", f"   key {game.verdict_key}"]
    if verdict.explanation:
        lines.append(verdict.explanation)
    if raw and verdict.raw is not None:
        lines += ["   the reply as it was:", verdict.raw]
    return lines
