"""Rows of conversations in files: JSON lines or Parquet, whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

from engine.errors import UserError

_BATCH_ROWS = 2048


class FileFormat(StrEnum):
    JSONL = "jsonl"
    PARQUET = "parquet"


class Cell(StrEnum):
    """What a column holds: a text, a message, or a list of messages."""

    TEXT = "text"
    MESSAGE = "message"
    MESSAGES = "messages"


Row = Mapping[str, Any]
Columns = Mapping[str, Cell]


@contextmanager
def replacing(out: Path) -> Iterator[BinaryIO]:
    """A file to write, which takes its name when it is whole.

    Raises:
        UserError: it cannot be written; a file that stood there is untouched.
    """
    aside = out.with_name(f".{out.name}.{os.getpid()}.part")
    try:
        with aside.open("wb") as stream:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
        aside.replace(out)
    except OSError as error:
        raise UserError(f"cannot write {out}", error.strerror or str(error)) from error
    finally:
        aside.unlink(missing_ok=True)


def write(rows: Iterable[Row], columns: Columns, form: FileFormat, stream: BinaryIO) -> int:
    """Write rows; return how many. Text is exact in both forms: none of it lacks an encoding, by selection."""
    if form is FileFormat.JSONL:
        return _write_jsonl(rows, columns, stream)
    return _write_parquet(rows, columns, stream)


def _write_jsonl(rows: Iterable[Row], columns: Columns, stream: BinaryIO) -> int:
    count = 0
    for row in rows:
        line = json.dumps({name: row[name] for name in columns}, ensure_ascii=False, allow_nan=False)
        stream.write(line.encode() + b"\n")
        count += 1
    return count


def _write_parquet(rows: Iterable[Row], columns: Columns, stream: BinaryIO) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    message = pa.struct([("role", pa.string()), ("content", pa.string())])
    types = {Cell.TEXT: pa.string(), Cell.MESSAGE: message, Cell.MESSAGES: pa.list_(message)}
    schema = pa.schema([(name, types[cell]) for name, cell in columns.items()])
    waiting, count = iter(rows), 0
    with pq.ParquetWriter(stream, schema, compression="zstd") as writer:
        while batch := [dict(row) for row in islice(waiting, _BATCH_ROWS)]:
            writer.write_table(pa.Table.from_pylist(batch, schema=schema))
            count += len(batch)
    return count
