from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from engine.errors import UsageError
from engine.formats.rows import SetAside
from engine.formats.tables import Record, columns, read


def records(path: Path) -> list[dict[str, object]]:
    return [entry.value for entry in read(path) if isinstance(entry, Record)]


def test_nested_dictionary_and_null_columns(tmp_path: Path) -> None:
    rows = [
        {
            "name": "a",
            "talk": [{"role": "user", "content": "x"}],
            "score": 1.5,
            "when": datetime.date(2024, 1, 2),
        },
        {"name": None, "talk": None, "score": None, "when": None},
        {"name": "a", "talk": [], "score": -0.0, "when": datetime.date(1969, 1, 2)},
    ]
    table = pa.Table.from_pylist(rows)
    table = table.set_column(0, "name", table.column("name").dictionary_encode())
    pq.write_table(table, tmp_path / "t.parquet")
    assert records(tmp_path / "t.parquet") == rows
    assert [entry.line for entry in read(tmp_path / "t.parquet")] == [1, 2, 3]
    assert columns(tmp_path / "t.parquet") == ("name", "talk", "score", "when")


def test_nan_in_a_column_of_numbers_is_null(tmp_path: Path) -> None:
    pq.write_table(pa.table({"score": [1.0, float("nan")], "name": ["nan", "x"]}), tmp_path / "t.parquet")
    assert records(tmp_path / "t.parquet") == [{"score": 1.0, "name": "nan"}, {"score": None, "name": "x"}]


def test_many_row_groups_are_read_in_order(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table({"n": list(range(20_000)), "text": ["x" * 300] * 20_000}), path, row_group_size=700
    )
    assert [row["n"] for row in records(path)] == list(range(20_000))


def test_bytes_that_are_no_utf8_set_their_row_aside(tmp_path: Path) -> None:
    broken = pa.array([b"ok", b"caf\xe9", b"fine"]).view(pa.string())
    pq.write_table(pa.table({"name": broken, "n": [1, 2, 3]}), tmp_path / "t.parquet")
    entries = list(read(tmp_path / "t.parquet"))
    assert [e.value["n"] for e in entries if isinstance(e, Record)] == [1, 3]
    assert [(e.line, e.reason) for e in entries if isinstance(e, SetAside)] == [
        (2, "text that cannot be decoded")
    ]


def test_a_cut_file_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(pa.table({"n": list(range(1000))}), path)
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UsageError, match="cannot be read as Parquet"):
        list(read(path))


def test_damage_in_the_middle_keeps_what_came_before(tmp_path: Path) -> None:
    path = tmp_path / "t.parquet"
    pq.write_table(
        pa.table({"n": list(range(30_000))}), path, row_group_size=10_000, write_page_checksum=True
    )
    content = bytearray(path.read_bytes())
    start = pq.ParquetFile(path).metadata.row_group(1).column(0).data_page_offset
    content[start : start + 400] = b"\xff" * 400
    path.write_bytes(bytes(content))
    entries = list(read(path))
    taken = [entry.value["n"] for entry in entries if isinstance(entry, Record)]
    assert taken == list(range(len(taken)))
    assert len(taken) <= 10_000
    assert isinstance(entries[-1], SetAside)
    assert "to 30000" in entries[-1].text


def test_columns_named_twice_are_an_error(tmp_path: Path) -> None:
    table = pa.Table.from_arrays([pa.array([1]), pa.array([2])], names=["winner", "winner"])
    pq.write_table(table, tmp_path / "t.parquet")
    with pytest.raises(UsageError, match="'winner'"):
        list(read(tmp_path / "t.parquet"))
