"""From a store of a million battles to ratings with intervals, beside the programs that the field uses.

    python bench/ratings.py [--models 32,300] [--battles 1000000] [--workdir FOLDER]
                            [--peers PYTHON] [--fastchat FILE] [--json]

Stores are built in --workdir, battle by battle, and left there for the next run. Ours starts from a store that is not
open yet; the file is in the page cache, the program is loaded, and the least of several runs counts. The others start
from the same battles as arrays. bench/README.md says how a Python for --peers is made.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from battle_logs import BattleLog, chance_log
from stores import store_of
from timing import Spent, machine, machine_line, spent

from engine.ratings.board import RatingOptions
from engine.ratings.bootstrap import bootstrap, bootstrap_prompts
from engine.ratings.counts import PairCounts
from engine.ratings.covariance import normal_intervals
from engine.ratings.folding import STEP, fold_on, read_folded
from engine.ratings.leaderboard import leaderboard
from engine.ratings.prompt_battles import PromptBattles
from engine.ratings.stored import read_counts, read_prompt_battles
from engine.ratings.views import find_view
from engine.store import open_store

PROMPTS = 50_000
OVER_PROMPTS = 300_000
"""Battles of the store whose prompts are drawn."""
FEWER = 100_000
"""Battles of the store that shows what the number of battles costs."""

TARGETS = {("bootstraps", 1_000_000, 32): 0.05, ("bootstraps", 1_000_000, 300): 1.4}
"""Seconds that are asked of us by what is measured, battles and models."""
PROMPTS_TARGET = 2.0

WORDS = {"bootstraps": "100 bootstraps over battles", "sandwich": "sandwich intervals"}


@dataclass(frozen=True)
class Row:
    """One line of the table.

    Attributes:
        what: `bootstraps` and `sandwich` are what the programs have in common.
        ran: how it was run where that was not in full; of ours, what is to be known.
        target: seconds that are asked for.
    """

    program: str
    what: str
    models: int
    battles: int
    spent: Spent
    ran: str = ""
    target: float | None = None


def counts_of(store_path: Path) -> PairCounts:
    """Open a store, find its newest arena, read its counts, close it."""
    with open_store(store_path) as store:
        view = find_view(store.reader, None, None, None)
        with store.snapshot() as connection:
            return read_counts(connection, view).pairs


def prompt_battles_of(store_path: Path) -> PromptBattles:
    """The same, reading each battle for its prompt."""
    with open_store(store_path) as store:
        view = find_view(store.reader, None, None, None)
        with store.snapshot() as connection:
            return read_prompt_battles(connection, view)


def table_of(store_path: Path) -> None:
    """All that a leaderboard says: ratings, ties, records, coverage; online ratings as they are stored."""
    with open_store(store_path) as store:
        leaderboard(store, options=RatingOptions(online=False))


def ours(log: BattleLog, path: Path) -> Iterator[Row]:
    """From the store to intervals, and what each part of it takes."""
    counts = counts_of(path)
    works: dict[str, Callable[[], object]] = {
        "bootstraps": lambda: bootstrap(counts_of(path)),
        "sandwich": lambda: normal_intervals(counts_of(path)),
        "opening the store, reading the counts": lambda: counts_of(path),
        "100 bootstraps of counts in memory": lambda: bootstrap(counts),
    }
    for what, work in works.items():
        target = TARGETS.get((what, log.battles, len(log.models)))
        yield _ours(what, log, spent(work, 7), f"{len(counts.a):,} pairs", target)


def ours_as_table(log: BattleLog, path: Path) -> Row:
    return _ours("leaderboard, online ratings as stored", log, spent(lambda: table_of(path), 3))


def ours_over_prompts(log: BattleLog, path: Path) -> Iterator[Row]:
    prompts = f"{log.n_prompts:,} prompts"
    taken = spent(lambda: bootstrap_prompts(prompt_battles_of(path)), 3)
    yield _ours("100 bootstraps over prompts", log, taken, prompts, PROMPTS_TARGET)
    yield _ours("reading the battles by prompt", log, spent(lambda: prompt_battles_of(path), 3), prompts)


def ours_online(log: BattleLog, path: Path) -> Iterator[Row]:
    """TrueSkill from the beginning, from where the store says that it is, and read for a table."""
    with open_store(path, writable=True) as store:
        with store.write() as tx:
            tx.connection.execute("DELETE FROM online_folds")
        view = find_view(store.reader, None, None, None)

        def fold() -> None:
            fold_on(store, view, "trueskill", log.battles, seconds=0.0)

        for what in ("TrueSkill: the first battles", "TrueSkill: further ones, from the stored position"):
            taken = spent(fold)
            rates = f"{STEP / taken.wall:,.0f} a second, {STEP / taken.cpu:,.0f} a second of processor"
            yield _ours(what, log, taken, f"{STEP:,} folded, {rates}")
        taken = spent(lambda: read_folded(store.reader, view, "trueskill", log.battles), 5)
        yield _ours("TrueSkill: as stored, for a table", log, taken)


def _ours(what: str, log: BattleLog, taken: Spent, ran: str = "", target: float | None = None) -> Row:
    return Row("arena-tui", what, len(log.models), log.battles, taken, ran, target)


def peers(log: BattleLog, python: str, fastchat: Path | None) -> Iterator[Row]:
    """What bench/peers.py measures with that Python."""
    script = Path(__file__).with_name("peers.py")
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "log.npz"
        np.savez(file, models=np.array(log.models), a=log.a, b=log.b, outcome=log.outcome)
        command = [python, str(script), str(file), *(["--fastchat", str(fastchat)] if fastchat else [])]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            for line in process.stdout:
                facts = json.loads(line)
                taken = Spent(facts["wall"], facts["cpu"])
                yield Row(facts["program"], facts["what"], len(log.models), log.battles, taken, facts["ran"])
    if process.returncode:
        raise SystemExit(f"{python} {script.name} ended with {process.returncode}")


def measure(options: argparse.Namespace) -> Iterator[Row]:
    sizes = [int(text) for text in options.models.split(",")]
    for n_models in sizes:
        log = chance_log(n_models, options.battles, PROMPTS)
        path = store_of(log, options.workdir)
        yield from ours(log, path)
        yield ours_as_table(log, path)
        if not options.no_peers:
            yield from peers(log, options.peers, options.fastchat)
        fewer = chance_log(n_models, FEWER, PROMPTS)
        yield from ours(fewer, store_of(fewer, options.workdir))
        prompted = chance_log(n_models, OVER_PROMPTS, PROMPTS)
        yield from ours_over_prompts(prompted, store_of(prompted, options.workdir))
    fewer = chance_log(sizes[0], FEWER, PROMPTS)
    yield from ours_online(fewer, store_of(fewer, options.workdir))


def ratios(row: Row, rows: list[Row]) -> tuple[float, float] | None:
    """How many times as long as ours a peer takes, on the clock and on processors."""
    if row.program == "arena-tui":
        return None
    mine = next((one for one in rows if one.program == "arena-tui" and _same(one, row)), None)
    return mine and (row.spent.wall / mine.spent.wall, row.spent.cpu / mine.spent.cpu)


def _same(one: Row, other: Row) -> bool:
    return (one.what, one.models, one.battles) == (other.what, other.models, other.battles)


HEAD = (
    f"{'models':>6} {'battles':>9}  {'program':<28} {'what':<50} {'wall s':>9} {'cpu s':>9} {'target':>7}"
    f" {'wall':>9} {'cpu':>9}  how"
)


def line(row: Row, rows: list[Row]) -> str:
    times = ratios(row, rows)
    wall, cpu = ("", "") if times is None else (f"{ratio:,.1f}x" for ratio in times)
    target = "" if row.target is None else f"{row.target:.2f}"
    what = WORDS.get(row.what, row.what)
    return (
        f"{row.models:>6} {row.battles:>9,}  {row.program:<28} {what:<50} {row.spent.wall:>9.4f}"
        f" {row.spent.cpu:>9.4f} {target:>7} {wall:>9} {cpu:>9}  {row.ran}"
    ).rstrip()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--models", default="32,300", help="numbers of models, separated by commas")
    parser.add_argument("--battles", type=int, default=1_000_000)
    parser.add_argument("--workdir", type=Path, default=Path(tempfile.gettempdir()) / "arena-tui-bench")
    parser.add_argument(
        "--peers", default=sys.executable, metavar="PYTHON", help="a Python that has the others"
    )
    parser.add_argument("--fastchat", type=Path, metavar="FILE", help="rating_systems.py of FastChat")
    parser.add_argument("--no-peers", action="store_true", help="ours alone")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows: list[Row] = []
    if not options.json:
        print(machine_line(), HEAD, sep="\n")
    for row in measure(options):
        rows.append(row)
        if not options.json:
            print(line(row, rows), flush=True)
    if options.json:
        found = [asdict(row) | {"ratios": ratios(row, rows)} for row in rows]
        print(json.dumps({"machine": machine(), "rows": found}, indent=2))
    else:
        print(machine_line())


if __name__ == "__main__":
    main()
