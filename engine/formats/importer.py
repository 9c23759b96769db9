"""What all importers of tables share: from files to records, from records to rows or a reason.

An importer says how one file is read (`reader`); here its rows are streamed, filtered (`--where`), joined with prompts
kept apart (`--prompts`), and every record ends as rows or as set aside.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

from engine.errors import UsageError
from engine.formats.entry import Record, refuse
from engine.formats.fields import FieldError
from engine.formats.join import JoinedSource, PromptTable
from engine.formats.mapping import ColumnMap, nearest
from engine.formats.rows import ImportOptions, Layout, Row, SetAside
from engine.formats.sources import Source, TableFile, stem_of
from engine.formats.where import Condition


@dataclass(frozen=True, slots=True)
class Names:
    """The names that rows are given where their file has none."""

    arena: str
    set_name: str


class RecordReader(Protocol):
    """Reads the records of one file.

    Attributes:
        layout: its layout in words.
        columns: where each field comes from.
        judge: the judge's name where the file has none; None for a format without judges.
    """

    layout: str
    columns: ColumnMap
    judge: str | None

    def rows(self, record: Record) -> Sequence[Row]:
        """What one record becomes.

        Raises:
            FieldError: it cannot be used; nothing of it has been remembered then.
        """


class TableImporter(ABC):
    """An importer of files that are tables. It satisfies `rows.Importer`."""

    name: ClassVar[str]
    summary: ClassVar[str]
    bare: ClassVar[str | None] = None
    """The column that a line becomes which is only a string."""
    options: ClassVar[Mapping[str, str]] = {}
    """Options of this format beside `where`: name -> what it does."""

    @abstractmethod
    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        """Settle how a file is read, from its columns and first rows.

        Raises:
            UsageError: it is not of this format, or an option does not fit.
        """

    def layout(self, paths: Sequence[Path], options: ImportOptions) -> Layout:
        return self.layout_of(self.sources(paths, options), options)

    def rows(self, paths: Sequence[Path], options: ImportOptions, layout: Layout) -> Iterator[Row]:
        return self.rows_of(self.sources(paths, options), options, layout)

    def sources(self, paths: Sequence[Path], options: ImportOptions) -> list[Source]:
        """The files as sources of records, joined with `--prompts` where that is said.

        Raises:
            UsageError: no file, one that cannot be read, or an option that does not exist.
        """
        self._check_options(options)
        if not paths:
            raise UsageError(f"import {self.name} needs a file")
        twice = next((path for path in paths if paths.count(path) > 1), None)
        if twice is not None:
            raise UsageError(f"{twice} is given twice", mend="Name each file once.")
        files: list[Source] = [TableFile(path, self.bare) for path in paths]
        if options.prompts is None:
            return files
        table = PromptTable.load(options.prompts, options.join)
        return [JoinedSource(file, table, first=index == 0) for index, file in enumerate(files)]

    def layout_of(self, sources: Sequence[Source], options: ImportOptions) -> Layout:
        """As `layout`, of records from anywhere."""
        names = _names(sources, options)
        readers = [self.reader(source, options, names) for source in sources]
        for source in sources:
            Condition.of(options, source.columns)
        return Layout(
            name=", ".join(dict.fromkeys(reader.layout for reader in readers)),
            mapping={theirs: ours for reader in readers for theirs, ours in reader.columns.mapping.items()},
            arena=names.arena if readers[0].judge is not None else None,
            set_name=names.set_name,
            judge=readers[0].judge,
            ignored=tuple(dict.fromkeys(column for reader in readers for column in reader.columns.ignored)),
        )

    def rows_of(self, sources: Sequence[Source], options: ImportOptions, layout: Layout) -> Iterator[Row]:
        """As `rows`, of records from anywhere."""
        names = Names(layout.arena or "", layout.set_name)
        for source in sources:
            reader = self.reader(source, options, names)
            condition = Condition.of(options, source.columns)
            for entry in source.entries():
                if isinstance(entry, SetAside):
                    yield entry
                elif condition is not None and not condition.holds(entry.value):
                    yield refuse(entry, condition.reason)
                else:
                    try:
                        yield from reader.rows(entry)
                    except FieldError as error:
                        yield refuse(entry, str(error))

    def _check_options(self, options: ImportOptions) -> None:
        known = (*self.options, "where")
        unknown = [f"  {name}{nearest(name, known)}" for name in options.extra if name not in known]
        if unknown:
            raise UsageError(
                f"the format {self.name} has no such option",
                "\n".join(unknown),
                f"It has {', '.join(known)}.",
            )


def _names(sources: Sequence[Source], options: ImportOptions) -> Names:
    stem = sources[0].stem
    set_name = options.set_name or (stem_of(options.prompts) if options.prompts else stem)
    return Names(options.arena or stem, set_name)


def choice(options: ImportOptions, name: str, known: Sequence[str]) -> str:
    """An option that is one of a few words; the first is the default.

    Raises:
        UsageError: another word, with the nearest.
    """
    said = options.extra.get(name, known[0])
    if said not in known:
        raise UsageError(f"{name}={said}: it is one of {', '.join(known)}{nearest(said, known)}")
    return said
