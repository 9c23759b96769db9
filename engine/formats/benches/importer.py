"""What importers of benchmarks share: their folders, and questions and answers in both layouts."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from engine.errors import UsageError
from engine.formats.benches.answers import AnswerReader
from engine.formats.benches.files import BenchFile, Role, bench_files
from engine.formats.benches.questions import Bench, QuestionReader, ReferenceReader
from engine.formats.importer import Names, RecordReader, TableImporter
from engine.formats.rows import ImportOptions, Layout, Row
from engine.formats.sources import Source


class BenchImporter(TableImporter):
    """An importer of a benchmark's folder, or of some of its files. References are read before questions, questions
    before answers, answers before judgments, so that each can lean on the ones before."""

    keeps_answers = False
    """Whether judgments ask for the texts of the answers; they are held in memory then."""

    def __init__(self) -> None:
        self._benches: dict[Path, Bench] = {}

    @abstractmethod
    def bench_name(self, root: Path, files: Sequence[BenchFile]) -> str:
        """The name of a benchmark, for its prompt set and arena, where nobody named them."""

    @abstractmethod
    def judgments(self, file: BenchFile, bench: Bench, options: ImportOptions) -> RecordReader:
        """Settle how a file of judgments is read."""

    def sources(self, paths: Sequence[Path], options: ImportOptions) -> list[Source]:
        self._check_options(options)
        if options.mapping or options.values or options.prompts:
            raise UsageError(
                f"the files of {self.name} have columns of their own: --map and --prompts do not apply",
                mend="For tables with other columns use the formats prompts, responses, verdicts or arena.",
            )
        if not paths:
            raise UsageError(f"import {self.name} needs a folder or files")
        files = bench_files(paths)
        self._benches = {}
        for root in dict.fromkeys(file.root for file in files):
            own = [file for file in files if file.root == root]
            name = options.set_name or self.bench_name(root, own)
            self._benches[root] = Bench(name, self.keeps_answers)
        return list(files)

    def layout_of(self, sources: Sequence[Source], options: ImportOptions) -> Layout:
        layout = super().layout_of(sources, options)
        judgments = self._judgments(sources, options)
        bench = self._bench_of((judgments or sources)[0])
        judges = [self.reader(file, options, Names("", "")).judge for file in judgments]
        return replace(
            layout,
            arena=options.arena or bench.set_name if judgments else None,
            set_name=bench.set_name,
            judge=", ".join(dict.fromkeys(filter(None, judges))) or None,
        )

    def rows_of(self, sources: Sequence[Source], options: ImportOptions, layout: Layout) -> Iterator[Row]:
        yield from super().rows_of(sources, options, layout)
        for bench in self._benches.values():
            yield from bench.unused_references()

    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        assert isinstance(source, BenchFile)
        bench = self._bench_of(source)
        if source.role is Role.REFERENCES:
            return ReferenceReader(source, bench)
        if source.role is Role.QUESTIONS:
            return QuestionReader(source, bench)
        if source.role is Role.ANSWERS:
            return AnswerReader(source, bench)
        return self.judgments(source, bench, options)

    def _bench_of(self, source: Source) -> Bench:
        assert isinstance(source, BenchFile)
        return self._benches[source.root]

    def _judgments(self, sources: Sequence[Source], options: ImportOptions) -> list[BenchFile]:
        """The files of judgments.

        Raises:
            UsageError: several benchmarks have some, and no arena is named that is to hold them all.
        """
        files = [file for file in sources if isinstance(file, BenchFile) and file.role is Role.JUDGMENTS]
        roots = dict.fromkeys(file.root for file in files)
        if len(roots) > 1 and options.arena is None:
            raise UsageError(
                "these are judgments of several benchmarks, which would be rated as one",
                "\n".join(f"  {root}" for root in roots),
                "Import them one by one, or name the arena that is to hold them all: --arena NAME.",
            )
        return files
