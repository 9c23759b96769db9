"""`verdicts stats`, `models flags`: what verdicts tell of their judges, and answers that are flagged."""

from __future__ import annotations

from typing import Annotated

import typer

from arena_tui.cli.running import JsonOption, StoreOption, open_for_reading
from arena_tui.output import out_json, out_table

AnyArenaOption = Annotated[
    str | None, typer.Option("--arena", help="Only verdicts of this arena. Default: all.", metavar="NAME")
]
AnyJudgeOption = Annotated[
    str | None,
    typer.Option("--judge", help="Only this judge. Default: each of them, by itself.", metavar="NAME"),
]


def show_statistics(
    arena: AnyArenaOption = None,
    judge: AnyJudgeOption = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show what verdicts tell of their judges. How often both orders disagree, what is invalid, what length does.

    Every figure says how many it rests on, with a 95 % interval of Wilson. It does not tell bias from merit by itself:
    longer answers may be better ones. Below stand the models that were judged, with their flagged answers.
    """
    from arena_tui.statistics import judge_table, players_table
    from engine.judges.statistics.report import verdict_statistics

    with open_for_reading(store) as opened:
        found = verdict_statistics(opened.reader, arena, judge)
    if as_json:
        out_json(
            {
                "arena": found.arena,
                "judges": [one.facts() for one in found.judges],
                "models": [one.facts() for one in found.players],
            }
        )
        return
    for one in found.judges:
        out_table(judge_table(one))
    if found.players or not found.judges:
        out_table(players_table(found.players, found.judges))


def show_flags(
    models: Annotated[
        list[str] | None, typer.Option("--model", help="Only this model. Repeatable.", metavar="NAME")
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Count flagged answers of each model. They say little of who is better.

    constant: given whatever is asked; content-free: a colon, an opener, the prompt again; injected: fences, verdicts or
    orders to a judge; special tokens of known tokenizers; hidden characters. They are looked for whenever this is
    called, so they are true of all answers that are there.
    """
    from arena_tui.statistics import flags_table
    from engine.judges.flags.reading import player_flags
    from engine.judges.statistics.report import flag_facts

    with open_for_reading(store) as opened:
        found = player_flags(opened.reader, models)
    if as_json:
        out_json([flag_facts(one) for one in found])
    else:
        out_table(flags_table(found))
