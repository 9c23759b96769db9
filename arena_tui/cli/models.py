"""`models list|flags|alias`: the registry of the store."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from arena_tui.cli.running import JsonOption, StoreOption, open_for_reading, open_for_writing
from arena_tui.cli.statistics import show_flags
from arena_tui.cli.tree import commands, examples
from arena_tui.output import out_json, out_table, say

app = commands("The models that the store knows. What is rated is a model with its sampling.")


@app.command("list")
def list_models(as_json: JsonOption = False, store: StoreOption = None) -> None:
    """List all models. Weights are told apart by hash, endpoints by fingerprint, imported ones by name."""
    from arena_tui.layout import Column, Table
    from engine.store.contestants import read_players

    with open_for_reading(store) as opened:
        players = read_players(opened.reader)
    if as_json:
        out_json([asdict(player) for player in players])
        return
    columns = [
        Column("model"),
        Column("known by", fit="keep"),
        Column("sampling", fit="wrap"),
        Column("rated as"),
        Column("key", extra=True),
    ]
    rows = [
        [
            player.name,
            player.kind,
            "-" if player.sampling is None else ", ".join(f"{k} {v}" for k, v in player.sampling.items()),
            player.alias_of or "itself",
            player.key,
        ]
        for player in players
    ]
    out_table(Table(columns, rows, notes=[] if players else ["no models yet"]))


app.command(
    "flags", epilog=examples("arena-tui models flags", "arena-tui models flags --model llama --json")
)(show_flags)


@app.command(
    "alias", epilog=examples("arena-tui models alias gpt4 gpt-4", "arena-tui models alias gpt4 gpt4")
)
def alias(
    old: Annotated[str, typer.Argument(help="The name that is to be rated under another.", metavar="OLD")],
    new: Annotated[
        str, typer.Argument(help="The name that it stands for. OLD itself ends the alias.", metavar="NEW")
    ],
    store: StoreOption = None,
) -> None:
    """Rate two names as one model. Nothing is rewritten: name OLD twice to part them again."""
    from engine.store.contestants import alias_player

    with open_for_writing(store, create=False) as opened, opened.write() as tx:
        alias_player(tx, old, new)
    say(f"'{old}' is rated by itself" if old == new else f"'{old}' is rated as '{new}'")
