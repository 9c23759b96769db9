"""`alpaca-eval`: responses, and verdicts against a baseline by one judge or several.

A preference is kept as it is, as the probability that the second model (model_b, output_2) is better. AlpacaEval
shuffles what it shows and does not tell the order, so a battle is one game of which the first model is said to have
been shown first: position bias cannot be read from it. The baseline against itself is kept, and never rated.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.errors import UsageError
from engine.formats.alpaca_eval.files import AlpacaFile, Kind, alpaca_files
from engine.formats.alpaca_eval.native import AnnotationReader, OutputReader
from engine.formats.alpaca_eval.tables import Met, PromptReader, ResponseReader, VerdictReader
from engine.formats.importer import Names, RecordReader, TableImporter
from engine.formats.rows import ImportOptions, Layout
from engine.formats.sources import Source

DEFAULT_NAME = "alpaca-eval"


class AlpacaEval(TableImporter):
    """Imports model_outputs.json and annotations.json, and tables of prompts, responses and verdicts; files, or
    folders of them."""

    name = "alpaca-eval"
    summary = "AlpacaEval's model_outputs and annotations, or tables of its prompts, responses and verdicts"

    def __init__(self) -> None:
        self._met = Met(DEFAULT_NAME)
        self._left_alone: list[str] = []

    def sources(self, paths: Sequence[Path], options: ImportOptions) -> list[Source]:
        self._check_options(options)
        if options.mapping or options.values or options.prompts:
            raise UsageError(
                "the files of alpaca-eval have columns of their own: --map and --prompts do not apply",
                mend="For tables with other columns use the formats prompts, responses or verdicts.",
            )
        if not paths:
            raise UsageError("import alpaca-eval needs a folder or files")
        files, self._left_alone = alpaca_files(paths)
        self._met = Met(options.set_name or DEFAULT_NAME)
        return list(files)

    def layout_of(self, sources: Sequence[Source], options: ImportOptions) -> Layout:
        layout = super().layout_of(sources, options)
        judges = [self.reader(source, options, Names("", "")).judge for source in sources]
        left_alone = f" (not read: {', '.join(self._left_alone)})" if self._left_alone else ""
        return replace(
            layout,
            name=layout.name + left_alone,
            arena=options.arena or DEFAULT_NAME if any(judges) else None,
            set_name=self._met.set_name,
            judge=", ".join(dict.fromkeys(filter(None, judges))) or None,
        )

    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        assert isinstance(source, AlpacaFile)
        if source.kind is Kind.PROMPTS:
            return PromptReader(source, self._met)
        if source.kind is Kind.RESPONSES:
            return ResponseReader(source, self._met)
        if source.kind is Kind.VERDICTS:
            return VerdictReader(source, self._met, options.judge)
        if source.kind is Kind.OUTPUTS:
            return OutputReader(source, self._met)
        return AnnotationReader(source, self._met, options.judge)
