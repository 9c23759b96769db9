"""Three writers and eight readers on one store for ten minutes: who meets a lock, and how large does the -wal get?

    python bench/store_crowd.py [--seconds 600] [--writers 3] [--readers 8] [--json]

Each is a process of its own. A writer lands battles with texts as a run does, a handful in a transaction. Half of the
readers open the store for each look, as commands do; the others keep it open, as a console does, and one of these
holds each look for most of a second, the longest that any of ours may.
"""

from __future__ import annotations

import argparse
import json
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from timing import machine_line

from engine.battles.outcome import decide
from engine.keys import recorded_battle_key
from engine.ratings.stored import read_counts
from engine.ratings.views import find_view
from engine.records import Game, OnCut, OutcomeRule, Prompt, Verdict, VerdictKind, VerdictStatus
from engine.store import Store, open_store
from engine.store.battles import NewBattle, land_arena, land_battles
from engine.store.contestants import land_imported_player, land_recorded_judge
from engine.store.counts import differences
from engine.store.prompts import land_prompts
from engine.store.texts import intern
from engine.store.trace import list_battles

MODELS, PROMPTS = 12, 500
HANDFUL = 20
PAUSE_SECONDS = 0.02
"""Between transactions of a writer: about 700 battles a second in each."""
LOOK_PAUSE_SECONDS = 0.25
HELD_SECONDS = 0.8


