"""What came of an import, or would come of it, as tables and facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from arena_tui.layout import Column, Table
from arena_tui.output import out, out_table
from arena_tui.words import counted
from engine.battles.import_preview import ImportPreview
from engine.battles.import_report import AsideGroup, ImportReport, aside_facts
from engine.formats.rows import Layout

NO_ROWS = "there are no rows to import"

SHOWN_CHARACTERS = 60
"""Of a text in a row of the preview."""


def report_table(report: ImportReport) -> Table:
    """Rows by table: new ones, and ones that the store had already."""
    columns = [Column("table", fit="keep"), Column("taken", right=True), Column("known", right=True)]
    tables = dict.fromkeys((*report.taken, *report.known))
    rows = [[name, f"{report.taken.get(name, 0):,}", f"{report.known.get(name, 0):,}"] for name in tables]
    title = f"import {report.import_id} · {report.format} · {report.layout.name}"
    notes = []
    if not report.usable:
        notes = ["nothing of it could be used" if report.set_aside else NO_ROWS]
    aside = sum(group.rows for group in report.set_aside)
    return Table(columns, rows, title, [*notes, *([f"{counted(aside, 'row')} set aside:"] if aside else [])])


def aside_table(groups: Sequence[AsideGroup], import_id: int | None = None) -> Table:
    """Why rows were set aside, with the first example of each reason, and what helps.

    Args:
        import_id: of an import that was made; None before one.
    """
    columns = [
        Column("rows", right=True),
        Column("reason", fit="wrap"),
        Column("first at"),
        Column("its text"),
    ]
    rows = []
    for group in groups:
        first = group.examples[0]
        rows.append(
            [f"{group.rows:,}", group.reason, f"{Path(first.file).name}:{first.line}", first.text[:80]]
        )
    notes = [_MENDS[group.reason] for group in groups if group.reason in _MENDS]
    if any(group.reason in _CUT for group in groups):
        notes.append(_whole(import_id))
    return Table(columns, rows, notes=notes)


def _whole(import_id: int | None) -> str:
    """Rows that nothing but their file tells apart would count twice beside those of the cut one."""
    undo = "" if import_id is None else f", take this import back (arena-tui imports undo {import_id})"
    return f"a file seems to be cut: get it whole{undo} and import that"


_CUT = ("cut last line", "cut file", "packed file is cut or damaged", "cut: a quote is never closed")
"""Reasons that a file which ends too early gives."""

_MENDS = {
    "unknown winner": "unknown winner: say what their words mean with --values THEIRS=OURS, such as --values L=model_a",
}
"""What helps, by the reason why rows were set aside."""


def print_preview(form: str, preview: ImportPreview) -> None:
    """The first rows as they would land, what they were read from, and what would be set aside."""
    out_table(_preview_table(form, preview))
    if preview.set_aside:
        rows = sum(group.rows for group in preview.set_aside)
        out(f"\nwould be set aside: {counted(rows, 'row')}")
        out_table(aside_table(preview.set_aside))


def _preview_table(form: str, preview: ImportPreview) -> Table:
    shown = [name for name in _FIELDS if any(row.get(name) not in (None, "", "ok") for row in preview.first)]
    if "prompt" in shown and preview.kind != "prompts" and "question_id" in shown:
        shown.remove("question_id")
    rows = [[_cell(name, row) for name in shown] for row in preview.first]
    columns = [_FIELDS[name] for name in shown]
    return Table(columns, rows, f"{form} · {preview.layout.name}", list(_preview_notes(preview)))


_FIELDS = {
    "model_a": Column("model_a"),
    "model_b": Column("model_b"),
    "model_first": Column("shown first"),
    "model_second": Column("second"),
    "model": Column("model"),
    "name": Column("name"),
    "winner": Column("winner", fit="keep"),
    "score": Column("score", right=True),
    "value": Column("verdict"),
    "status": Column("status", fit="keep"),
    "question_id": Column("question"),
    "prompt": Column("prompt", fit="wrap"),
    "response": Column("response", fit="wrap"),
    "category": Column("category", extra=True),
    "turn": Column("turn", right=True, extra=True),
}
"""Fields of a previewed row that a table shows, where a row has them."""


def _cell(name: str, row: Mapping[str, Any]) -> str:
    if name == "winner" and row["winner"] is None:
        return f"({row['state']})"
    value = row.get(name)
    text = "-" if value is None else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"


def _preview_notes(preview: ImportPreview) -> Iterator[str]:
    layout = preview.layout
    if preview.kind is None:
        yield "nothing would land" if preview.set_aside else NO_ROWS
    else:
        told = ", ".join(counted(n, kind.removesuffix("s")) for kind, n in preview.rows.items())
        yield f"would land: {told}; above, the first {preview.kind}"
    names = {"arena": layout.arena, "prompt set": layout.set_name, "judge": layout.judge}
    yield " · ".join(f"{noun} {name}" for noun, name in names.items() if name is not None)
    yield from _columns_read(layout)
    if preview.kind is not None:
        yield "nothing was written: run it without --dry-run to import"


def _columns_read(layout: Layout) -> Iterator[str]:
    """Which column is which field, where it is not plain from its name."""
    renamed = [f"{theirs} is {ours}" for theirs, ours in layout.mapping.items() if theirs != ours]
    if renamed:
        rest = len(layout.mapping) - len(renamed)
        yield f"columns: {', '.join(renamed)}" + (f"; {rest} more by their own names" if rest else "")
    if layout.ignored:
        yield f"columns that are not used: {', '.join(layout.ignored)}"


def preview_facts(form: str, preview: ImportPreview) -> dict[str, Any]:
    """As the JSON of `import --dry-run`."""
    layout = preview.layout
    return {
        "format": form,
        "layout": layout.name,
        "mapping": dict(layout.mapping),
        "ignored": list(layout.ignored),
        "arena": layout.arena,
        "set_name": layout.set_name,
        "judge": layout.judge,
        "rows": dict(preview.rows),
        "kind": preview.kind,
        "first": [dict(row) for row in preview.first],
        "set_aside": [aside_facts(group) for group in preview.set_aside],
    }
