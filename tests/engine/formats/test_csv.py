from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.formats.rows import SetAside
from engine.formats.tables import Kind, Limits, Record, columns, detect, first_look, read


def written(tmp_path: Path, content: str | bytes, name: str = "t.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def values(path: Path) -> list[dict[str, str]]:
    return [entry.value for entry in read(path) if isinstance(entry, Record)]


def set_aside(path: Path, limits: Limits = Limits()) -> list[tuple[int, str]]:  # noqa: B008
    return [(e.line, e.reason) for e in read(path, limits=limits) if isinstance(e, SetAside)]


def test_cells_are_kept_exactly(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,b\n" x ","two\r\nlines, ""quoted"""\n\x00nul,é\n')
    assert values(path) == [{"a": " x ", "b": 'two\r\nlines, "quoted"'}, {"a": "\x00nul", "b": "é"}]


def test_lines_are_where_rows_start(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,b\n1,"x\ny"\n\n2,z\n')
    assert [entry.line for entry in read(path)] == [2, 5]


@pytest.mark.parametrize("delimiter", [",", "\t", ";", "|"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str) -> None:
    path = written(tmp_path, f"model_a{delimiter}winner\n=SUM(A1){delimiter}nan\n")
    assert values(path) == [{"model_a": "=SUM(A1)", "winner": "nan"}]


def test_a_row_of_another_width_is_set_aside(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1,2\n1,2,3\n1\n3,4\n")
    assert set_aside(path) == [(3, "3 cells where the header has 2"), (4, "1 cells where the header has 2")]
    assert len(values(path)) == 2


def test_a_cut_quote_is_set_aside(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,b\n1,2\n3,"cut in the mid')
    assert values(path) == [{"a": "1", "b": "2"}]
    assert set_aside(path) == [(3, "cut: a quote is never closed")]


def test_text_after_a_quote_is_set_aside_and_reading_goes_on(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,b\n"x"y,2\n3,4\n')
    [(line, reason)] = set_aside(path)
    assert line == 2
    assert reason.startswith("broken quoting")
    assert values(path) == [{"a": "3", "b": "4"}]


def test_invalid_utf8_is_set_aside_with_its_byte(tmp_path: Path) -> None:
    path = written(tmp_path, b"a,b\ncaf\xe9,1\nok,2\n")
    [entry] = [e for e in read(path) if isinstance(e, SetAside)]
    assert (entry.line, entry.reason) == (2, "invalid UTF-8 (byte 0xe9)")
    assert "caf\\xe9" in entry.text
    assert values(path) == [{"a": "ok", "b": "2"}]


def test_a_line_that_is_too_long_is_set_aside_with_bounded_memory(tmp_path: Path) -> None:
    limits = Limits(line_bytes=1000)
    path = written(tmp_path, "a,b\n1," + "x" * 5000 + "\n3,4\n")
    assert set_aside(path, limits) == [(2, "line too long")]
    assert [e.value for e in read(path, limits=limits) if isinstance(e, Record)] == [{"a": "3", "b": "4"}]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_byte_order_marks(tmp_path: Path, encoding: str) -> None:
    text = "naïve,模型\n1,😀\n"
    mark = "\ufeff" if encoding in ("utf-16-le", "utf-16-be") else ""
    path = written(tmp_path, (mark + text).encode(encoding))
    assert values(path) == [{"naïve": "1", "模型": "😀"}]


def test_utf16_cut_in_a_character_loses_only_its_last_row(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1,2\n3,4".encode("utf-16")[:-1])
    assert values(path) == [{"a": "1", "b": "2"}]
    assert [line for line, _ in set_aside(path)] == [3]


def test_columns_named_twice_are_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="'winner'"):
        list(read(written(tmp_path, "winner,a,winner\n1,2,3\n")))


def test_a_header_alone_has_columns_and_no_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n")
    assert columns(path) == ("a", "b")
    assert list(read(path)) == []


@pytest.mark.parametrize("content", [b"", b"  \n \n"])
def test_an_empty_file_is_an_error(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UsageError, match="is empty"):
        detect(written(tmp_path, content))


def test_a_folder_and_a_missing_file_are_errors(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"):
        detect(tmp_path)
    with pytest.raises(UsageError, match="cannot open"):
        detect(tmp_path / "none.csv")


def test_a_cell_longer_than_csvs_own_limit(tmp_path: Path) -> None:
    path = written(tmp_path, f'a,b\n1,"{"x" * 200_000}"\n')
    assert len(values(path)[0]["b"]) == 200_000


def test_quoted_headers_are_csv_whatever_the_name(tmp_path: Path) -> None:
    assert detect(written(tmp_path, '"a","b"\n1,2\n', "t.jsonl")) is Kind.CSV


def test_line_ends_of_an_old_mac(tmp_path: Path) -> None:
    path = written(tmp_path, 'a,b\r1,2\r"x\ry, ""z""",3\r\r4\r5,6')
    assert columns(path) == ("a", "b")
    assert values(path) == [{"a": "1", "b": "2"}, {"a": 'x\ry, "z"', "b": "3"}, {"a": "5", "b": "6"}]
    assert set_aside(path) == [(6, "1 cells where the header has 2")]


def test_an_old_macs_line_that_is_too_long_is_set_aside(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\r1," + "x" * 3_000_000 + "\r3,4\r")
    assert set_aside(path, Limits(line_bytes=1000)) == [(2, "line too long")]
    assert [e.value for e in read(path, limits=Limits(line_bytes=1000)) if isinstance(e, Record)] == [
        {"a": "3", "b": "4"}
    ]


@pytest.mark.parametrize("content", ["a,b\r\r\n1,2\r\r\n", 'a,"b"\r\n1,2\r\n', "\n\na,b\n1,2"])
def test_windows_line_ends_are_no_macs(tmp_path: Path, content: str) -> None:
    assert values(written(tmp_path, content)) == [{"a": "1", "b": "2"}]


def test_a_bare_cr_in_a_later_row_is_set_aside_in_words(tmp_path: Path) -> None:
    path = written(tmp_path, "a,b\n1,x\ry\n3,4\n")
    assert set_aside(path) == [(2, "a line end (CR or LF) inside a cell without quotes")]
    assert values(path) == [{"a": "3", "b": "4"}]


def test_a_header_of_one_word_longer_than_csvs_own_limit(tmp_path: Path) -> None:
    assert columns(written(tmp_path, "x" * 200_000 + "\n")) == ("x" * 200_000,)


@given(st.binary(min_size=1, max_size=60))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_are_read_or_refused(tmp_path: Path, content: bytes) -> None:
    try:
        list(read(written(tmp_path, b"a,b" + content)))
        first_look(written(tmp_path, content))
    except UsageError:
        pass
