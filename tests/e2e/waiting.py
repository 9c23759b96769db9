"""Waiting for what other processes do, with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import psutil

from engine.errors import StoreError
from engine.jobs.jobs import Job, read_job
from engine.store import open_store

T = TypeVar("T")

DEADLINE = 90.0
"""Seconds after which it will not come any more."""


def until(look: Callable[[], T | None], what: str) -> T:
    """What `look` returns as soon as it is something."""
    deadline = time.monotonic() + DEADLINE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.02)
    raise AssertionError(f"it never came: {what}")


def until_job(store: Path, holds: Callable[[Job], bool], what: str, job: int = 1) -> Job:
    """The job as soon as something holds of it."""

    def look() -> Job | None:
        try:
            with open_store(store) as opened:
                found = read_job(opened.reader, job)
        except StoreError:
            return None  # not yet
        return found if holds(found) else None

    return until(look, f"job {job}: {what}")


def until_state(store: Path, state: str, job: int = 1) -> Job:
    """The job as soon as it is in a state."""
    return until_job(store, lambda found: found.state == state, state, job)


def until_gone(pid: int) -> None:
    """Until a process that is nobody's child here is gone."""

    def gone() -> bool:
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    until(gone, f"the end of process {pid}")
