"""A store carried into another one through files, and all that two stores must then agree on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from engine.battles.exporting import export_store
from engine.battles.importing import ImportReport, import_rows
from engine.formats.export import ExportFormat
from engine.formats.rows import ImportOptions
from engine.plugins import Group, load
from engine.records import OnCut, OutcomeRule
from engine.store import Store
from engine.store.export import table_rows

TABLES = ("prompts", "models", "players", "judges", "arenas", "responses", "verdicts", "games", "battles")


def take(
    store: Store,
    form: str,
    *paths: Path,
    arena: str | None = None,
    rules: tuple[OutcomeRule, OnCut] = (OutcomeRule.MEAN_MARGIN, OnCut.JUDGE),
    **extra: str,
) -> ImportReport:
    """Import files in a format, as the command does."""
    importer, options = load(Group.FORMATS, form)(), ImportOptions(arena=arena, extra=extra)
    layout = importer.layout(list(paths), options)
    rows = importer.rows(list(paths), options, layout)
    return import_rows(
        store, form, list(paths), rows, layout, options, outcome_rule=rules[0], on_cut=rules[1]
    )


def carry(store: Store, other: Store, folder: Path, form: ExportFormat = ExportFormat.JSONL) -> ImportReport:
    """Export all of a store and import it into another one."""
    export_store(store, folder, form, force=True)
    return take(other, "store", folder)


def contents(store: Store) -> dict[str, list[Any]]:
    """Everything but times, who wrote it, and the numbers of rows."""
    tables = {table: [_lasting(row) for row in table_rows(store.reader, table)] for table in TABLES}
    # Verdicts and responses have no order of their own.
    kept = {
        table: sorted(rows, key=repr) if table in ("verdicts", "responses") else rows
        for table, rows in tables.items()
    }
    return kept | {"counts": _counts(store), "texts": _texts(store)}


def _lasting(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "created_at"}


def _counts(store: Store) -> list[Any]:
    """Pair and side counts with names in place of numbers, each pair in one order."""
    names = [dict(store.reader.execute(f"SELECT id, key FROM {table}")) for table in ("players", "judges")]
    arenas = dict(store.reader.execute("SELECT id, name FROM arenas"))
    sides = store.reader.execute("SELECT arena_id, judge_id, category, player_id, status, n FROM side_counts")
    counted: list[Any] = [
        (arenas[arena], names[1][judge], category, names[0][player], status, n)
        for arena, judge, category, player, status, n in sides
    ]
    pairs = store.reader.execute(
        "SELECT arena_id, judge_id, category, a, b, wins, losses, ties, win_share, decided, waiting, void,"
        " cut_a, cut_b, cut_both FROM pair_counts"
    )
    for arena, judge, category, a, b, *numbers in pairs:
        counted.append(
            (arenas[arena], names[1][judge], category, *_in_order(names[0][a], names[0][b], numbers))
        )
    return sorted(counted, key=repr)


def _in_order(a: str, b: str, numbers: list[int]) -> tuple[Any, ...]:
    if a <= b:
        return (a, b, *numbers)
    wins, losses, ties, share, decided, waiting, void, cut_a, cut_b, cut_both = numbers
    mirrored = ((wins + losses + ties) << 32) - share
    return (b, a, losses, wins, ties, mirrored, decided, waiting, void, cut_b, cut_a, cut_both)


def _texts(store: Store) -> list[Any]:
    """Hashes of all texts: SHA-256 of UTF-8 with surrogates passed through."""
    return sorted(digest.hex() for (digest,) in store.reader.execute("SELECT hash FROM texts"))


def rewrite(path: Path, change: Any) -> None:
    """Let `change` alter each row of a JSON lines file in place; a row for which it returns False is left out."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    kept = [row for row in rows if change(row) is not False]
    path.write_text("".join(json.dumps(row) + "\n" for row in kept))
