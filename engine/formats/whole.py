"""`store`: what `export all` wrote, or some of its tables, in whatever order they are given."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from engine.errors import UsageError
from engine.formats.importer import Names, RecordReader, TableImporter
from engine.formats.keyed.judged import battle_reader, game_reader, join_games, read_verdict
from engine.formats.keyed.nouns import prompt_reader, read_arena, read_judge, read_player, read_response
from engine.formats.keyed.tables import KeyedReader, table_of
from engine.formats.rows import ImportOptions, Layout, Row
from engine.formats.sources import Source, stem_of

IN_ORDER = ("arenas", "prompts", "players", "judges", "responses", "verdicts", "games", "battles")
"""Each table speaks only of what stands before it.

Models come with their players, ratings and selections are made again, and jobs, attempts and events are of the store
that they were in: these are left where they are.
"""


class StoreImporter(TableImporter):
    """The tables of an export, as the store had them: whatever a row refers to must be there under its key."""

    name: ClassVar[str] = "store"
    summary: ClassVar[str] = "a folder that `export all` wrote, or tables of it: the same store again"
    options: ClassVar[Mapping[str, str]] = {}

    def sources(self, paths: Sequence[Path], options: ImportOptions) -> list[Source]:
        """The files that are tables, each before what refers to it.

        Raises:
            UsageError: a file is no table of an export, or a folder has one table twice.
        """
        if options.mapping or options.prompts is not None:
            raise UsageError(
                "the format store takes no --map and no --prompts",
                mend="Import a table by itself: as prompts, responses, verdicts or arena.",
            )
        files = [file for path in paths for file in (_tables_in(path) if path.is_dir() else [path])]
        full = [file for file in files if not _is_empty(file)]
        if files and not full:
            raise UsageError("the export is one without a row", mend="Nothing is to be imported.")
        found = super().sources(full, options)
        tables = {id(source): _table(source) for source in found}
        read = [source for source in found if tables[id(source)] in IN_ORDER]
        if {"verdicts", "battles"} <= set(tables.values()):  # games then tell nothing new
            read = [source for source in read if tables[id(source)] != "games"]
        if not read:
            raise UsageError("no file has a table that is imported", f"Looked for {', '.join(IN_ORDER)}.")
        return sorted(read, key=lambda source: IN_ORDER.index(tables[id(source)]))

    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        table = _table(source)
        reads = {
            "arenas": read_arena,
            "prompts": prompt_reader(),
            "players": read_player,
            "judges": read_judge,
            "responses": read_response,
            "verdicts": read_verdict,
            "games": game_reader(options.arena),
            "battles": battle_reader(options.arena),
        }
        return KeyedReader(table, source.columns, reads[table])

    def layout_of(self, sources: Sequence[Source], options: ImportOptions) -> Layout:
        layout = super().layout_of(sources, options)
        tables = ", ".join(dict.fromkeys(_table(source) for source in sources))
        return replace(
            layout, name=f"export of {tables}", arena=options.arena, set_name="as its rows say", mapping={}
        )

    def rows_of(self, sources: Sequence[Source], options: ImportOptions, layout: Layout) -> Iterator[Row]:
        return join_games(super().rows_of(sources, options, layout))


def _table(source: Source) -> str:
    table = table_of(source.columns)
    if table is None:
        raise UsageError(
            f"{source.name} is no table of an export",
            f"Its columns: {', '.join(source.columns)}.",
            "An export of an older program has no keys: import its tables as prompts, responses and verdicts.",
        )
    return table


def _tables_in(folder: Path) -> list[Path]:
    """The files of a folder that are named after tables.

    Raises:
        UsageError: there is none, or there are two of one table.
    """
    by_table: dict[str, list[Path]] = {}
    for path in sorted(folder.iterdir()):
        if path.is_file() and stem_of(path) in IN_ORDER:
            by_table.setdefault(stem_of(path), []).append(path)
    twice = [paths for paths in by_table.values() if len(paths) > 1]
    if twice:
        listed = "\n".join(f"  {' and '.join(path.name for path in paths)}" for paths in twice)
        raise UsageError(f"{folder} has a table twice", listed, "Leave one file of each, or name the files.")
    if not by_table:
        raise UsageError(f"{folder} has no table of an export", f"Looked for {', '.join(IN_ORDER)}.")
    return [path for paths in by_table.values() for path in paths]


def _is_empty(file: Path) -> bool:
    """A table without rows is a file without lines in JSON lines."""
    return file.is_file() and file.stat().st_size == 0
