"""What came of an import, or would come of it, as tables and facts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from arena_tui.layout import Column, Table
from arena_tui.output import out, out_table
from engine.battles.importing import AsideGroup, ImportPreview, ImportReport, aside_facts
from engine.formats.rows import Layout

SHOWN_CHARACTERS = 200
"""Of a text in a row of the preview."""


def report_table(report: ImportReport) -> Table:
    """Rows by table: new ones, and ones that the store had already."""
    columns = [Column("table", fit="keep"), Column("taken", right=True), Column("known", right=True)]
    tables = dict.fromkeys((*report.taken, *report.known))
    rows = [[name, f"{report.taken.get(name, 0):,}", f"{report.known.get(name, 0):,}"] for name in tables]
    title = f"import {report.import_id} · {report.format} · {report.layout.name}"
    notes = [] if report.usable else ["nothing of it could be used"]
    aside = sum(group.rows for group in report.set_aside)
    return Table(columns, rows, title, [*notes, *([f"{aside:,} rows set aside:"] if aside else [])])


def aside_table(groups: Sequence[AsideGroup]) -> Table:
    """Why rows were set aside, with the first example of each reason."""
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
    return Table(columns, rows)


def print_preview(form: str, preview: ImportPreview) -> None:
    """Layout, mapping, counts, the first rows, and what would be set aside."""
    layout = preview.layout
    out_table(_mapping_table(form, layout))
    counts = ", ".join(f"{n:,} {kind}" for kind, n in preview.rows.items())
    out(f"\nwould land: {counts or 'nothing'}")
    for number, row in enumerate(preview.first, 1):
        out(f"\nrow {number}: {_kind(row)}")
        for name, value in _leaves(_plain(row), ""):
            out(f"  {name}: {value}")
    if preview.set_aside:
        out(f"\nwould be set aside: {sum(group.rows for group in preview.set_aside):,} rows")
        out_table(aside_table(preview.set_aside))


def _mapping_table(form: str, layout: Layout) -> Table:
    names = {"arena": layout.arena, "prompt set": layout.set_name, "judge": layout.judge}
    said = " · ".join(f"{noun} {name}" for noun, name in names.items() if name is not None)
    notes = [f"ignored: {', '.join(layout.ignored)}"] if layout.ignored else []
    columns = [Column("theirs"), Column("becomes")]
    rows = [[theirs, ours] for theirs, ours in layout.mapping.items()]
    return Table(columns, rows, f"{form} · {layout.name} · {said}", notes)


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
        "rows": preview.rows,
        "first": [{"kind": _kind(row), **_plain(row)} for row in preview.first],
        "set_aside": [aside_facts(group) for group in preview.set_aside],
    }


def _kind(row: Any) -> str:
    return type(row).__name__.removesuffix("Row").lower()


def _plain(row: Any) -> dict[str, Any]:
    """A row without what it leaves open, as JSON-like values."""
    return {name: value for name, value in _jsonlike(asdict(row)).items() if value not in (None, {}, [])}


def _jsonlike(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _jsonlike(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_jsonlike(item) for item in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


def _leaves(value: Any, name: str) -> Iterator[tuple[str, str]]:
    """Dotted names and values of what a row says, long texts cut with a mark."""
    if isinstance(value, dict):
        for key, item in value.items():
            yield from _leaves(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            yield from _leaves(item, f"{name}.{place}")
    elif value is not None:
        text = " ".join(str(value).split())
        yield name, text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 1]}…"
