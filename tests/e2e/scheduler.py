"""A stand-in for a Slurm scheduler: it runs one batch script at a time, signals it, kills it, and requeues it.

Each start has a new local disk, as on another node. What `scontrol requeue` asks for is noted in a file by a program
of that name that stands first in the PATH.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.e2e.programs import environment

KILL_WAIT_SECONDS = 5.0
"""From TERM to KILL; Slurm's KillWait is 30."""

SCONTROL = """#!/bin/sh
echo "$@" >> "$SCHEDULER_FOLDER/scontrol"
"""


@dataclass
class Scheduler:
    """One job of a cluster.

    Attributes:
        starts: how often the job was started.
        requeued: what `scontrol` was asked, in order.
    """

    folder: Path
    script: Path
    arguments: tuple[str, ...]
    job_id: int = 7
    starts: int = 0
    process: subprocess.Popen[str] | None = None
    codes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        programs = self.folder / "bin"
        programs.mkdir(parents=True)
        (programs / "scontrol").write_text(SCONTROL)
        (programs / "scontrol").chmod(0o755)
        (self.folder / "home").mkdir()

    @property
    def requeued(self) -> list[str]:
        noted = self.folder / "scontrol"
        return noted.read_text().splitlines() if noted.exists() else []

    @property
    def mirror(self) -> Path:
        return self.folder / "home" / "arena" / "arena"

    def start(self) -> None:
        """Start the job on the next node, in a group of processes of its own."""
        node = self.folder / f"node{self.starts}"
        node.mkdir()
        self.starts += 1
        paths = [str(self.folder / "bin"), str(Path(sys.executable).parent), os.environ["PATH"]]
        self.process = subprocess.Popen(
            ["bash", str(self.script), *self.arguments],
            cwd=self.folder,
            env=environment(
                PATH=":".join(paths),
                HOME=str(self.folder / "home"),
                SCHEDULER_FOLDER=str(self.folder),
                SLURM_JOB_ID=str(self.job_id),
                SLURM_JOB_NAME="arena",
                SLURM_TMPDIR=str(node),
                SLURM_RESTART_COUNT=str(self.starts - 1),
            ),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    def warn(self) -> None:
        """The time limit is near: USR1 to the script alone, as `--signal=B:USR1@300` says."""
        assert self.process is not None
        self.process.send_signal(signal.SIGUSR1)

    def preempt(self) -> None:
        """TERM to all processes of the job."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGTERM)

    def fail_node(self) -> None:
        """All processes are gone at once."""
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)

    def wait(self, seconds: float = 60.0) -> str:
        """Wait for the script, and kill the job when that takes longer. What it said."""
        assert self.process is not None
        try:
            said, _ = self.process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)
            said, _ = self.process.communicate()
        self.codes.append(self.process.returncode)
        return said

    def end(self) -> None:
        """Leave no process behind."""
        if self.process is not None and self.process.poll() is None:
            self.fail_node()
            self.process.communicate()
