"""Running importers in tests, and writing the files that they read."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from engine.formats.importer import TableImporter
from engine.formats.rows import BattleRow, ImportOptions, Layout, ResponseRow, Row, SetAside
from engine.records import Prompt

T = TypeVar("T")


@dataclass(frozen=True)
class Imported:
    """What an import yielded."""

    layout: Layout
    rows: tuple[Row, ...]

    def of(self, kind: type[T]) -> list[T]:
        return [row for row in self.rows if isinstance(row, kind)]

    @property
    def battles(self) -> list[BattleRow]:
        return self.of(BattleRow)

    @property
    def prompts(self) -> list[Prompt]:
        return self.of(Prompt)

    @property
    def responses(self) -> list[ResponseRow]:
        return self.of(ResponseRow)

    @property
    def reasons(self) -> Counter[str]:
        return Counter(row.reason for row in self.of(SetAside))


def run(importer: TableImporter, *paths: Path, **options: Any) -> Imported:
    said = ImportOptions(**options)
    layout = importer.layout(paths, said)
    return Imported(layout, tuple(importer.rows(paths, said, layout)))


def write_jsonl(path: Path, rows: Sequence[Any]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return path


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return path


def write_parquet(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.Table.from_pylist([dict(row) for row in rows]), path)
    return path
