"""`export TABLE`: a table of the store as JSON lines, CSV or Parquet, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arena_tui.cli.running import StoreOption, one_of, open_for_reading
from arena_tui.cli.tree import commands, examples
from arena_tui.output import data_stream, say
from arena_tui.streams import data_is_seen
from arena_tui.words import counted
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.formats.export import ExportFormat
    from engine.store.export import Filters
    from engine.store.sqlite import Connection

app = commands()


@app.command(
    "export",
    epilog=examples(
        "arena-tui export battles --arena pocket --out battles.csv",
        "arena-tui export responses --model otter --format parquet --out otter.parquet",
        "arena-tui export ratings --judge crowd --judge 'gpt*'",
        "arena-tui export games | head -3",
        "arena-tui export all --out saved      then, elsewhere: arena-tui import store saved",
    ),
)
def export(
    table: Annotated[
        str,
        typer.Argument(
            help="prompts, models, players, judges, arenas, responses, verdicts, games, battles, ratings, selections,"
            " jobs, attempts or events; or all, which is all of them.",
            metavar="TABLE",
        ),
    ],
    form: Annotated[
        str | None,
        typer.Option(
            "--format",
            help="jsonl, csv or parquet. Default: by the ending of --out, else jsonl.",
            metavar="FORM",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="Write here instead of to stdout, whole or not at all. Of all tables, the folder for their files.",
            metavar="FILE",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    arena: Annotated[str | None, typer.Option("--arena", help="Only of this arena.", metavar="NAME")] = None,
    judges: Annotated[
        list[str] | None,
        typer.Option(
            "--judge", help="Only of this judge. Repeatable, globs such as 'gpt*' too.", metavar="NAME"
        ),
    ] = None,
    category: Annotated[
        str | None, typer.Option("--category", help="Only of this category.", metavar="NAME")
    ] = None,
    model: Annotated[str | None, typer.Option("--model", help="Only of this model.", metavar="NAME")] = None,
    set_name: Annotated[
        str | None, typer.Option("--set-name", help="Only of this prompt set.", metavar="NAME")
    ] = None,
    kind: Annotated[
        str | None, typer.Option("--kind", help="Only of this kind, such as of an event.", metavar="NAME")
    ] = None,
    store: StoreOption = None,
) -> None:
    """Write a table of the store, or all of them, exactly. Importing what was exported gives the same store again.

    Not every table can be chosen from by every option. Ratings are those that were stored, each of one judge; several
    judges pooled are rated by: arena-tui leaderboard --judge A --judge B --json. On a terminal control characters are
    made visible; a file or a pipe gets every text as it is.
    """
    filters = _filters(
        arena=arena, judge=judges or None, category=category, model=model, set=set_name, kind=kind
    )
    if table == "all":
        _export_all(form, out, filters, force, store)
    else:
        _export_table(table, _format(form, out), out, filters, force, store)


def _filters(**said: str | list[str] | None) -> Filters:
    """What was said of the rows that are wanted."""
    return {name: value for name, value in said.items() if value is not None}


def _export_all(
    form: str | None, out: Path | None, filters: Filters, force: bool, store: Path | None
) -> None:
    from engine.battles.exporting import export_store

    if out is None:
        raise UsageError("export all needs a folder", mend="Name it with --out FOLDER.")
    if filters:
        raise UsageError(
            "export all takes no choice of rows", mend="Export a table by itself to choose from it."
        )
    with open_for_reading(store) as opened:
        rows = export_store(opened, out, _format(form, None), force=force)
    say(f"{counted(sum(rows.values()), 'row')} of {counted(len(rows), 'table')} written to {out}")


def _export_table(
    table: str, wanted: ExportFormat, out: Path | None, filters: Filters, force: bool, store: Path | None
) -> None:
    from engine.battles.exporting import columns_of
    from engine.formats.export import export_rows, write_rows
    from engine.store.export import table_rows

    if out is not None and out.exists() and not force:
        raise UsageError(f"{out} exists", mend="Name another file, or replace it with --force.")
    with open_for_reading(store) as opened, opened.snapshot() as connection:
        rows = table_rows(connection, table, _meant(connection, filters))
        if out is not None:
            count = export_rows(rows, columns_of(table), wanted, out)
            say(f"{counted(count, 'row')} of {table} written to {out}")
            return
        if wanted.value == "parquet" and data_is_seen():
            raise UsageError("Parquet is not for a terminal", mend="Write it to a file with --out FILE.")
        with data_stream() as stream:
            write_rows(rows, columns_of(table), wanted, stream)


def _meant(connection: Connection, filters: Filters) -> Filters:
    """The filters with names that the store has.

    Raises:
        UsageError: it has no such name.
    """
    from engine.ratings.naming import matching, pick
    from engine.store.export.names import Names
    from engine.store.prompts import set_names

    names = Names(connection)
    known = {
        "arena": list(names.arenas.values()),
        "judge": list(names.judges.values()),
        "model": list(names.players.values()),
        "set": [name for name, _ in set_names(connection)],
    }
    meant = dict(filters)
    for noun in filters.keys() & known:
        said = filters[noun]
        meant[noun] = (
            pick(noun, said, known[noun]) if isinstance(said, str) else matching(noun, said, known[noun])
        )
    return meant


def _format(said: str | None, out: Path | None) -> ExportFormat:
    from engine.formats.export import ExportFormat

    known = tuple(ExportFormat)
    if said is not None:
        return ExportFormat(one_of("--format", said, known))
    if out is None:
        return ExportFormat.JSONL
    ending = out.suffix.lstrip(".").lower()
    if ending not in known:
        raise UsageError(
            f"the ending of {out.name} is no format",
            mend=f"End it in .{', .'.join(known)}, or say which it is with --format.",
        )
    return ExportFormat(ending)
