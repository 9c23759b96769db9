from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.formats.packed import BLOCK_BYTES
from engine.formats.rows import SetAside
from engine.formats.tables import Kind, Limits, Record, columns, detect, read

HOSTILE = ["\ud800", "a\x00b", "\u202e", "=SUM(A1)", "nan", "<b>[/b]", "é", "e\u0301", "x" * 5000, ""]


def written(tmp_path: Path, content: str | bytes, name: str) -> Path:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def records(path: Path, **options: object) -> list[dict[str, object]]:
    return [entry.value for entry in read(path, **options) if isinstance(entry, Record)]  # type: ignore[arg-type]


def set_aside(path: Path, **options: object) -> list[tuple[int, str]]:
    return [(e.line, e.reason) for e in read(path, **options) if isinstance(e, SetAside)]  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["t.jsonl", "t.json"])
def test_hostile_texts_are_kept_exactly(tmp_path: Path, name: str) -> None:
    rows = [{"text": text} for text in HOSTILE]
    content = "\n".join(map(json.dumps, rows)) if name == "t.jsonl" else json.dumps(rows)
    assert records(written(tmp_path, content, name)) == rows


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"a": }', "broken JSON: Expecting value"),
        ('{"a": 1} {"a": 2}', "broken JSON: Extra data"),
        ('{"a": NaN}', "broken JSON: NaN is not JSON"),
        ('{"a": -Infinity}', "broken JSON: -Infinity is not JSON"),
        ('{"winner": "model_a", "winner": "model_b"}', "broken JSON: a key stands twice"),
        ('{"a": {"b": 1, "b": 1}}', "broken JSON: a key stands twice"),
        ("[1]", "not an object"),
        ('"text"', "not an object"),
        ("null", "not an object"),
        ('{"a": ' + "9" * 5000 + "}", "broken JSON: a number is too long"),
        ('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}", "broken JSON: nested too deeply"),
    ],
)
def test_a_bad_line_is_set_aside_and_reading_goes_on(tmp_path: Path, line: str, reason: str) -> None:
    path = written(tmp_path, f'{{"a": 0}}\n{line}\n{{"a": 3}}\n', "t.jsonl")
    assert records(path) == [{"a": 0}, {"a": 3}]
    assert set_aside(path) == [(2, reason)]


@pytest.mark.parametrize("element", ['{"a": NaN}', '{"a": 1, "a": 2}', '{"a": ' + "9" * 5000 + "}", "7"])
def test_a_bad_element_of_a_list_is_set_aside_and_reading_goes_on(tmp_path: Path, element: str) -> None:
    path = written(tmp_path, f'[{{"a": 0}}, {element}, {{"a": 3}}]', "t.json")
    assert records(path) == [{"a": 0}, {"a": 3}]
    assert [number for number, _ in set_aside(path)] == [2]


def test_invalid_utf8_is_set_aside_with_its_byte(tmp_path: Path) -> None:
    lines = written(tmp_path, b'{"a": "caf\xe9"}\n{"a": "ok"}\n', "t.jsonl")
    listed = written(tmp_path, b'[{"a": "caf\xe9"}, {"a": "ok"}]', "t.json")
    for path in (lines, listed):
        assert records(path) == [{"a": "ok"}]
        assert set_aside(path) == [(1, "invalid UTF-8 (byte 0xe9)")]


def test_a_cut_last_line_is_set_aside(tmp_path: Path) -> None:
    path = written(tmp_path, '{"a": 1}\n{"a": "cu', "t.jsonl")
    assert records(path) == [{"a": 1}]
    assert set_aside(path) == [(2, "cut last line")]


def test_a_whole_last_line_without_its_end_is_taken(tmp_path: Path) -> None:
    assert records(written(tmp_path, '{"a": 1}\n{"a": 2}', "t.jsonl")) == [{"a": 1}, {"a": 2}]


def test_a_cut_list_keeps_what_was_whole(tmp_path: Path) -> None:
    whole = json.dumps([{"n": n, "text": "x" * 50} for n in range(20)])
    for length in range(3, len(whole)):
        path = written(tmp_path, whole[:length], "t.json")
        taken = records(path)
        assert [row["n"] for row in taken] == list(range(len(taken)))
        assert [reason for _, reason in set_aside(path)] == ["cut file"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)


