"""Starts a stage as a program of its own, so that a test can kill whoever started it.

`python -m tests.engine.training.launching SPEC`.
"""

from __future__ import annotations

import sys
from pathlib import Path

from engine.training.launcher import run_stage
from engine.training.spec import StageSpec

if __name__ == "__main__":
    run_stage(StageSpec.read(Path(sys.argv[1])))