@dataclass(frozen=True)
class Times:
    """How long something took, in seconds, and how often it was done."""

    count: int
    median: float
    p99: float
    longest: float

    @classmethod
    def of(cls, seconds: list[float]) -> Times:
        if not seconds:
            return cls(0, 0.0, 0.0, 0.0)
        found = sorted(seconds)
        return cls(len(found), found[len(found) // 2], found[len(found) * 99 // 100], found[-1])


def ground(path: Path) -> None:
    """Who takes part, and first battles for the readers to look at."""
    with open_store(path, writable=True) as store:
        with store.write() as tx:
            for number in range(MODELS):
                land_imported_player(tx, f"model {number}")
            land_prompts(tx, [Prompt(str(number), None, "crowd") for number in range(PROMPTS)])
        _land(store, random.Random(0), "ground")


def write(path: Path, name: str, seconds: float) -> list[float]:
    """Land handfuls until the time is over; how long each transaction took, the wait for others included."""
    chance, took, number = random.Random(name), [], 0
    with open_store(path, writable=True) as store:
        ends = time.monotonic() + seconds
        while time.monotonic() < ends:
            began = time.perf_counter()
            _land(store, chance, f"{name}/{number}")
            took.append(time.perf_counter() - began)
            number += 1
            time.sleep(PAUSE_SECONDS)
    return took


def _land(store: Store, chance: random.Random, name: str) -> None:
    with store.write() as tx:
        judge = land_recorded_judge(tx, "chance")
        arena = land_arena(tx, "crowd", OutcomeRule.MEAN_MARGIN, OnCut.JUDGE)
        intern(tx.connection, [f"{name} {n} " * 60 for n in range(HANDFUL)])
        land_battles(tx, arena, list(_battles(chance, judge.key, judge.id, name)))


def _battles(chance: random.Random, judge_key: str, judge_id: int, name: str) -> Iterator[NewBattle]:
    for n in range(HANDFUL):
        a, b = chance.sample(range(1, MODELS + 1), 2)
        verdict = Verdict(VerdictKind.WINNER, VerdictStatus.OK, chance.choice(["first", "second", "tie"]))
        decision = decide(OutcomeRule.MEAN_MARGIN, [Game(False, verdict)], 1)
        key = recorded_battle_key(judge_key, {"battle": f"{name}/{n}"})
        yield NewBattle(key, judge_id, chance.randrange(1, PROMPTS + 1), a, b, decision, n)


def read(path: Path, how: str, seconds: float) -> list[float]:
    """Look again and again until the time is over; how long each look took."""
    took, ends = [], time.monotonic() + seconds
    kept = None if how == "command" else open_store(path)
    while time.monotonic() < ends:
        began = time.perf_counter()
        if kept is None:
            with open_store(path) as store:
                _look(store)
        else:
            _look(kept)
        took.append(time.perf_counter() - began)
        if how == "held" and kept is not None:
            with kept.snapshot() as connection:
                connection.execute("SELECT COUNT(*) FROM arenas").fetchone()
                time.sleep(HELD_SECONDS)
        else:
            time.sleep(LOOK_PAUSE_SECONDS)
    return took


def _look(store: Store) -> None:
    """The counts that a table is made of and a page of battles, as a screen shows them."""
    with store.snapshot() as connection:
        read_counts(connection, find_view(connection, None, None, None))
        list_battles(connection, 1, 1, limit=50)


def main() -> None:
    said = _options()
    if said.role:
        work = {"write": write, "read": read}[said.role]
        took = work(said.store, said.name, said.seconds)
        print(json.dumps(asdict(Times.of(took))))
        return
    with tempfile.TemporaryDirectory(dir=said.workdir) as folder:
        facts = _crowd(Path(folder) / "arena.db", said.writers, said.readers, said.seconds)
    if said.json:
        print(json.dumps(facts, indent=1))
    else:
        _show(facts)
    sys.exit(1 if facts["failed"] else 0)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--writers", type=int, default=3)
    parser.add_argument("--readers", type=int, default=8)
    parser.add_argument("--workdir", type=Path, default=None)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--role", choices=["write", "read"], help=argparse.SUPPRESS)
    parser.add_argument("--name", default="", help=argparse.SUPPRESS)
    parser.add_argument("--store", type=Path, help=argparse.SUPPRESS)
    return parser.parse_args()


def _crowd(path: Path, writers: int, readers: int, seconds: float) -> dict[str, Any]:
    ground(path)
    hows = ["held", *("command" if n % 2 else "console" for n in range(1, readers))][:readers]
    crowd = [_start(path, "write", str(n), seconds) for n in range(writers)]
    crowd += [_start(path, "read", how, seconds) for how in hows]
    largest = _watch(path, crowd)
    said = [one.communicate() for one in crowd]
    failed = [
        err.strip().splitlines()[-1] for one, (_, err) in zip(crowd, said, strict=True) if one.returncode
    ]
    times = [json.loads(out) for one, (out, _) in zip(crowd, said, strict=True) if not one.returncode]
    with open_store(path) as store:
        (battles,) = store.reader.execute("SELECT COUNT(*) FROM battles").fetchone()
        unequal = differences(store.reader, 1)
        (sound,) = store.reader.execute("PRAGMA quick_check").fetchone()
    return {
        "machine": machine_line(),
        "seconds": seconds,
        "failed": failed + unequal + ([] if sound == "ok" else [sound]),
        "battles": battles,
        "store_mb": round(path.stat().st_size / 1e6, 1),
        "largest_wal_mb": round(largest / 1e6, 1),
        "writers": times[:writers],
        "readers": times[writers:],
    }


def _start(path: Path, role: str, name: str, seconds: float) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        __file__,
        "--role",
        role,
        "--name",
        name,
        "--store",
        str(path),
        "--seconds",
        str(seconds),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def _watch(path: Path, crowd: list[subprocess.Popen[str]]) -> int:
    """The largest -wal that was seen while anybody ran, in bytes."""
    wal, largest = path.with_name(f"{path.name}-wal"), 0
    while any(one.poll() is None for one in crowd):
        largest = max(largest, wal.stat().st_size if wal.exists() else 0)
        time.sleep(0.05)
    return largest


def _show(facts: dict[str, Any]) -> None:
    print(facts["machine"])
    print(f"{facts['battles']:,} battles in {facts['seconds']:g} s, a store of {facts['store_mb']} MB")
    print(f"largest -wal {facts['largest_wal_mb']} MB")
    for role in ("writers", "readers"):
        for one in facts[role]:
            print(
                f"  {role[:-1]}: {one['count']:,} times, median {one['median'] * 1e3:.1f} ms,"
                f" 99 of 100 within {one['p99'] * 1e3:.0f} ms, longest {one['longest'] * 1e3:.0f} ms"
            )
    print("\n".join(facts["failed"]) or "nobody met a lock; counts equal a recount; the file is sound")


if __name__ == "__main__":
    main()
