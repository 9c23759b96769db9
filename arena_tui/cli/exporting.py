"""`export TABLE`: a table of the store as JSON lines, CSV or Parquet, exactly."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from arena_tui.cli.running import StoreOption, one_of, open_for_reading
from arena_tui.cli.tree import commands, examples
from arena_tui.output import data_stream, say
from arena_tui.streams import data_is_seen
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.formats.export import Column, ExportFormat

app = commands()


@app.command(
    "export",
    epilog=examples(
        "arena-tui export battles --arena pocket --out battles.csv",
        "arena-tui export responses --model otter --format parquet --out otter.parquet",
        "arena-tui export games | head -3",
    ),
)
def export(
    table: Annotated[
        str,
        typer.Argument(
            help="prompts, models, players, responses, verdicts, games, battles, ratings, jobs, attempts or events.",
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
        typer.Option("--out", help="Write here instead of to stdout, whole or not at all.", metavar="FILE"),
    ] = None,
    arena: Annotated[str | None, typer.Option("--arena", help="Only of this arena.", metavar="NAME")] = None,
    judge: Annotated[str | None, typer.Option("--judge", help="Only of this judge.", metavar="NAME")] = None,
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
    """Write a table of the store, exactly. Importing what was exported gives the same store again.

    Not every table can be chosen from by every option. On a terminal control characters are made visible; a file or a
    pipe gets every text as it is.
    """
    from engine.formats.export import export_rows, write_rows
    from engine.store.export import table_rows

    wanted = _format(form, out)
    said = {
        "arena": arena,
        "judge": judge,
        "category": category,
        "model": model,
        "set": set_name,
        "kind": kind,
    }
    filters = {name: value for name, value in said.items() if value is not None}
    with open_for_reading(store) as opened, opened.snapshot() as connection:
        rows = table_rows(connection, table, filters)
        if out is not None:
            count = export_rows(rows, _columns(table), wanted, out)
            say(f"{count:,} rows of {table} written to {out}")
            return
        if wanted.value == "parquet" and data_is_seen():
            raise UsageError("Parquet is not for a terminal", mend="Write it to a file with --out FILE.")
        with data_stream() as stream:
            write_rows(rows, _columns(table), wanted, stream)


def _format(said: str | None, out: Path | None) -> ExportFormat:
    from engine.formats.export import ExportFormat

    known = tuple(ExportFormat)
    if said is not None:
        return ExportFormat(one_of("--format", said, known))
    ending = out.suffix.lstrip(".").lower() if out is not None else ""
    return ExportFormat(ending) if ending in known else ExportFormat.JSONL


def _columns(table: str) -> list[Column]:
    from engine.formats.export import Column, ColumnKind
    from engine.store.export import COLUMNS

    return [Column(name, ColumnKind(kind)) for name, kind in COLUMNS[table].items()]
