"""Tables written to files: JSON lines, CSV or Parquet, exactly (see `exact`), and whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from engine.errors import UserError
from engine.formats.exact import CSV_MARK, PARQUET_MARK, RULES, has_surrogates, to_cell, to_text

_BATCH_ROWS = 2048


class ExportFormat(StrEnum):
    JSONL = "jsonl"
    CSV = "csv"
    PARQUET = "parquet"


class ColumnKind(StrEnum):
    """What a column holds. `json` is nested: itself in JSON lines, its JSON text in CSV and Parquet."""

    TEXT = "text"
    INTEGER = "integer"
    NUMBER = "number"
    BOOLEAN = "boolean"
    JSON = "json"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table that is written. Every one may be null."""

    name: str
    kind: ColumnKind = ColumnKind.TEXT


Rows = Iterable[Mapping[str, Any]]


def export_rows(rows: Rows, columns: Sequence[Column], form: ExportFormat, out: Path) -> int:
    """Write a table to a file, aside and then renamed, so that a file of that name is always whole.

    Args:
        rows: column -> value; a column that a row lacks is null.

    Returns:
        How many rows were written.

    Raises:
        UserError: the file cannot be written; a file that stood there is untouched.
    """
    aside = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as stream:
            count = write_rows(rows, columns, form, stream)
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(out)
    except OSError as error:
        raise UserError(f"cannot write {out}", error.strerror or str(error)) from error
    finally:
        aside.unlink(missing_ok=True)
    return count


def write_rows(rows: Rows, columns: Sequence[Column], form: ExportFormat, stream: BinaryIO) -> int:
    """Write a table to a binary stream, such as standard output, in batches of bounded size; see `export_rows`."""
    writers = {
        ExportFormat.JSONL: _write_jsonl,
        ExportFormat.CSV: _write_csv,
        ExportFormat.PARQUET: _write_parquet,
    }
    return writers[form](rows, columns, stream)


def _write_jsonl(rows: Rows, columns: Sequence[Column], stream: BinaryIO) -> int:
    count = 0
    for row in rows:
        line = json.dumps({c.name: row.get(c.name) for c in columns}, ensure_ascii=False, allow_nan=False)
        if has_surrogates(line):
            line = json.dumps({c.name: row.get(c.name) for c in columns}, allow_nan=False)
        stream.write(line.encode() + b"\n")
        count += 1
    return count


def _write_csv(rows: Rows, columns: Sequence[Column], stream: BinaryIO) -> int:
    count = 0
    with _as_text(stream) as text:
        writer = csv.writer(text, quoting=csv.QUOTE_NONNUMERIC)  # CRLF, as RFC 4180 says
        writer.writerow([*(c.name for c in columns), CSV_MARK])
        for row in rows:
            writer.writerow([*(_csv_cell(row.get(c.name), c.kind) for c in columns), RULES])
            count += 1
    return count


@contextmanager
def _as_text(stream: BinaryIO) -> Iterator[io.TextIOWrapper]:
    text = io.TextIOWrapper(stream, encoding="utf-8", newline="")
    try:
        yield text
    finally:
        text.detach()  # flushes, and leaves the stream to its owner


def _csv_cell(value: Any, kind: ColumnKind) -> str | float:
    """Numbers as Python writes them (they read back exactly, and no spreadsheet takes -3.5 for a formula)."""
    if value is None or kind is ColumnKind.TEXT:
        return to_cell(value)
    if kind is ColumnKind.JSON:
        return json.dumps(value, allow_nan=False)
    if kind is ColumnKind.BOOLEAN:
        return "true" if value else "false"
    return _finite(value)


def _write_parquet(rows: Rows, columns: Sequence[Column], stream: BinaryIO) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    types = {
        ColumnKind.TEXT: pa.string(),
        ColumnKind.INTEGER: pa.int64(),
        ColumnKind.NUMBER: pa.float64(),
        ColumnKind.BOOLEAN: pa.bool_(),
        ColumnKind.JSON: pa.string(),
    }
    schema = pa.schema([(c.name, types[c.kind]) for c in columns], metadata={PARQUET_MARK: RULES.encode()})
    waiting, count = iter(rows), 0
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        while batch := list(islice(waiting, _BATCH_ROWS)):
            cells = [[_parquet_cell(row.get(c.name), c.kind) for row in batch] for c in columns]
            arrays = [pa.array(values, type=types[c.kind]) for values, c in zip(cells, columns, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
            count += len(batch)
    return count


def _parquet_cell(value: Any, kind: ColumnKind) -> Any:
    if value is None or kind is ColumnKind.BOOLEAN:
        return value
    if kind is ColumnKind.TEXT:
        return to_text(value)
    return json.dumps(value, allow_nan=False) if kind is ColumnKind.JSON else _finite(value)


def _finite(value: float) -> float:
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a finite number")
    return value
