from __future__ import annotations

import gzip
import json
from pathlib import Path

import pyarrow as pa
import pytest

from engine.errors import UsageError, UserError
from engine.formats.packed import Limits
from engine.formats.rows import SetAside
from engine.formats.tables import Record, read

ROWS = [{"n": n, "text": f"row {n}"} for n in range(1000)]
LINES = "".join(json.dumps(row) + "\n" for row in ROWS).encode()


def test_gzip_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl"
    path.write_bytes(gzip.compress(LINES[:100]) + gzip.compress(LINES[100:]))  # two members
    assert [entry.value for entry in read(path) if isinstance(entry, Record)] == ROWS


def test_zstd(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.zst"
    path.write_bytes(pa.compress(LINES, codec="zstd", asbytes=True))
    assert [entry.value for entry in read(path) if isinstance(entry, Record)] == ROWS


def test_a_cut_gzip_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    packed = gzip.compress(
        b"".join(json.dumps({"n": n, "h": hash(str(n))}).encode() + b"\n" for n in range(100_000))
    )
    path.write_bytes(packed[: len(packed) * 3 // 4])
    entries = list(read(path))
    taken = [entry.value["n"] for entry in entries if isinstance(entry, Record)]
    assert len(taken) > 1000
    assert taken == list(range(len(taken)))
    assert isinstance(entries[-1], SetAside)
    assert entries[-1].reason == "packed file is cut or damaged"


def test_damage_before_the_first_row_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(LINES)[:12])
    with pytest.raises(UsageError, match="cannot be unpacked"):
        list(read(path))


def test_a_bomb_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "bomb.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 2_000_000))
    with pytest.raises(UserError, match="more than 50 times its size"):
        list(read(path, limits=Limits(unpacked_bytes=1 << 20, unpack_ratio=50)))


def test_what_packs_well_is_no_bomb(tmp_path: Path) -> None:
    path = tmp_path / "rows.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"a": 1}\n' * 200_000))
    assert sum(1 for _ in read(path)) == 200_000


def test_a_zip_archive_is_an_error_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "rows.zip"
    path.write_bytes(b"PK\x03\x04" + b"\0" * 100)
    with pytest.raises(UsageError, match="zip archive"):
        list(read(path))