@given(st.lists(st.dictionaries(st.text(max_size=3), VALUES)), st.sampled_from([None, 1, 2]), st.booleans())
def test_every_form_of_json_reads_the_same(
    tmp_path_factory: pytest.TempPathFactory,
    rows: list[dict[str, object]],
    indent: int | None,
    ascii_only: bool,
) -> None:
    folder = tmp_path_factory.mktemp("json")
    listed = json.dumps(rows, indent=indent, ensure_ascii=ascii_only)
    lines = "".join(json.dumps(row, ensure_ascii=ascii_only) + "\n" for row in rows)
    assert records(written(folder, listed.encode("utf-8", "surrogatepass"), "t.json")) == rows
    if rows:
        assert records(written(folder, lines.encode("utf-8", "surrogatepass"), "t.jsonl")) == rows


def test_elements_across_blocks(tmp_path: Path) -> None:
    rows = [{"n": n, "text": "é" * (BLOCK_BYTES // 5)} for n in range(7)] + [
        {"n": 7, "text": "z" * BLOCK_BYTES * 2}
    ]
    path = written(tmp_path, json.dumps(rows, ensure_ascii=False), "t.json")
    assert records(path) == rows


def test_numbers_across_blocks(tmp_path: Path) -> None:
    head = "[" + " " * (BLOCK_BYTES - 4)
    path = written(tmp_path, head + '123456, {"a": 1}]', "t.json")
    assert [entry.text for entry in read(path) if isinstance(entry, SetAside)] == ["123456"]
    assert records(path) == [{"a": 1}]


def test_an_element_that_is_too_long_ends_the_list(tmp_path: Path) -> None:
    limits = Limits(line_bytes=1000)
    path = written(tmp_path, json.dumps([{"a": 1}, {"a": "x" * 4 * BLOCK_BYTES}, {"a": 2}]), "t.json")
    assert records(path, limits=limits) == [{"a": 1}]
    assert set_aside(path, limits=limits) == [(2, "broken JSON: an element is too long")]


def test_a_line_that_is_too_long_is_set_aside(tmp_path: Path) -> None:
    limits = Limits(line_bytes=1000)
    path = written(tmp_path, '{"a": 1}\n{"a": "' + "x" * 5000 + '"}\n{"a": 2}\n', "t.jsonl")
    assert records(path, limits=limits) == [{"a": 1}, {"a": 2}]
    assert set_aside(path, limits=limits) == [(2, "line too long")]


def test_text_after_a_list_is_set_aside(tmp_path: Path) -> None:
    path = written(tmp_path, '[{"a": 1}]\n[{"a": 2}]\n', "t.json")
    assert records(path) == [{"a": 1}]
    assert set_aside(path) == [(2, "text after the end of the list")]


def test_bare_strings(tmp_path: Path) -> None:
    path = written(tmp_path, '"one"\n"two\\n"\n', "t.jsonl")
    assert records(path, bare="text") == [{"text": "one"}, {"text": "two\n"}]
    assert columns(path, bare="text") == ("text",)
    assert set_aside(path) == [(1, "not an object"), (2, "not an object")]


@pytest.mark.parametrize(
    ("document", "rows"),
    [
        ({"a": [1, 2], "b": ["x", None]}, [{"a": 1, "b": "x"}, {"a": 2, "b": None}]),
        ({"version": 1, "data": [{"a": 1}, {"a": 2}]}, [{"a": 1}, {"a": 2}]),
        ({"a": 1, "turns": ["x", "y"]}, [{"a": 1, "turns": ["x", "y"]}]),
    ],
)
def test_objects_that_hold_a_table(tmp_path: Path, document: object, rows: list[object]) -> None:
    for indent in (None, 2):
        path = written(tmp_path, json.dumps(document, indent=indent), "t.json")
        assert detect(path) is Kind.JSON_DOCUMENT
        assert records(path) == rows


def test_a_broken_or_huge_document_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is broken JSON") as broken:
        list(read(written(tmp_path, '{\n"a": [1,\n', "t.json")))
    assert "line 3" in str(broken.value)
    with pytest.raises(UsageError, match="more than 10 bytes"):
        list(read(written(tmp_path, '{"a": [1, 2, 3, 4]}', "t.json"), limits=Limits(document_bytes=10)))


@pytest.mark.parametrize("name", ["battles.txt", "battles.json", "battles"])
def test_json_lines_are_known_by_their_content(tmp_path: Path, name: str) -> None:
    assert detect(written(tmp_path, '{"a": 1}\n{"a": 2}\n', name)) is Kind.JSON_LINES
