"""`verdicts list|show|scores|stats`: from a number in a table back to what the judge said, and of what."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from arena_tui.cli.options import ArenaOption, CategoryOption, JudgeOption
from arena_tui.cli.running import JsonOption, StoreOption, one_of, open_for_reading
from arena_tui.cli.statistics import show_statistics
from arena_tui.cli.tree import commands, examples
from arena_tui.output import out_json, out_lines, out_table
from arena_tui.streams import data_width
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.ratings.views import View
    from engine.store.trace import BattleLine

app = commands(
    "Battles, and what the judge said. From a number in a table back to the judge's words, both responses, and what"
    " they came from."
)

app.command(
    "stats", epilog=examples("arena-tui verdicts stats", "arena-tui verdicts stats --arena pocket --json")
)(show_statistics)

STATES = ("decided", "waiting", "void")

ScoringJudgeOption = Annotated[
    str | None,
    typer.Option("--judge", help="Only this judge. Default: each of them, by itself.", metavar="NAME"),
]


@app.command(
    "list",
    epilog=examples(
        "arena-tui verdicts list --model llama --model qwen",
        "arena-tui verdicts list --state waiting --json",
    ),
)
def list_verdicts(
    arena: ArenaOption = None,
    judge: JudgeOption = None,
    category: CategoryOption = None,
    state: Annotated[
        str | None,
        typer.Option("--state", help="Only battles that are decided, waiting or void.", metavar="STATE"),
    ] = None,
    models: Annotated[
        list[str] | None,
        typer.Option("--model", help="Only battles of this model. Twice for a pair.", metavar="NAME"),
    ] = None,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="At most so many.", metavar="N", show_default=True)
    ] = 50,
    after: Annotated[int, typer.Option("--after", help="Go on behind this battle.", metavar="BATTLE")] = 0,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """List battles with their outcomes. Show one with: arena-tui verdicts show BATTLE.

    A battle is decided; waits, while a game is missing or its verdict is invalid; or is void, and never rated. The
    margin is a's score minus b's, in the judge's own units.
    """
    from engine.ratings.naming import pick
    from engine.ratings.views import find_view
    from engine.store.trace import list_battles, models_of

    if state is not None:
        one_of("--state", state, STATES)
    with open_for_reading(store) as opened:
        view = find_view(opened.reader, arena, judge, category)
        if models:
            known = models_of(opened.reader, view.arena.id, view.judge_id)
            models = [pick("model", name, known) for name in models]
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
    else:
        _print_list(view, found, limit)


def _print_list(view: View, found: list[BattleLine], limit: int) -> None:
    from arena_tui.layout import Column, Table
    from arena_tui.tables import number

    columns = [Column("battle", right=True), Column("prompt"), Column("category"), Column("a"), Column("b")]
    columns += [Column("winner"), Column("margin", right=True)]
    rows = [
        [
            str(one.id),
            one.prompt or "-",
            one.category or "-",
            one.a,
            one.b,
            _winner(one),
            number(one.margin, 2),
        ]
        for one in found
    ]
    notes = _undecided(found) if found else ["no such battles"]
    if len(found) == limit:
        notes.append(f"there may be more behind battle {found[-1].id}: --after {found[-1].id}")
    out_table(Table(columns, rows, f"{view.arena.name} · judge {view.judge}", notes))


def _undecided(found: list[BattleLine]) -> list[str]:
    """Why the battles that are shown have no winner, each reason once."""
    reasons = Counter((one.state, one.reason or "unknown") for one in found if one.state != "decided")
    return [f"{n:,} {state}: {reason}" for (state, reason), n in reasons.items()]


def _winner(one: BattleLine) -> str:
    if one.state != "decided":
        return f"({one.state})"
    return {"a": one.a, "b": one.b}.get(one.outcome or "", "tie")


@app.command(
    "scores", epilog=examples("arena-tui verdicts scores", "arena-tui verdicts scores --judge gpt-4/single")
)
def show_scores(
    judge: ScoringJudgeOption = None, as_json: JsonOption = False, store: StoreOption = None
) -> None:
    """Show mean single scores. Of judges that score one response by itself, as MT-Bench's: they make no battle."""
    from arena_tui.layout import Column, Table
    from arena_tui.tables import number
    from engine.store.scores import read_scores

    with open_for_reading(store) as opened:
        found = read_scores(opened.reader, judge)
    if as_json:
        out_json([asdict(one) for one in found])
        return
    turns = sorted({turn for one in found for turn in one.turns})
    columns = [Column("judge"), Column("model"), Column("mean", right=True)]
    columns += [Column(f"turn {turn}", right=True) for turn in turns]
    columns += [Column("scored", right=True), Column("invalid", right=True)]
    rows = [
        [
            one.judge,
            one.model,
            number(one.mean, 3),
            *(number(one.turns.get(turn), 3) for turn in turns),
            f"{one.scored:,}",
            f"{one.invalid:,}",
        ]
        for one in found
    ]
    notes = (
        ["means by category: --json"]
        if found
        else ["no single scores; battles are rated: arena-tui leaderboard"]
    )
    out_table(Table(columns, rows, notes=notes))


@app.command("show", epilog=examples("arena-tui verdicts show 12", "arena-tui verdicts show 12 --raw"))
def show_verdict(
    battle: Annotated[
        int, typer.Argument(help="Number of the battle, from verdicts list.", metavar="BATTLE")
    ],
    raw: Annotated[bool, typer.Option("--raw", help="Also the judge's reply as it was.")] = False,
    whole: Annotated[
        bool, typer.Option("--whole", help="Long texts to their end, not only what a page holds of them.")
    ] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show everything behind one battle. Prompt, responses, games, models, sampling, and where it came from.

    What a model wrote stands behind bars; a line without one is this program's.
    """
    from arena_tui.battle_page import Page
    from engine.store.trace import trace_battle

    with open_for_reading(store) as opened:
        trace = trace_battle(opened.reader, battle)
    if trace is None:
        raise UsageError(f"there is no battle {battle}", mend="See them with: arena-tui verdicts list")
    if as_json:
        out_json(asdict(trace))
    else:
        out_lines(Page(data_width(), raw, whole).lines(trace))
