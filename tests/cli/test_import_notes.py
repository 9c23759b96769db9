"""What an import says of files that hold less than they should."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.commanding import command

BATTLES = [
    {"model_a": "ada", "model_b": "bob", "winner": "model_a", "prompt": f"question {i} {i * 7919 % 1009}"}
    for i in range(300)
]
HEADER = "model_a,model_b,winner,prompt\n"


def test_a_header_alone_has_no_rows(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(HEADER)
    store = tmp_path / "arena.db"
    landed = command("import", "arena", log, store=store)
    assert landed.code == 1
    assert "there are no rows to import" in landed.out
    assert "there are no rows to import" in command("import", "arena", log, "--dry-run").out


def test_rows_of_which_none_is_usable_are_told_apart_from_none(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text(HEADER + "ada,bob,maybe,p\n")
    landed = command("import", "arena", log, store=tmp_path / "arena.db")
    assert landed.code == 1
    assert "nothing of it could be used" in landed.out


def as_csv() -> bytes:
    rows = (f'{row["model_a"]},{row["model_b"]},{row["winner"]},"{row["prompt"]}"\n' for row in BATTLES)
    return (HEADER + "".join(rows)).encode()


def as_lines() -> bytes:
    return "".join(json.dumps(row) + "\n" for row in BATTLES).encode()


def as_list() -> bytes:
    return json.dumps(BATTLES).encode()


@pytest.mark.parametrize(
    ("name", "content", "left"),
    [("log.csv", as_csv, 4), ("log.jsonl", as_lines, 9), ("log.json", as_list, 9)],
)
def test_a_cut_file_says_what_to_do_and_that_helps(
    tmp_path: Path, name: str, content: Callable[[], bytes], left: int
) -> None:
    log, store = tmp_path / name, tmp_path / "arena.db"
    log.write_bytes(content()[:-left])
    before = command("import", "arena", log, "--dry-run", width=200)
    assert "a file seems to be cut: get it whole and import that" in before.out
    cut = command("import", "arena", log, store=store, width=200)
    assert cut.code == 0, cut.err
    assert "take this import back (arena-tui imports undo 1) and import that" in cut.out
    assert command("imports", "undo", "1", store=store).code == 0
    log.write_bytes(content())
    assert command("import", "arena", log, store=store).code == 0
    kept = command("verdicts", "list", "--limit", "1000", "--json", store=store).json
    assert len(kept) == len(BATTLES)


def test_a_whole_file_with_other_faults_is_not_called_cut(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_bytes(as_csv() + b"ada,bob,maybe,p\n")
    landed = command("import", "arena", log, store=tmp_path / "arena.db", width=200)
    assert "--values" in landed.out
    assert "cut" not in landed.out
