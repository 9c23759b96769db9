"""Ctrl-C in an import: what was read is kept, and importing again adds the rest."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
from pathlib import Path

from tests.e2e.programs import PROGRAM, Program, environment, read_terminal

ROWS = 30_000


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
    """Run in a terminal, and press Ctrl-C as soon as rows are counted."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [*PROGRAM, *arguments],
        stdin=slave,
        stdout=slave,
        stderr=slave,
        env=environment(),
        start_new_session=True,
    )
    os.close(slave)
    seen = b""
    while chunk := read_terminal(master):
        if b" rows in " in chunk and b" rows in " not in seen:
            process.send_signal(signal.SIGINT)
        seen += chunk
    os.close(master)
    return process.wait(timeout=120), seen
