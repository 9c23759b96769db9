"""Prompts kept apart: a second file whose columns are added to each record, found by an id (`--prompts`, `--join`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.formats.entry import Entry, Record, refuse
from engine.formats.fields import FieldError, identifier
from engine.formats.mapping import nearest
from engine.formats.rows import SetAside
from engine.formats.sources import Source, TableFile

_ID_COLUMNS = ("id", "question_id", "prompt_id", "idx", "name")


@dataclass(frozen=True, slots=True)
class PromptTable:
    """A file of prompts, by id. It is held in memory.

    Attributes:
        column: the column of the other file that names a prompt.
        columns: what is added to a record.
        records: id -> its record.
        set_aside: rows of the file that cannot be used.
    """

    column: str
    columns: tuple[str, ...]
    records: Mapping[str, dict[str, Any]]
    set_aside: tuple[SetAside, ...]

    @classmethod
    def load(cls, path: Path, join: str | None) -> PromptTable:
        """Read the file.

        Args:
            join: the column of the other file. In this one it is the column of the same name, else its id;
                `theirs=column` says both.

        Raises:
            UsageError: no join is said, or the file has no such column.
        """
        if not join:
            raise UsageError(
                "--prompts needs --join COLUMN", mend="COLUMN names the prompt in the other file."
            )
        file = TableFile(path)
        column, _, key = join.partition("=")
        key = key or _key_column(file, column)
        if key not in file.columns:
            raise UsageError(f"{path} has no column '{key}'{nearest(key, file.columns)}")
        records, set_aside = _by_id(file, key)
        return cls(column, file.columns, records, set_aside)


def _key_column(file: TableFile, column: str) -> str:
    found = next((name for name in (column, *_ID_COLUMNS) if name in file.columns), None)
    if found is None:
        raise UsageError(
            f"{file.name} has no column that names its prompts",
            f"Looked for {', '.join((column, *_ID_COLUMNS))}; its columns: {', '.join(file.columns)}.",
            f"Say which it is with --join {column}=COLUMN.",
        )
    return found


def _by_id(file: TableFile, key: str) -> tuple[dict[str, dict[str, Any]], tuple[SetAside, ...]]:
    records: dict[str, dict[str, Any]] = {}
    set_aside: list[SetAside] = []
    for entry in file.entries():
        if isinstance(entry, SetAside):
            set_aside.append(entry)
            continue
        try:
            name = identifier(entry.value.get(key), key)
        except FieldError as error:
            set_aside.append(refuse(entry, str(error)))
            continue
        if name not in records:
            records[name] = entry.value
        elif records[name] != entry.value:
            set_aside.append(refuse(entry, f"{key} stands for two prompts"))
        else:
            set_aside.append(refuse(entry, f"duplicate {key}"))
    return records, tuple(set_aside)


class JoinedSource:
    """A source whose records have the columns of their prompt too; its own go first where both have one.

    Args:
        first: it is the first of several: it tells what was wrong with the prompts.

    Raises:
        UsageError: the source has no such column.
    """

    def __init__(self, source: Source, table: PromptTable, first: bool = True) -> None:
        if table.column not in source.columns:
            raise UsageError(
                f"{source.name} has no column '{table.column}'{nearest(table.column, source.columns)}"
            )
        self._source = source
        self._table = table
        self._set_aside = table.set_aside if first else ()
        self.name = source.name
        self.stem = source.stem
        self.columns = tuple(dict.fromkeys((*source.columns, *table.columns)))
        self.first = tuple(
            joined for record in source.first if isinstance(joined := self._joined(record), Record)
        )

    def entries(self) -> Iterator[Entry]:
        yield from self._set_aside
        for entry in self._source.entries():
            yield self._joined(entry) if isinstance(entry, Record) else entry

    def _joined(self, record: Record) -> Entry:
        try:
            name = identifier(record.value.get(self._table.column), self._table.column)
        except FieldError as error:
            return refuse(record, str(error))
        prompt = self._table.records.get(name)
        if prompt is None:
            return refuse(record, "its prompt is not in the file of prompts")
        return Record(record.file, record.line, prompt | record.value)
