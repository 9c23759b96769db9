"""How many rows a second the readers and importers take, beside DuckDB and pyarrow reading the same file.

    python bench/import.py [--data FOLDER] [--rows 300000] [--repeats 3] [--json]

FOLDER is the folder of real data (default: the environment variable ARENA_TUI_TEST_DATA). Its files are small, so a
battle log and a file of pairs are also repeated to --rows rows, with ids of their own. Each figure is the best of
--repeats runs in this process, the file in the page cache:

    read        engine.formats.tables: records with the file's own values
    import      the importer: checked rows, ready for a store
    pyarrow     its own reader, to Python rows
    duckdb      SELECT *, fetched as Python rows

A peer that is not installed, or has no reader for a file, is shown as '-'. (pip install duckdb)
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.formats.arena import ArenaImporter
from engine.formats.importer import TableImporter
from engine.formats.preferences import PreferencesImporter
from engine.formats.prompts import PromptsImporter
from engine.formats.responses import ResponsesImporter
from engine.formats.rows import ImportOptions
from engine.formats.sharegpt import ShareGptImporter
from engine.formats.tables import Kind, detect, read


@dataclass(frozen=True)
class Case:
    """One file, and how it is imported."""

    name: str
    path: Path
    importer: TableImporter
    options: ImportOptions = field(default_factory=ImportOptions)


@dataclass(frozen=True)
class Measured:
    """Rows a second; None where a peer has no reader or is not installed."""

    case: str
    rows: int
    megabytes: float
    read: float
    imported: float
    pyarrow: float | None
    duckdb: float | None


def main() -> int:
    options = _arguments()
    data = Path(options.data) if options.data else None
    if data is None or not data.is_dir():
        print("no folder of real data: give --data or set ARENA_TUI_TEST_DATA", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory() as folder:
        cases = _cases(data, Path(folder), options.rows)
        measured = [_measure(case, options.repeats) for case in cases]
    print(json.dumps([vars(row) for row in measured]) if options.json else _table(measured))
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="rows a second of readers and importers")
    parser.add_argument("--data", default=os.environ.get("ARENA_TUI_TEST_DATA"))
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _cases(data: Path, scratch: Path, rows: int) -> list[Case]:
    llmfao, alpaca = data / "llmfao", data / "alpacaeval2"
    pairs = _more_pairs(llmfao / "pairs-crowd.jsonl", scratch, rows // 10)
    hh = data / "hh_rlhf/harmless-base_test_first300.jsonl.gz"
    joined = ImportOptions(prompts=llmfao / "prompts.jsonl", join="prompt")
    arena = ArenaImporter()
    return [
        Case("llmfao votes, CSV", llmfao / "crowd-comparisons.csv", arena),
        Case(
            "llmfao votes, repeated, CSV", _more_votes(llmfao / "crowd-comparisons.csv", scratch, rows), arena
        ),
        Case("the same with joined prompts", scratch / "votes.csv", arena, joined),
        Case("arena conversations, Parquet", data / "chatbot_arena_layout/battles.parquet", arena),
        Case("arena conversations, JSON list", data / "chatbot_arena_layout/battles_first400.json", arena),
        Case("Kaggle votes, CSV", data / "chatbot_arena_kaggle/train_subset.csv", arena),
        Case("PandaLM, JSON list", data / "pandalm/testset-v1.json", arena),
        Case("llmfao pairs as prompts, JSON lines", pairs, PromptsImporter()),
        Case("AlpacaEval responses, Parquet", alpaca / "responses.parquet", ResponsesImporter()),
        Case("ShareGPT, JSON list", data / "sharegpt_layout/dummy_conversation.json", ShareGptImporter()),
        Case("HH pairs, JSON lines, gzip", hh, PreferencesImporter()),
    ]


def _more_votes(path: Path, scratch: Path, rows: int) -> Path:
    """The battle log again and again, each row under an id of its own."""
    with path.open(newline="") as stream:
        votes = list(csv.DictReader(stream))
    out = scratch / "votes.csv"
    with out.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, votes[0])
        writer.writeheader()
        writer.writerows({**votes[n % len(votes)], "id": n} for n in range(rows))
    return out


def _more_pairs(path: Path, scratch: Path, rows: int) -> Path:
    pairs = [json.loads(line) for line in path.read_text().splitlines()]
    out = scratch / "pairs.jsonl"
    with out.open("w") as stream:
        for n in range(rows):
            stream.write(json.dumps({**pairs[n % len(pairs)], "id": n}) + "\n")
    return out


def _measure(case: Case, repeats: int) -> Measured:
    rows, read_s = _best(lambda: sum(1 for _ in read(case.path)), repeats)
    layout = case.importer.layout([case.path], case.options)
    _, import_s = _best(
        lambda: sum(1 for _ in case.importer.rows([case.path], case.options, layout)), repeats
    )
    peers = [_best(peer, repeats) if peer else None for peer in (_pyarrow(case.path), _duckdb(case.path))]
    for peer in peers:
        if peer and peer[0] != rows:
            raise AssertionError(f"{case.name}: a peer read {peer[0]} rows, we read {rows}")
    speeds = [rows / peer[1] if peer else None for peer in peers]
    return Measured(case.name, rows, case.path.stat().st_size / 1e6, rows / read_s, rows / import_s, *speeds)


def _best(work: Callable[[], int], repeats: int) -> tuple[int, float]:
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        count = work()
        seconds.append(time.perf_counter() - start)
    return count, min(seconds)


def _pyarrow(path: Path) -> Callable[[], int] | None:
    from pyarrow import csv as arrow_csv
    from pyarrow import json as arrow_json
    from pyarrow import parquet

    readers: dict[Kind, Callable[[], Any]] = {
        Kind.CSV: lambda: arrow_csv.read_csv(
            path, parse_options=arrow_csv.ParseOptions(newlines_in_values=True)
        ),
        Kind.JSON_LINES: lambda: arrow_json.read_json(path, arrow_json.ReadOptions(block_size=16 << 20)),
        Kind.PARQUET: lambda: parquet.read_table(path),
    }
    reader = readers.get(detect(path))
    return None if reader is None else lambda: len(reader().to_pylist())


def _duckdb(path: Path) -> Callable[[], int] | None:
    if importlib.util.find_spec("duckdb") is None:
        return None
    import duckdb

    functions = {Kind.CSV: "read_csv", Kind.PARQUET: "read_parquet"}
    function = functions.get(detect(path), "read_json")
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    return lambda: len(connection.execute(f"SELECT * FROM {function}(?)", [str(path)]).fetchall())


def _table(measured: Sequence[Measured]) -> str:
    head = f"{'rows a second':36} {'rows':>8} {'MB':>7} {'read':>10} {'import':>10} {'pyarrow':>10} {'duckdb':>10}"
    lines = [head]
    for row in measured:
        speeds = (row.read, row.imported, row.pyarrow, row.duckdb)
        cells = " ".join(f"{'-' if speed is None else format(speed, ',.0f'):>10}" for speed in speeds)
        lines.append(f"{row.case:36} {row.rows:>8,} {row.megabytes:>7.1f} {cells}")
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
