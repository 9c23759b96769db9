"""`verdicts`: plain tables of verdicts, what `export` writes of games and verdicts, and LLMBar's files."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from engine.formats.importer import Names, RecordReader, TableImporter
from engine.formats.keyed.judged import game_reader, read_verdict
from engine.formats.keyed.judged import join_games as join_keyed_games
from engine.formats.keyed.tables import KEYS_OPTION, KeyedReader, is_keyed, judge_of, said_arena
from engine.formats.rows import ImportOptions, Layout, Row
from engine.formats.sources import Source
from engine.formats.verdicts.games import join_games
from engine.formats.verdicts.llmbar import ARENA, LlmBarReader, is_llmbar, llmbar_files
from engine.formats.verdicts.reading import VerdictReader


class VerdictsImporter(TableImporter):
    """Verdicts of any kind, one a row; two rows that are the two orders of one battle are its games."""

    name = "verdicts"
    summary = "verdicts: prompt, models, and a winner, scores, a preference, a grade or a score; also LLMBar's files"

    options: ClassVar[Mapping[str, str]] = KEYS_OPTION

    def sources(self, paths: Sequence[Path], options: ImportOptions) -> list[Source]:
        files = [file for path in paths for file in (llmbar_files(path) if path.is_dir() else [path])]
        return super().sources(files, options)

    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        if is_llmbar(source.columns) and not options.mapping:
            return LlmBarReader(source, options)
        if is_keyed("verdicts", source.columns, options):
            return KeyedReader("verdicts", source.columns, read_verdict, judge_of(source))
        if is_keyed("games", source.columns, options):
            return KeyedReader("games", source.columns, game_reader(options.arena), judge_of(source))
        return VerdictReader(source, options, names.set_name)

    def layout_of(self, sources: Sequence[Source], options: ImportOptions) -> Layout:
        layout = super().layout_of(sources, options)
        readers = [self.reader(source, options, Names("", layout.set_name)) for source in sources]
        sets = [reader.set_name for reader in readers if isinstance(reader, LlmBarReader)]
        judges = dict.fromkeys(reader.judge for reader in readers if reader.judge is not None)
        return replace(
            layout,
            arena=options.arena or (ARENA if sets else said_arena(sources[0])),
            set_name=sets[0] if sets else layout.set_name,
            judge=", ".join(judges) or None,
        )

    def rows_of(self, sources: Sequence[Source], options: ImportOptions, layout: Layout) -> Iterator[Row]:
        return join_games(join_keyed_games(super().rows_of(sources, options, layout)))
