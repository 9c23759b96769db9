"""`arena-tui`, but killed by itself (SIGKILL) at a named window.

    python -m tests.engine.jobs.dying WINDOW NUMBER ARGUMENTS

A window is `before NAME` or `after NAME`: the step is about to be taken, or was taken, for the NUMBERth time. Steps
that are part of a transaction die inside it, before its commit; `after commit` dies behind a commit.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from engine.battles import judging, responding
from engine.jobs import attempts, snapshots
from engine.store import battles
from engine.store.store import Store

STEPS: dict[str, tuple[object, str]] = {
    "claim": (attempts, "claim"),
    "lease": (attempts, "heartbeat"),
    "responses": (responding, "land_responses"),
    "verdicts": (judging, "land_verdicts"),
    "battles": (judging, "land_battles"),
    "counts": (battles.CountDeltas, "apply"),
    "snapshot": (snapshots, "_replace"),
    "end": (attempts, "finish"),
}


def die_at(window: str, number: int) -> None:
    """Arm one window."""
    place, step = window.split()
    die = _countdown(number)
    if step == "commit":
        Store.write = _dying_behind(Store.write, die)  # type: ignore[method-assign, assignment]
        return
    owner, name = STEPS[step]
    taken = getattr(owner, name)

    def taking(*arguments: Any, **options: Any) -> Any:
        if place == "before":
            die()
        result = taken(*arguments, **options)
        if place == "after":
            die()
        return result

    setattr(owner, name, taking)


def _countdown(number: int) -> Callable[[], None]:
    left = [number]

    def die() -> None:
        left[0] -= 1
        if not left[0]:
            os.kill(os.getpid(), signal.SIGKILL)

    return die


def _dying_behind(
    write: Callable[..., AbstractContextManager[Any]], die: Callable[[], None]
) -> Callable[..., AbstractContextManager[Any]]:
    @contextmanager
    def writing(*arguments: Any, **options: Any) -> Iterator[Any]:
        with write(*arguments, **options) as tx:
            yield tx
        die()

    return writing


if __name__ == "__main__":
    from arena_tui.cli.main import main

    attempts.HEARTBEAT_SECONDS = 0.05
    die_at(sys.argv[1], int(sys.argv[2]))
    sys.exit(main(sys.argv[3:]))
