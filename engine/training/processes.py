"""Processes of ours, known by an id in their environment that every descendant inherits, sessions or not.

A pid alone may be another's by the time one looks: a process is known by pid and start time, and one is only ever
ended whose environment carries the id.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

import psutil

OWNER = "ARENA_TUI_OWNER"

GRACE_S = 5.0
"""Between asking a process to end and ending it."""


def new_owner() -> str:
    """An id that no other run has."""
    return secrets.token_hex(16)


def owned(owner: str) -> list[psutil.Process]:
    """Every living process that carries an owner's id, but for this one and those that started it."""
    ours = {os.getpid(), *(each.pid for each in psutil.Process().parents())}
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if (
                process.pid not in ours
                and process.environ().get(OWNER) == owner
                and process.status() != psutil.STATUS_ZOMBIE
            ):
                found.append(process)
    return found


def end_owned(owner: str, grace_s: float = GRACE_S) -> int:
    """End every process that carries the id, and those that they start meanwhile: first asked, then made to.

    Returns:
        How many there were.
    """
    ended: set[int] = set()
    deadline = time.monotonic() + grace_s
    while processes := owned(owner):
        fresh = [each for each in processes if each.pid not in ended]
        ended |= {each.pid for each in processes}
        over = time.monotonic() >= deadline
        _signal(processes if over else fresh, signal.SIGKILL if over else signal.SIGTERM)
        psutil.wait_procs(processes, timeout=0.1)
    return len(ended)


def started_by() -> dict[str, float | int]:
    """This process, so that it can be told from a later one of the same number."""
    return {"pid": os.getpid(), "since": psutil.Process().create_time()}


def is_alive(pid: int, since: float) -> bool:
    """Whether the process of that number that began then still runs."""
    try:
        return bool(abs(psutil.Process(pid).create_time() - since) < 1.0)
    except psutil.Error:
        return False


def child_environment(owner: str, *, safe_path: bool = True) -> dict[str, str]:
    """Of a process that we start: its owner, and no file of the folder it runs in taken for ours."""
    environment = {**os.environ, OWNER: owner}
    environment.pop("PYTHONSAFEPATH", None)
    if safe_path:
        environment["PYTHONSAFEPATH"] = "1"
    return environment


def start_guarded(
    command: list[str], environment: Mapping[str, str], log: Path, owner: str
) -> subprocess.Popen[bytes]:
    """Start a command below a guard that ends it, and all that it started, when this process is gone.

    The guard holds the reading end of a pipe: whatever ends us closes the writing end. It leads a session of its
    own, so that a closed terminal reaches neither.

    Args:
        log: gets what the command prints.
    """
    with log.open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-P", "-m", "engine.training.guard", owner, *command],
            stdin=subprocess.PIPE,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**environment, OWNER: owner},
            start_new_session=True,
        )


def _signal(processes: Iterable[psutil.Process], which: int) -> None:
    for process in processes:
        with contextlib.suppress(psutil.Error):
            process.send_signal(which)
