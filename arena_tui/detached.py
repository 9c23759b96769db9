"""Starting a worker that outlives its terminal: a session of its own, no input, its words in a file by the store."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StoreError, UserError
from engine.jobs.workers import find_worker, new_worker_id
from engine.store import open_store

START_SECONDS = 60.0
_LOOK_SECONDS = 0.05
_TOLD_LINES = 12


@dataclass(frozen=True, slots=True)
class Started:
    """A worker that is at work.

    Attributes:
        worker: its id in the store.
        log: the file that holds what it says.
    """

    worker: str
    pid: int
    log: Path


def start_worker(store: Path, options: Sequence[str] = ()) -> Started:
    """Start a worker on a store, and wait until the store knows it.

    Its keys come from this process's environment. Its file is a user's own, for texts of models may stand in it.

    Args:
        options: of `arena-tui worker`.

    Raises:
        StoreError: its log cannot be written.
        UserError: it did not come so far; with the end of its log.
    """
    store = store.resolve()
    worker = new_worker_id()
    log = store.with_name(f"{store.name}.worker-{worker}.log")
    command = [sys.executable, "-P", "-m", "arena_tui", "worker", "--foreground", "--store", str(store)]
    try:
        descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    except OSError as error:
        raise StoreError(f"the worker's log {log} cannot be made", error.strerror or str(error)) from error
    try:
        process = subprocess.Popen(
            [*command, "--id", worker, "--log", str(log), *options],
            stdin=subprocess.DEVNULL,
            stdout=descriptor,
            stderr=descriptor,
            start_new_session=True,
            env=os.environ | {"PYTHONSAFEPATH": "1"},
        )
    finally:
        os.close(descriptor)
    _wait_until_known(store, worker, process, log)
    return Started(worker, process.pid, log)


def _wait_until_known(store: Path, worker: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    with open_store(store) as opened:
        while not find_worker(opened.reader, worker):
            if process.poll() is not None or time.monotonic() > deadline:
                raise UserError(
                    "the worker did not start", "\n".join(last_lines(log, _TOLD_LINES)), f"Its log: {log}"
                )
            time.sleep(_LOOK_SECONDS)


def last_lines(log: Path, count: int) -> list[str]:
    """The end of a log, which may be long; nothing of one that is gone. A store of somebody else's may name anything
    as its log, such as a pipe on which we would wait for ever."""
    try:
        if not log.is_file():
            return []
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 200 * count))
            text = file.read().decode("utf-8", "replace")
    except OSError:
        return []
    return text.splitlines()[-count:]
