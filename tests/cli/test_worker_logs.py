"""The end of a worker's log, as `jobs logs` shows it."""

import os
from pathlib import Path

from arena_tui.detached import last_lines


def test_the_last_lines_of_a_log(tmp_path: Path) -> None:
    log = tmp_path / "worker.log"
    log.write_text("one\ntwo\nthree\n")
    assert last_lines(log, 2) == ["two", "three"]


def test_a_log_that_is_gone_has_no_lines(tmp_path: Path) -> None:
    assert last_lines(tmp_path / "worker.log", 2) == []


def test_a_pipe_is_no_log_and_is_not_waited_for(tmp_path: Path) -> None:
    pipe = tmp_path / "worker.log"
    os.mkfifo(pipe)
    assert last_lines(pipe, 2) == []
