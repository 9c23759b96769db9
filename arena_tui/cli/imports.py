"""`imports list|show|undo|formats`: what was brought in, what was set aside, and taking it back."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from arena_tui.cli.running import JsonOption, StoreOption, open_for_reading, open_for_writing
from arena_tui.cli.tree import commands
from arena_tui.output import out_json, out_table, say
from arena_tui.words import counted

app = commands("Imports: what was brought in, and taking it back.")

ImportArgument = Annotated[
    int, typer.Argument(help="Number of the import, from imports list.", metavar="IMPORT")
]


@app.command("list")
def list_imports(as_json: JsonOption = False, store: StoreOption = None) -> None:
    """List all imports, newest first."""
    from arena_tui.layout import Column, Table
    from engine.store.imports import read_imports

    with open_for_reading(store) as opened:
        found = read_imports(opened.reader)
    if as_json:
        out_json([asdict(one) for one in found])
        return
    columns = [Column("import", right=True), Column("format", fit="keep"), Column("state", fit="keep")]
    columns += [Column("when", fit="keep"), Column("taken", right=True), Column("set aside", right=True)]
    columns.append(Column("from"))
    rows = [
        [
            str(one.id),
            one.format,
            one.state,
            time.strftime("%Y-%m-%d %H:%M", time.localtime(one.started_at)),
            f"{sum(one.taken.values()):,}",
            f"{one.set_aside:,}",
            ", ".join(Path(source).name or source for source in one.source),
        ]
        for one in found
    ]
    out_table(Table(columns, rows, notes=[] if found else ["no imports yet"]))


@app.command("show")
def show_import(
    number: ImportArgument,
    limit: Annotated[
        int, typer.Option("--limit", min=1, help="At most so many rows.", metavar="N", show_default=True)
    ] = 100,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show one import, and the rows that it set aside. Each with file, line, reason and text."""
    from arena_tui.layout import Column, Table
    from engine.store.imports import read_import, read_set_aside

    with open_for_reading(store) as opened:
        found = read_import(opened.reader, number)
        aside = read_set_aside(opened.reader, number, limit)
    if as_json:
        names = ("reason", "file", "line", "text")
        rows_as_facts = [dict(zip(names, row, strict=True)) for row in aside]
        out_json(asdict(found) | {"rows_set_aside": rows_as_facts})
        return
    columns = [Column("reason", fit="wrap"), Column("file"), Column("line", right=True), Column("text")]
    rows = [[reason, file, str(line), text] for reason, file, line, text in aside]
    taken = ", ".join(counted(n, table.removesuffix("s")) for table, n in found.taken.items()) or "nothing"
    title = f"import {found.id} · {found.format} · {found.state} · took {taken}"
    out_table(Table(columns, rows, title, _notes(found, len(aside))))


def _notes(found: Any, shown: int) -> list[str]:
    notes = [f"from {', '.join(found.source)}"]
    notes += [f"{n:,} x {reason}" for reason, n in found.reasons.items()]
    if shown < found.set_aside:
        notes.append(
            f"{shown:,} of {found.set_aside:,} rows set aside are shown; --limit shows more of those kept"
        )
    return notes if found.reasons else [*notes, "nothing was set aside"]


@app.command("undo")
def undo(number: ImportArgument, as_json: JsonOption = False, store: StoreOption = None) -> None:
    """Take an import back. Counts are again what they were; what others rest on, or brought too, stays."""
    from engine.store.undo import undo_import

    with open_for_writing(store, create=False) as opened:
        undone = undo_import(opened, number)
    if as_json:
        out_json({"import": number} | asdict(undone))
        return
    gone, passed = (
        ", ".join(counted(n, table.removesuffix("s")) for table, n in rows.items())
        for rows in (undone.gone, undone.passed_on)
    )
    say(f"import {number} is undone; gone: {gone or 'nothing'}")
    if passed:
        say(f"brought by another import too, and kept with it: {passed}")


@app.command("formats")
def list_formats(as_json: JsonOption = False) -> None:
    """List the formats that import reads, with their options. Other packages may bring more."""
    from arena_tui.layout import Column, Table
    from engine.plugins import Group, listing, load

    known = listing(Group.FORMATS)
    facts = []
    for name in known.names:
        importer = load(Group.FORMATS, name)
        facts.append(
            {"format": name, "summary": importer.summary, "options": dict(getattr(importer, "options", {}))}
        )
    for warning in known.warnings:
        say(f"warning: {warning}")
    if as_json:
        out_json(facts)
        return
    rows = []
    for one in facts:
        rows.append([one["format"], one["summary"]])
        rows += [["", f"--option {option}=…  {what}"] for option, what in one["options"].items()]
    out_table(Table([Column("format", fit="keep"), Column("what it reads", fit="wrap")], rows))
