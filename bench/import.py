"""How many rows a second the importers take, beside DuckDB and pyarrow reading the same file.

    python bench/import.py [--data FOLDER] [--rows 300000] [--repeats 3] [--only TEXT] [--json]

FOLDER is the folder of real data (default: the environment variable ARENA_TUI_TEST_DATA). Most of its files are small,
so a battle log and a file of pairs are also repeated to --rows rows, with ids of their own. The least of --repeats runs
counts, the files in the page cache:

    records     engine.formats.tables: records with the file's own values
    rows        the importer: checked rows, ready for a store
    import      the command `arena-tui import` into a new store, from its start to its end; not of files with
                fewer than 2,000 rows, where the start of Python is most of it
    pyarrow     its own reader, to Python rows
    duckdb      SELECT *, fetched as Python rows

Behind ours stands how many times as long as the peers it takes. A peer that is not installed (pip install duckdb), or
has no reader for a file, is left out.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from timing import Spent, machine, machine_line, spent

from engine.formats.alpaca_eval import AlpacaEval
from engine.formats.arena import ArenaImporter
from engine.formats.importer import TableImporter
from engine.formats.preferences import PreferencesImporter
from engine.formats.prompts import PromptsImporter
from engine.formats.responses import ResponsesImporter
from engine.formats.rows import ImportOptions
from engine.formats.sharegpt import ShareGptImporter
from engine.formats.tables import Kind, detect, read

WORTH_A_COMMAND = 2_000
"""Rows from which the command is measured too."""

ENOUGH = 5.0
"""Seconds after which nothing is run again."""


@dataclass(frozen=True)
class Case:
    """Files, and how they are imported.

    Attributes:
        folder: given to the importer in place of the files, where it takes one.
        target: seconds that are asked for the command.
    """

    name: str
    files: tuple[Path, ...]
    importer: TableImporter
    options: ImportOptions = field(default_factory=ImportOptions)
    folder: Path | None = None
    target: float | None = None

    @property
    def paths(self) -> list[Path]:
        return [self.folder] if self.folder else list(self.files)

    @property
    def megabytes(self) -> float:
        return sum(file.stat().st_size for file in self.files) / 1e6


@dataclass(frozen=True)
class Step:
    """What one way through a case's files took."""

    case: str
    step: str
    rows: int
    spent: Spent
    target: float | None = None


