"""Graphics cards, and whether the installed torch can use them. torch itself is asked in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata

from engine.doctor.finding import Finding, fine, warning

TIMEOUT_SECONDS = 60

_ASK_TORCH = (
    "import torch; print(torch.version.cuda or '', torch.cuda.is_available(), torch.cuda.device_count())"
)
_SMI = (
    "nvidia-smi",
    "--query-gpu=name,memory.total,memory.used,driver_version",
    "--format=csv,noheader,nounits",
)


def gpu_findings() -> Iterator[Finding]:
    """The cards that the driver shows, and torch's word on them where there are any."""
    if shutil.which(_SMI[0]) is None:
        yield fine("CUDA", "no NVIDIA driver: models run on the processor, or on servers elsewhere")
        return
    said = _run(_SMI)
    cards = [line.split(", ") for line in said.stdout.splitlines() if line.count(", ") == 3]
    if said.returncode or not cards:
        yield warning(
            "CUDA", f"nvidia-smi fails: {_last_line(said)}", "See to the driver, if cards are to be used."
        )
        return
    for number, (name, total, used, driver) in enumerate(cards):
        yield fine("CUDA", f"card {number}: {name}, {used} of {total} MiB in use, driver {driver}")
    yield _torch_finding()


def _torch_finding() -> Finding:
    try:
        version = metadata.version("torch")
    except metadata.PackageNotFoundError:
        return fine(
            "torch", "not installed: nothing runs on the cards from here (pip install 'arena-tui[train]')"
        )
    asked = _run((sys.executable, "-P", "-c", _ASK_TORCH))
    if asked.returncode:
        return warning("torch", f"{version} cannot be imported: {_last_line(asked)}", "Install it anew.")
    cuda, usable, count = asked.stdout.rstrip("\n").rsplit(" ", 2)
    if usable == "True":
        return fine("torch", f"{version} for CUDA {cuda} sees {count} cards")
    built = f"is built for CUDA {cuda}" if cuda else "is built without CUDA"
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    hidden = "" if visible is None else f"; CUDA_VISIBLE_DEVICES is '{visible}'"
    return warning(
        "torch",
        f"{version} {built} and sees no card{hidden}",
        "Install a build that fits the driver: pytorch.org",
    )


def _run(command: tuple[str, ...]) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=TIMEOUT_SECONDS)
    except (OSError, subprocess.TimeoutExpired) as error:
        return subprocess.CompletedProcess(command, 1, "", str(error))


def _last_line(said: subprocess.CompletedProcess[str]) -> str:
    lines = (said.stderr or said.stdout).strip().splitlines()
    return lines[-1] if lines else f"exit code {said.returncode}"
