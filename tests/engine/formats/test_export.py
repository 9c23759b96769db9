from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UserError
from engine.formats.arena import ArenaImporter
from engine.formats.exact import from_cell, from_text, to_cell, to_text
from engine.formats.export import Column, ColumnKind, ExportFormat, export_rows
from engine.formats.tables import Record, read
from tests.engine.formats.importing import run
from tests.engine.formats.test_fields import HOSTILE_NAMES

COLUMNS = (
    Column("text"),
    Column("whole", ColumnKind.INTEGER),
    Column("number", ColumnKind.NUMBER),
    Column("flag", ColumnKind.BOOLEAN),
    Column("nested", ColumnKind.JSON),
)
ANY_TEXT = st.text(st.characters(exclude_categories=())) | st.sampled_from(
    [
        "",
        "\r",
        "x\ry",
        "'",
        "''",
        "=1+1",
        "'=1",
        "-",
        "\t",
        "\r\n",
        "\\json:",
        '\\json:"x"',
        "'\\json:",
        "\ufeff",
        "a\x00b",
        "\ud800",
    ]
)
ROWS = st.fixed_dictionaries(
    {},
    optional={
        "text": st.none() | ANY_TEXT,
        "whole": st.none() | st.integers(-(2**63), 2**63 - 1),
        "number": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "flag": st.none() | st.booleans(),
        "nested": st.none() | st.lists(st.dictionaries(ANY_TEXT, ANY_TEXT, max_size=2), max_size=2),
    },
)
READ_CSV: dict[str, Any] = {
    "text": str,
    "whole": int,
    "number": float,
    "flag": {"true": True, "false": False}.__getitem__,
    "nested": json.loads,
}


def read_back(path: Path, form: ExportFormat) -> list[dict[str, Any]]:
    entries = list(read(path))
    assert all(isinstance(entry, Record) for entry in entries)
    rows = [entry.value for entry in entries if isinstance(entry, Record)]
    if form is ExportFormat.JSONL:
        return rows
    parse = READ_CSV if form is ExportFormat.CSV else {"nested": json.loads}
    return [
        {name: cell if cell is None or name not in parse else parse[name](cell) for name, cell in row.items()}
        for row in rows
    ]


@pytest.mark.parametrize("form", ExportFormat)
@given(rows=st.lists(ROWS, max_size=5))
@settings(max_examples=80, deadline=None)
def test_every_table_reads_back_exactly(form: ExportFormat, rows: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "t"
        assert export_rows(rows, COLUMNS, form, path) == len(rows)
        if rows or form is ExportFormat.PARQUET:
            expected = [{column.name: row.get(column.name) for column in COLUMNS} for row in rows]
            assert read_back(path, form) == expected


@given(ANY_TEXT)
def test_escapes_are_undone(text: str) -> None:
    assert from_text(to_text(text)) == text
    assert from_cell(to_cell(text)) == text
    to_cell(text).encode()
    assert "\0" not in to_cell(text)


FORMULAS = (
    "=SUM(A1)",
    "+1",
    "-1",
    "@x",
    "\tx",
    "\t=1",
    "\rx",
    "\r=1",
    "\n=1",
    "＝1+1",
    "＋1",
    "－1",
    "＠x",
    "'=1",
    "'",
)


def csv_cells(path: Path) -> list[str]:
    with path.open(newline="") as stream:
        return [row["text"] for row in csv.DictReader(stream)]


def test_nothing_in_a_csv_looks_like_a_formula(tmp_path: Path) -> None:
    rows = [{"text": text, "number": -1.5} for text in (*FORMULAS, "plain")]
    export_rows(rows, COLUMNS, ExportFormat.CSV, tmp_path / "t.csv")
    assert csv_cells(tmp_path / "t.csv") == [*(f"'{text}" for text in FORMULAS), "plain"]
    assert b",-1.5," in (tmp_path / "t.csv").read_bytes()  # a number is no formula


@given(ANY_TEXT)
def test_no_cell_of_a_csv_starts_as_a_formula_does(text: str) -> None:
    """The list is OWASP's (CSV Injection), written apart from ours."""
    assert to_cell(text)[:1] not in (
        "=",
        "+",
        "-",
        "@",
        "\t",
        "\r",
        "\n",
        "\uff1d",
        "\uff0b",
        "\uff0d",
        "\uff20",
    )


@pytest.mark.parametrize("text", ["a;=1+1", "a\t=1+1", '";=1+1;"', "a,=1+1", '"=1+1', "x\n=1+1", "x\r=1+1"])
def test_a_spreadsheet_that_parts_cells_at_other_marks_finds_none(text: str, tmp_path: Path) -> None:
    """LibreOffice parts at commas, semicolons and tabs alike, but never within quotes."""
    export_rows([{"text": text}], COLUMNS, ExportFormat.CSV, tmp_path / "t.csv")
    _, row, _ = (tmp_path / "t.csv").read_bytes().decode().split("\r\n")
    assert not any(cell.startswith("=") for cell in unquoted(row))
    assert csv_cells(tmp_path / "t.csv") == [text]


def unquoted(row: str) -> list[str]:
    """Cells of a line that are parted at any of three marks."""
    cells, quoted = [""], False
    for letter in row:
        quoted ^= letter == '"'
        if letter in ",;\t" and not quoted:
            cells.append("")
        else:
            cells[-1] += letter
    return [cell.removeprefix('"') for cell in cells]


def test_a_strangers_apostrophes_stay(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_text("text\n'=1\n")
    assert read_back(tmp_path / "t.csv", ExportFormat.JSONL) == [{"text": "'=1"}]


@pytest.mark.parametrize("form", ExportFormat)
def test_battles_with_hostile_names_come_back(form: ExportFormat, tmp_path: Path) -> None:
    names = ("question_id", "model_a", "model_b", "winner", "judge", "category", "arena")
    columns = [*map(Column, names), Column("margin", ColumnKind.NUMBER), Column("round", ColumnKind.INTEGER)]
    rows = [
        dict.fromkeys(names, hostile) | {"winner": "model_b", "margin": -2.5, "round": 3}
        for hostile in HOSTILE_NAMES
    ]
    export_rows(rows, columns, form, tmp_path / "battles")
    imported = run(ArenaImporter(), tmp_path / "battles")
    assert imported.reasons == {}
    read = [
        (b.prompt.name, b.model_a, b.model_b, b.judge, b.category, b.arena, b.margin, b.round)
        for b in imported.battles
    ]
    assert read == [(*([name] * 6), -2.5, 3) for name in HOSTILE_NAMES]


@pytest.mark.parametrize("form", ExportFormat)
def test_a_table_is_written_whole_or_not_at_all(form: ExportFormat, tmp_path: Path) -> None:
    out = tmp_path / "t"
    out.write_text("what stood there")

    def rows() -> Iterator[dict[str, Any]]:
        yield {"text": "x"}
        raise UserError("the store went away")

    with pytest.raises(UserError, match="went away"):
        export_rows(rows(), COLUMNS, form, out)
    assert out.read_text() == "what stood there"
    assert list(tmp_path.iterdir()) == [out]


def test_a_folder_that_does_not_exist_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="cannot write"):
        export_rows([], COLUMNS, ExportFormat.CSV, tmp_path / "none" / "t.csv")


@pytest.mark.parametrize("form", ExportFormat)
def test_nan_is_refused(form: ExportFormat, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"not a finite number|Out of range"):
        export_rows([{"number": float("nan")}], COLUMNS, form, tmp_path / "t")
