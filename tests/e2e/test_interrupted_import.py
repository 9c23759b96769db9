"""Ctrl-C in an import: what was read is kept, and importing again adds the rest."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from pathlib import Path

from tests.e2e.programs import Program, environment, read_terminal

REPOSITORY = Path(__file__).parents[2]
ROWS = 12_000


def test_an_interrupted_import_goes_on(tmp_path: Path) -> None:
    log, store = tmp_path / "log.csv", tmp_path / "arena.db"
    lines = ["model_a,model_b,winner,question_id", *(f"a,b,tie,q{i}" for i in range(ROWS))]
    log.write_text("\n".join(lines))
    code, seen = _interrupted(["import", "arena", log, "--store", store])
    assert code == 130
    assert b"What was read so far is kept" in seen
    assert b"Traceback" not in seen
    (first,) = json.loads(Program("imports", "list", "--json", "--store", store).text())
    assert (first["state"], 0 < first["taken"]["battles"] < ROWS) == ("unfinished", True)
    again = json.loads(Program("import", "arena", log, "--store", store, "--json").text())
    assert again["taken"]["battles"] == ROWS - first["taken"]["battles"]
    assert again["known"]["battles"] == first["taken"]["battles"]


def _interrupted(arguments: list[str | Path]) -> tuple[int, bytes]:
    """Run in a terminal up to the first rows, and press Ctrl-C there."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "tests.e2e.halting", *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(PYTHONPATH=str(REPOSITORY)),
        start_new_session=True,
    )
    os.close(slave)
    seen, pressed = b"", False
    while chunk := read_terminal(master):
        seen += chunk
        if b" rows in " in seen and not pressed:
            process.send_signal(signal.SIGINT)
            pressed = True
    os.close(master)
    return process.wait(timeout=120), seen
