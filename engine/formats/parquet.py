"""Parquet, in batches of bounded size; nested columns become lists and dicts, dictionaries their values."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.formats.entry import Entry, Record, excerpt, shown
from engine.formats.exact import PARQUET_MARK, from_text
from engine.formats.rows import SetAside

_BATCH_BYTES = 8 << 20
_BATCH_ROWS = 4096


class _Undecodable:
    """Stands in a cell whose text cannot be told."""

    def __repr__(self) -> str:
        return "(text that cannot be decoded)"


_UNDECODABLE = _Undecodable()


def read_parquet(path: Path) -> Iterator[Entry]:
    """Stream the rows of a Parquet file. NaN in a column of numbers is None: pandas writes nulls so.

    Raises:
        UsageError: when the file is cut or damaged at its end, where Parquet keeps its table of contents, or
            names a column twice.
    """
    table = _opened(path)
    names = _column_names(path, table)
    marked = PARQUET_MARK in (table.schema_arrow.metadata or {})
    file, row = str(path), 0
    try:
        for batch in table.iter_batches(batch_size=_batch_rows(table.metadata)):
            columns = [_column_values(column) for column in batch.columns]
            if marked:
                columns = [[_exact(cell) for cell in values] for values in columns]
            undecodable = any(_UNDECODABLE in values for values in columns)
            for cells in zip(*columns, strict=True):
                row += 1
                value = dict(zip(names, cells, strict=True))
                if undecodable and _UNDECODABLE in cells:
                    yield SetAside("text that cannot be decoded", file, row, excerpt(shown(value)))
                else:
                    yield Record(file, row, value)
    except OSError as error:
        last = table.metadata.num_rows
        yield SetAside(
            "damaged Parquet file", file, row + 1, f"rows {row + 1} to {last}: {excerpt(str(error))}"
        )
    finally:
        table.close()


def _exact(cell: Any) -> Any:
    """A cell of our own export, with its text as it was."""
    try:
        return from_text(cell) if isinstance(cell, str) else cell
    except ValueError:
        return _UNDECODABLE


def parquet_columns(path: Path) -> tuple[str, ...]:
    """Names of the top-level columns, from the file's schema."""
    table = _opened(path)
    try:
        return _column_names(path, table)
    finally:
        table.close()


def _opened(path: Path) -> Any:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.ParquetFile(path, buffer_size=1 << 20, pre_buffer=False)
    except (pa.ArrowException, OSError) as error:
        raise UsageError(
            f"{path} cannot be read as Parquet",
            str(error),
            "It may be cut: compare its size with the original's.",
        ) from error


def _column_names(path: Path, table: Any) -> tuple[str, ...]:
    names: tuple[str, ...] = tuple(table.schema_arrow.names)
    twice = sorted(name for name, count in Counter(names).items() if count > 1)
    if twice:
        raise UsageError(f"{path}: columns named twice: {', '.join(map(repr, twice))}")
    return names


def _batch_rows(metadata: Any) -> int:
    groups = (metadata.row_group(i) for i in range(metadata.num_row_groups))
    size = sum(group.total_byte_size for group in groups)
    per_row: float = max(1.0, size / max(1, metadata.num_rows))
    return max(1, min(_BATCH_ROWS, math.ceil(_BATCH_BYTES / per_row)))


def _column_values(column: Any) -> list[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):  # to_pylist looks each value up through a scalar: 60 times slower
        values = _plain_values(column.dictionary)
        return [None if index is None else values[index] for index in column.indices.to_pylist()]
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    return _plain_values(column)


def _plain_values(column: Any) -> list[Any]:
    try:
        values: list[Any] = column.to_pylist()
    except UnicodeDecodeError:
        values = [_cell(cell) for cell in column]
    return values


def _cell(cell: Any) -> Any:
    try:
        return cell.as_py()
    except UnicodeDecodeError:
        return _UNDECODABLE
