"""Workers and attempts that earlier runs have left in the store, and processes of ours that run now."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from engine.doctor.finding import Finding, fine, warning
from engine.errors import StoreError
from engine.jobs.attempts import at_work
from engine.jobs.events import clock_time
from engine.store import Store, open_store
from engine.store.rows import decode


def leftover_findings(path: Path) -> Iterator[Finding]:
    """What a store says of work, held against the processes that there are; nothing where it cannot be read."""
    if not path.exists():
        return
    try:
        with open_store(path) as store:
            yield from _attempts(store)
    except StoreError:
        return  # it is told as the store's own state
    yield from _processes()


def _attempts(store: Store) -> Iterator[Finding]:
    jobs = store.reader.execute(
        "SELECT j.id, j.name FROM jobs j JOIN attempts a ON a.job_id = j.id WHERE a.state = 'running' ORDER BY j.id"
    ).fetchall()
    for job_id, name in jobs:
        found = at_work(store.reader, job_id)
        if found is None:
            continue
        who = f"process {found.worker.pid} on {found.worker.host}, since {clock_time(found.since)}"
        if found.lives:
            yield fine("jobs", f"job {job_id} ({decode(name)}) is being run by {who}")
        else:
            yield warning(
                "jobs",
                f"job {job_id} ({decode(name)}) was left by {who}: that worker is gone",
                f"Run its plan again, or: arena-tui worker --job {job_id}. Nothing that has landed is lost.",
            )
    (paused,) = store.reader.execute(
        "SELECT COUNT(*) FROM jobs WHERE state IN ('paused', 'unfinished')"
    ).fetchone()
    if paused:
        yield fine("jobs", f"{paused} paused or unfinished; see: arena-tui jobs list")


def _processes() -> Iterator[Finding]:
    """Processes of this program that run on this machine, besides this one and those that started it."""
    import psutil

    ours = {os.getpid(), *(one.pid for one in psutil.Process().parents())}
    for process in psutil.process_iter(["pid", "ppid", "cmdline", "create_time", "uids"]):
        facts = process.info
        if facts["pid"] in ours or not facts["uids"] or facts["uids"].real != os.getuid():
            continue
        words = facts["cmdline"] or []
        if _is_ours(words):
            said = " ".join(words[1:])[:120]
            alone = ", without the process that started it" if facts["ppid"] == 1 else ""
            since = clock_time(facts["create_time"])
            yield fine("processes", f"process {facts['pid']} runs since {since}{alone}: {said}")


def _is_ours(words: list[str]) -> bool:
    """Whether a command line starts this program."""
    if any(word == "-m" and words[at + 1 : at + 2] == ["arena_tui"] for at, word in enumerate(words)):
        return True
    return any(Path(word).name == "arena-tui" for word in words[:3])
