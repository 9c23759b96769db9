"""Files that mean harm, or met it: what can be used is taken, the rest is told by line, and memory stays bounded."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.commanding import command
from tests.e2e.programs import environment

MOST_MEGABYTES = 400
"""Of memory. A line may have 64 MB and is held a few times; Python and its packages take about 120."""


def row(question: str, **changes: object) -> dict[str, object]:
    return {"model_a": "ada", "model_b": "bob", "winner": "model_a", "question_id": question} | changes


def line(question: str, **changes: object) -> bytes:
    return json.dumps(row(question, **changes)).encode() + b"\n"


@dataclass(frozen=True)
class Imported:
    """What an import came to; `megabytes` is the most memory that it held."""

    code: int
    out: str
    err: str
    megabytes: float


MEASURED = """
import sys
from pathlib import Path
from arena_tui.cli.main import main
code = main(sys.argv[2:])
Path(sys.argv[1]).write_text(Path("/proc/self/status").read_text())
sys.exit(code)
"""


def imported(file: Path, store: Path) -> Imported:
    """Import battles in a process of its own, which tells the most memory that it had (VmHWM of proc_pid_status(5))."""
    told = store.with_name("status.txt")
    done = subprocess.run(
        [sys.executable, "-P", "-c", MEASURED, told, "import", "arena", file, "--json"],
        capture_output=True,
        text=True,
        env=environment(ARENA_TUI_STORE=str(store)),
        check=False,
    )
    (peak,) = (line.split()[1] for line in told.read_text().splitlines() if line.startswith("VmHWM:"))
    return Imported(done.returncode, done.stdout, done.stderr, int(peak) / 1024)


def a_gigabyte_between(path: Path, before: bytes, after: bytes) -> Path:
    """A file with a hole of a gigabyte, which reads as zeros and takes no disk."""
    with path.open("wb") as file:
        file.write(before)
        file.truncate(len(before) + (1 << 30))
        file.seek(0, os.SEEK_END)
        file.write(after)
    return path


def test_a_line_of_a_gigabyte(tmp_path: Path) -> None:
    file = a_gigabyte_between(tmp_path / "log.jsonl", line("q1"), b"\n" + line("q2"))
    done = imported(file, tmp_path / "arena.db")
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert facts["taken"]["battles"] == 2
    assert [(one["reason"], one["rows"], one["examples"][0]["line"]) for one in facts["set_aside"]] == [
        ("line too long", 1, 2)
    ]
    assert done.megabytes < MOST_MEGABYTES


def test_an_element_of_a_gigabyte(tmp_path: Path) -> None:
    file = a_gigabyte_between(tmp_path / "log.json", b"[" + line("q1") + b',"', b'",' + line("q2") + b"]")
    done = imported(file, tmp_path / "arena.db")
    assert done.code == 0, done.err
    facts = json.loads(done.out)
    assert facts["taken"]["battles"] == 1
    assert sum(one["rows"] for one in facts["set_aside"]) == 1
    assert done.megabytes < MOST_MEGABYTES


def gzip_bomb(path: Path) -> Path:
    member = gzip.compress(b" " * (8 << 20))
    path.write_bytes(gzip.compress(line("q1")) + member * 128)
    return path


def zstd_bomb(path: Path) -> Path:
    with pa.CompressedOutputStream(str(path), "zstd") as stream:
        stream.write(line("q1"))
        for _ in range(128):
            stream.write(b" " * (8 << 20))
    return path


@pytest.mark.parametrize("bomb", [gzip_bomb, zstd_bomb])
def test_a_bomb_is_told_and_not_unpacked(bomb: Callable[[Path], Path], tmp_path: Path) -> None:
    """A gigabyte of blanks in a megabyte, and in 30 kB."""
    file = bomb(tmp_path / "log.packed")
    done = imported(file, tmp_path / "arena.db")
    assert (done.code, done.out) == (1, "")
    assert "unpacks to more than 200 times its size" in done.err
    assert "Traceback" not in done.err
    assert done.megabytes < MOST_MEGABYTES


def test_a_zip_is_told_and_not_unpacked(tmp_path: Path) -> None:
    file = tmp_path / "log.zip"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("log.jsonl", b"0" * (64 << 20))
    done = imported(file, tmp_path / "arena.db")
    assert (done.code, "is a zip archive" in done.err) == (2, True)
    assert not (tmp_path / "arena.db").exists()
    assert done.megabytes < MOST_MEGABYTES / 2


def test_one_file_with_everything(tmp_path: Path) -> None:
    """Latin-1 among UTF-8, NUL, a duplicate, a contradiction, a cut last line: each by its line, and no row twice."""
    good = [
        line("q1"),
        line("q2", model_a="=SUM(A1)"),
        line("q3", model_b="a\x00b"),
        line("q4", category="\ud800"),
    ]
    bad = [
        line("q5").replace(b"ada", b"\xe9ric"),
        line("q6", winner="nobody"),
        line("q7", question_id="q7", id="i1"),
        b'{"model_a": NaN}\n',
        b"[" * 100_000 + b"\n",
        b'{"model_a": "a", "model_a": "b"}\n',
        b'{"model_a": "ada", "mod',
    ]
    file = tmp_path / "log.jsonl"
    file.write_bytes(b"".join([*good, *bad]))
    store = tmp_path / "arena.db"
    first = command("import", "arena", file, "--json", store=store).json
    lines = {example["line"]: one["reason"] for one in first["set_aside"] for example in one["examples"]}
    assert first["taken"]["battles"] == 5
    assert lines.keys() == {5, 6, 8, 9, 10, 11}
    assert lines[5] == "invalid UTF-8 (byte 0xe9)"
    assert lines[11] == "cut last line"
    again = command("import", "arena", file, "--json", store=store).json
    assert again["taken"]["battles"] == 0
    assert again["known"]["battles"] == 5
    assert again["set_aside"] == first["set_aside"]


def test_parquet_with_wrong_types(tmp_path: Path) -> None:
    """Numbers as names, a nested column as the winner: told, with no traceback and nothing half-taken."""
    file = tmp_path / "log.parquet"
    table = {
        "model_a": [1, 2],
        "model_b": [True, False],
        "winner": [["model_a"], None],
        "question_id": [1.5, None],
    }
    pq.write_table(pa.table(table), file)
    done = command("import", "arena", file, "--json", store=tmp_path / "arena.db")
    assert done.code == 1
    assert done.json["taken"].get("battles", 0) == 0
    assert sum(one["rows"] for one in done.json["set_aside"]) == 2
    assert "Traceback" not in done.err
