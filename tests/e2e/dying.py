"""`arena-tui`, but killed by itself (SIGKILL) at a named window that the environment names.

    DIE_AT='after responses 3' python -P -m tests.e2e.dying ARGUMENTS

A window is `before STEP` or `after STEP`: the step is about to be taken, or was taken, for the so manyth time. A step
that is part of a transaction dies inside it, before its commit; `after commit` dies behind a commit. `before rename`
has the whole file aside and its name not yet taken.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import wraps
from pathlib import Path
from typing import Any

from engine.battles import judging, responding
from engine.jobs import attempts, claiming, snapshots, worker
from engine.store import backup, battles, migrations, units
from engine.store.store import Store

VARIABLE = "DIE_AT"

STEPS: dict[str, tuple[object, str]] = {
    "submit": (claiming, "submit"),
    "claim": (attempts, "claim"),
    "settle": (claiming, "settle"),
    "lease": (attempts, "heartbeat"),
    "mark": (units, "take"),
    "unmark": (units, "let_go"),
    "blame": (units, "blame"),
    "responses": (responding, "land_responses"),
    "verdicts": (judging, "land_verdicts"),
    "battles": (judging, "land_battles"),
    "counts": (battles.CountDeltas, "apply"),
    "snapshot": (snapshots, "_replace"),
    "pause": (worker, "_pause"),
    "end": (attempts, "finish"),
    "copy": (backup, "_copy"),
    "rename": (Path, "replace"),
}


def die_at(window: str) -> None:
    """Arm one window."""
    place, step, number = window.split()
    die = _countdown(int(number))
    if step == "commit":
        Store.write = _dying_behind(Store.write, die)  # type: ignore[method-assign, assignment]
    elif step == "migration":
        migrations.STEPS = tuple(_dying(one, place, die) for one in migrations.STEPS)
    else:
        owner, name = STEPS[step]
        setattr(owner, name, _dying(getattr(owner, name), place, die))


def _dying(taken: Callable[..., Any], place: str, die: Callable[[], None]) -> Callable[..., Any]:
    @wraps(taken)
    def taking(*arguments: Any, **options: Any) -> Any:
        if place == "before":
            die()
        result = taken(*arguments, **options)
        if place == "after":
            die()
        return result

    return taking


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
    worker.REQUEST_SECONDS = 0.01
    die_at(os.environ[VARIABLE])
    sys.exit(main(sys.argv[1:]))
