"""Workers: processes that are at a job, known by a random id and never by their pid or host alone."""

from __future__ import annotations

import os
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from engine.store.rows import encode
from engine.store.store import Transaction


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that works, known by a random id and never by its pid or host alone."""

    id: str
    host: str
    pid: int


def register_worker(tx: Transaction) -> Worker:
    """A row for this process."""
    worker = Worker(secrets.token_hex(8), socket.gethostname(), os.getpid())
    now = time.time()
    tx.connection.execute(
        "INSERT INTO workers(id, host, boot_id, pid, pid_started_at, started_at, heartbeat_at) VALUES (?,?,?,?,?,?,?)",
        (worker.id, encode(worker.host), boot_id(), worker.pid, _process_start(worker.pid), now, now),
    )
    return worker


def boot_id() -> str:
    """Names this start of this machine, so that a pid of an earlier one is never taken for a living process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return f"boot-{psutil.boot_time():.0f}"


def is_gone(host: str, boot: str, pid: int, started: float) -> bool:
    """Whether a worker of this machine is surely dead. Of other machines only the lease tells."""
    if host != socket.gethostname():
        return False
    if boot != boot_id():
        return True
    import psutil

    try:
        process = psutil.Process(pid)
        is_other = abs(float(process.create_time()) - started) > 1.0
        return is_other or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
    except psutil.AccessDenied:
        return False


def _process_start(pid: int) -> float:
    import psutil

    return float(psutil.Process(pid).create_time())
