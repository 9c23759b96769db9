"""`arenas list|rename|drop`: named sets of battles that are rated together."""

from __future__ import annotations

from typing import Annotated

import typer

from arena_tui.cli.running import JsonOption, StoreOption, open_for_reading, open_for_writing
from arena_tui.cli.tree import commands
from arena_tui.output import out_json, out_table, say
from arena_tui.words import counted

app = commands(
    "Arenas: battles that are rated together. A run or an import joins the arena that it names, or makes one; each"
    " arena has one rule of how games become an outcome."
)

ArenaArgument = Annotated[str, typer.Argument(help="Name of the arena.", metavar="ARENA")]


@app.command("list")
def list_arenas(as_json: JsonOption = False, store: StoreOption = None) -> None:
    """List all arenas with their judges and rules, oldest first. Without --arena, commands take the newest."""
    from arena_tui.layout import Column, Table
    from engine.ratings.views import judges_of
    from engine.store.battles import read_arenas

    with open_for_reading(store) as opened:
        found = [(arena, judges_of(opened.reader, arena.id)) for arena in read_arenas(opened.reader)]
    if as_json:
        out_json(
            [
                {
                    "arena": arena.name,
                    "outcome_rule": arena.outcome_rule.value,
                    "on_cut": arena.on_cut.value,
                    "judges": [{"judge": judge, "battles": battles} for judge, battles in judges.items()],
                }
                for arena, judges in found
            ]
        )
        return
    columns = [Column("arena"), Column("judge"), Column("battles", right=True)]
    columns += [Column("outcome rule", fit="keep"), Column("cut responses", fit="keep")]
    rows = [
        [arena.name, judge, f"{battles:,}", arena.outcome_rule.value, arena.on_cut.value]
        for arena, judges in found
        for judge, battles in (judges or {"-": 0}).items()
    ]
    out_table(Table(columns, rows, notes=[] if found else ["no arenas yet"]))


@app.command("rename")
def rename(
    old: ArenaArgument,
    new: Annotated[str, typer.Argument(help="What it is to be called.", metavar="NEW")],
    store: StoreOption = None,
) -> None:
    """Call an arena otherwise. Its battles, counts and ratings stay."""
    from engine.store.arenas import rename_arena

    with open_for_writing(store, create=False) as opened, opened.write() as tx:
        rename_arena(tx, old, new)
    say(f"'{old}' is now called '{new}'")


@app.command("drop")
def drop(
    name: ArenaArgument,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this it is only told what would go.")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Delete an arena with its battles, counts and ratings. Responses and verdicts stay, and serve other arenas."""
    from engine.errors import UsageError
    from engine.ratings.views import judges_of
    from engine.store.arenas import drop_arena
    from engine.store.battles import read_arena

    if not yes:
        with open_for_reading(store) as opened:
            arena = read_arena(opened.reader, name)
            if arena is None:
                raise UsageError(f"there is no arena '{name}'", mend="See them with: arena-tui arenas list")
            battles = sum(judges_of(opened.reader, arena.id).values())
        raise UsageError(
            f"{counted(battles, 'battle')} of '{name}' would be deleted", mend="If that is meant, add --yes."
        )
    with open_for_writing(store, create=False) as opened:
        gone = drop_arena(opened, name)
    say(f"'{name}' is dropped, with {counted(gone, 'battle')}")
