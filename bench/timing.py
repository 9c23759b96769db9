"""Seconds on the clock and on the processors. The second is what a busy machine leaves comparable."""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Spent:
    """What a piece of work took.

    Attributes:
        wall: seconds on the clock.
        cpu: seconds on processors, of all threads and of child processes that have ended.
    """

    wall: float
    cpu: float


def spent(work: Callable[[], object], times: int = 1, enough: float = 60.0) -> Spent:
    """The least of several runs, on the clock and on processors each; no further run after `enough` seconds."""
    runs: list[Spent] = []
    while len(runs) < times and sum(run.wall for run in runs) < enough:
        wall, cpu = time.perf_counter(), _cpu()
        work()
        runs.append(Spent(time.perf_counter() - wall, _cpu() - cpu))
    return Spent(min(run.wall for run in runs), min(run.cpu for run in runs))


def _cpu() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime


def machine() -> dict[str, Any]:
    """When and on what this runs. `load` is the average number of busy tasks of the last minute, others' among them."""
    threads = os.environ.get("OMP_NUM_THREADS")
    return {
        "date": time.strftime("%Y-%m-%d"),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "threads": int(threads) if threads else None,
        "load": round(os.getloadavg()[0], 1),
    }


def machine_line() -> str:
    """The same as a line above a table."""
    facts = machine()
    threads = f", OMP_NUM_THREADS={facts['threads']}" if facts["threads"] else ""
    return f"{facts['date']}; Python {facts['python']}, {facts['cores']} cores, load {facts['load']}{threads}"


class Progress:
    """One line of progress on stderr: on a terminal written over and over, in a pipe written once at its end."""

    def __init__(self) -> None:
        self._line = ""

    def show(self, line: str) -> None:
        self._line = line
        if sys.stderr.isatty():
            print(f"\r\033[K{line}", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        print("" if sys.stderr.isatty() else self._line, file=sys.stderr, flush=True)