def main() -> int:
    options = _arguments()
    data = Path(options.data) if options.data else None
    if data is None or not data.is_dir():
        print("no folder of real data: give --data or set ARENA_TUI_TEST_DATA", file=sys.stderr)
        return 2
    found: list[dict[str, Any]] = []
    if not options.json:
        print(machine_line())
    with tempfile.TemporaryDirectory() as folder:
        for case in _cases(data, Path(folder), options.rows):
            if options.only not in case.name:
                continue
            steps = list(_steps(case, options.repeats))
            found += [
                vars(step) | {"spent": vars(step.spent), "times": _times(step, steps)} for step in steps
            ]
            if not options.json:
                print(_table(case, steps), flush=True)
    print(json.dumps({"machine": machine(), "steps": found}, indent=2) if options.json else machine_line())
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", default=os.environ.get("ARENA_TUI_TEST_DATA"))
    parser.add_argument("--rows", type=int, default=300_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose name contains this")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _cases(data: Path, scratch: Path, rows: int) -> list[Case]:
    llmfao, alpaca = data / "llmfao", data / "alpacaeval2"
    votes = _more_votes(llmfao / "crowd-comparisons.csv", scratch, rows)
    pairs = _more_pairs(llmfao / "pairs-crowd.jsonl", scratch, rows // 10)
    hh = data / "hh_rlhf/harmless-base_test_first300.jsonl.gz"
    joined = ImportOptions(prompts=llmfao / "prompts.jsonl", join="prompt")
    arena = ArenaImporter()
    chatbot_arena = data / "chatbot_arena_layout"
    names = ("prompts", "responses", "verdicts", "verdicts_other_judges")
    tables = tuple(alpaca / f"{name}.parquet" for name in names)
    return [
        Case("AlpacaEval 2, all of it, Parquet", tables, AlpacaEval(), folder=alpaca, target=40.0),
        Case("llmfao votes, CSV", (llmfao / "crowd-comparisons.csv",), arena),
        Case("llmfao votes, repeated, CSV", (votes,), arena),
        Case("the same with joined prompts", (votes,), arena, joined),
        Case("arena conversations, Parquet", (chatbot_arena / "battles.parquet",), arena),
        Case("arena conversations, JSON list", (chatbot_arena / "battles_first400.json",), arena),
        Case("Kaggle votes, CSV", (data / "chatbot_arena_kaggle/train_subset.csv",), arena),
        Case("PandaLM, JSON list", (data / "pandalm/testset-v1.json",), arena),
        Case("llmfao pairs as prompts, JSON lines", (pairs,), PromptsImporter()),
        Case("AlpacaEval responses, Parquet", (alpaca / "responses.parquet",), ResponsesImporter()),
        Case("ShareGPT, JSON list", (data / "sharegpt_layout/dummy_conversation.json",), ShareGptImporter()),
        Case("HH pairs, JSON lines, gzip", (hh,), PreferencesImporter()),
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


def _steps(case: Case, repeats: int) -> Iterator[Step]:
    """Ours and the peers', all over the same rows.

    Raises:
        AssertionError: a peer, or the command, met another number of rows.
    """
    rows = sum(1 for file in case.files for _ in read(file))
    layout = case.importer.layout(case.paths, case.options)
    works: dict[str, Callable[[], int]] = {
        "records": lambda: sum(1 for file in case.files for _ in read(file)),
        "rows": lambda: sum(1 for _ in case.importer.rows(case.paths, case.options, layout)) and rows,
    }
    if rows >= WORTH_A_COMMAND:
        works["import"] = lambda: _command(case) and rows
    works |= {name: peer for name, peer in (("pyarrow", _pyarrow(case)), ("duckdb", _duckdb(case))) if peer}
    for step, work in works.items():
        taken = spent(
            lambda work=work, step=step: _expect(rows, work(), f"{case.name}, {step}"), repeats, ENOUGH
        )
        yield Step(case.name, step, rows, taken, case.target if step == "import" else None)


def _expect(rows: int, met: int, what: str) -> None:
    if met != rows:
        raise AssertionError(f"{what}: {met} rows, not {rows}")


def _command(case: Case) -> int:
    """`arena-tui import` into a store of its own; how many rows of any table were new."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "arena_tui", "import", case.importer.name, *map(str, case.paths)]
        command += ["--store", str(Path(folder) / "arena.db"), "--json"]
        if case.options.prompts is not None:
            command += ["--prompts", str(case.options.prompts), "--join", str(case.options.join)]
        done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        return sum(json.loads(done.stdout)["taken"].values())


def _pyarrow(case: Case) -> Callable[[], int] | None:
    from pyarrow import csv as arrow_csv
    from pyarrow import json as arrow_json
    from pyarrow import parquet

    readers: dict[Kind, Callable[[Path], Any]] = {
        Kind.CSV: lambda path: arrow_csv.read_csv(
            path, parse_options=arrow_csv.ParseOptions(newlines_in_values=True)
        ),
        Kind.JSON_LINES: lambda path: arrow_json.read_json(path, arrow_json.ReadOptions(block_size=16 << 20)),
        Kind.PARQUET: parquet.read_table,
    }
    reader = readers.get(detect(case.files[0]))
    return None if reader is None else lambda: sum(len(reader(file).to_pylist()) for file in case.files)


def _duckdb(case: Case) -> Callable[[], int] | None:
    if importlib.util.find_spec("duckdb") is None:
        return None
    import duckdb

    functions = {Kind.CSV: "read_csv", Kind.PARQUET: "read_parquet"}
    query = f"SELECT * FROM {functions.get(detect(case.files[0]), 'read_json')}(?)"
    connection = duckdb.connect()
    connection.execute("SET threads = 2")
    return lambda: sum(len(connection.execute(query, [str(file)]).fetchall()) for file in case.files)


PEERS = ("pyarrow", "duckdb")


def _times(step: Step, steps: list[Step]) -> dict[str, tuple[float, float]]:
    """By peer, how many times as long as it a step of ours takes, on the clock and on processors."""
    if step.step in PEERS:
        return {}
    peers = {one.step: one.spent for one in steps if one.step in PEERS}
    return {name: (step.spent.wall / peer.wall, step.spent.cpu / peer.cpu) for name, peer in peers.items()}


def _table(case: Case, steps: list[Step]) -> str:
    title = f"{case.name}: {steps[0].rows:,} rows, {case.megabytes:.1f} MB"
    head = (
        f"  {'':8} {'wall s':>8} {'cpu s':>8} {'rows/s':>10} {'rows/cpu s':>10}"
        f"   {'x pyarrow: wall, cpu':>20} {'x duckdb: wall, cpu':>20}"
    )
    return "\n".join(["", title, head, *(_line(step, _times(step, steps)) for step in steps)])


def _line(step: Step, times: dict[str, tuple[float, float]]) -> str:
    cells = " ".join(
        f"{format(times[peer][0], ',.1f') + ', ' + format(times[peer][1], ',.1f') if peer in times else '':>20}"
        for peer in PEERS
    )
    speeds = f"{step.rows / step.spent.wall:>10,.0f} {step.rows / step.spent.cpu:>10,.0f}"
    target = "" if step.target is None else f"   asked: under {step.target:.0f} s"
    return (
        f"  {step.step:8} {step.spent.wall:>8.3f} {step.spent.cpu:>8.3f} {speeds}   {cells}{target}".rstrip()
    )


if __name__ == "__main__":
    raise SystemExit(main())
