"""Programs run on a file system made for the test: a small disk, a read-only mount. Where mounting is not allowed the
test is skipped, and says so."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}


def run_on_small_disk(folder: Path, megabytes: int, script: str) -> str:
    """What `script` prints, run with `folder` as its argument, which is a disk of that size for it alone."""
    mounting = f'mount -t tmpfs -o size={megabytes}m none "{folder}" && exec "$@"'
    done = _run_in_namespace(mounting, script, str(folder))
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def _run_in_namespace(mounting: str, script: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    if not may_mount():
        pytest.skip("not allowed to mount")
    command = [*unshare(), "sh", "-c", mounting, "sh", sys.executable, "-c", script, *arguments]
    return subprocess.run(command, env=ENVIRONMENT, capture_output=True, text=True, check=False)


def may_mount() -> bool:
    """Whether a file system can be mounted in a namespace of its own."""
    if shutil.which("unshare") is None:
        return False
    trial = [*unshare(), "sh", "-c", "mount -t tmpfs none /mnt"]
    return subprocess.run(trial, capture_output=True, check=False).returncode == 0


def unshare() -> list[str]:
    """The words that give a command mounts of its own."""
    return ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--mount", "--map-root-user"]
