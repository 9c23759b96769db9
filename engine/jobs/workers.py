"""Workers: processes that are at a job, known by a random id and never by their pid or host alone."""

from __future__ import annotations

import os
import secrets
import socket
import time
from dataclasses import dataclass
from pathlib import Path

from engine.store.leases import Moment, boot_id
from engine.store.rows import encode, maybe
from engine.store.sqlite import Connection
from engine.store.store import Transaction


@dataclass(frozen=True, slots=True)
class Worker:
    """A process that works, known by a random id and never by its pid or host alone."""

    id: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True)
class Process:
    """Where and since when a worker's process runs, as its row says.

    Attributes:
        boot: the start of the machine under which it runs.
        namespace: the pid namespace; the same pid is another process in another container.
        started: by the clock of `process_start`.
    """

    host: str
    boot: str
    namespace: str
    pid: int
    started: float


def new_worker_id() -> str:
    """A random one."""
    return secrets.token_hex(8)


def register_worker(tx: Transaction, worker_id: str | None = None, log: Path | None = None) -> Worker:
    """A row for this process.

    Args:
        worker_id: what whoever started it calls it.
        log: the file that holds what it says.
    """
    worker = Worker(worker_id or new_worker_id(), socket.gethostname(), os.getpid())
    now = time.time()
    tx.connection.execute(
        "INSERT INTO workers(id, host, boot_id, pid_namespace, pid, pid_started_at, started_at, heartbeat_at, log)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            worker.id,
            encode(worker.host),
            boot_id(),
            pid_namespace(),
            worker.pid,
            process_start(worker.pid),
            now,
            now,
            maybe(None if log is None else os.fsdecode(log)),
        ),
    )
    return worker


def stop_worker(tx: Transaction, worker: Worker) -> None:
    """It takes no more jobs."""
    tx.connection.execute("UPDATE workers SET stopped_at = ? WHERE id = ?", (time.time(), worker.id))


def find_worker(connection: Connection, worker_id: str) -> bool:
    """Whether the store knows a worker."""
    row = connection.execute("SELECT 1 FROM workers WHERE id = ?", (worker_id,)).fetchone()
    return row is not None


def is_gone(process: Process, now: Moment) -> bool:
    """Whether a worker of this machine is surely dead. Of other machines and containers only the lease tells."""
    if process.host != socket.gethostname():
        return False
    if process.boot != now.boot:
        return True
    if process.namespace != pid_namespace():
        return False
    import psutil

    try:
        if abs(process_start(process.pid) - process.started) > 1.0:
            return True
        return bool(psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE)
    except (psutil.NoSuchProcess, ProcessLookupError):
        return True
    except psutil.AccessDenied:
        return False


def may_have_crashed(process: Process, now: Moment) -> bool:
    """Whether a worker that is gone, or whose lease ran out, may have been ended by its own work.

    Not where its machine was started anew since, which takes everybody along, nor where its process is still there
    and slept. Of other machines and containers nothing is known: a worker there is taken to have crashed.
    """
    if process.host != socket.gethostname():
        return True
    return process.boot == now.boot and (process.namespace != pid_namespace() or is_gone(process, now))


def pid_namespace() -> str:
    """Names the set of processes in which our pid means us; empty where there is but one."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def process_start(pid: int) -> float:
    """When a process started: on Linux in seconds since the machine did, which no setting of the clock moves.

    Raises:
        ProcessLookupError, psutil.NoSuchProcess: there is none.
    """
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        if Path("/proc/self/stat").exists():
            raise ProcessLookupError(pid) from None
        import psutil

        return float(psutil.Process(pid).create_time())
    # Behind the command's name in brackets, which may hold anything, the start is the 20th (proc_pid_stat(5)).
    return int(stat.rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")
