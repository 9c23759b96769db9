from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import UsageError
from engine.formats.mapping import Field, load_mapping, resolve

FIELDS = (
    Field("model_a", ("left",), required=True),
    Field("winner", ("label",), required=True),
    Field("category", ("Skill",)),
)


def test_known_names_are_found_whatever_their_case() -> None:
    found = resolve(FIELDS, ("Left", "winner", "skill", "note"), {}, "f")
    assert found.mapping == {"Left": "model_a", "winner": "winner", "skill": "category"}
    assert found.ignored == ("note",)


def test_our_name_goes_before_an_alias() -> None:
    assert resolve(FIELDS, ("left", "model_a", "label"), {}, "f").mapping == {
        "model_a": "model_a",
        "label": "winner",
    }


def test_what_is_said_goes_first() -> None:
    found = resolve(FIELDS, ("left", "winner", "Skill", "language"), {"language": "category"}, "f")
    assert found.apply({"left": "x", "winner": "y", "Skill": "z", "language": "en"}) == {
        "category": "en",
        "model_a": "x",
        "winner": "y",
    }
    assert found.ignored == ("Skill",)


def test_dotted_paths_lead_into_objects_and_lists() -> None:
    found = resolve(FIELDS, ("left", "winner", "meta"), {"meta.tags.1.name": "category"}, "f")
    row = {"left": "x", "winner": "y", "meta": {"tags": [{}, {"name": "math"}]}}
    assert found.apply(row)["category"] == "math"
    for elsewhere in (None, [], {"tags": None}, {"tags": [1]}, {"tags": [1, "text"]}, "text"):
        assert found.apply({**row, "meta": elsewhere})["category"] is None
    assert found.ignored == ()


def test_a_column_of_exactly_that_name_goes_before_a_path() -> None:
    found = resolve(FIELDS, ("left", "winner", "a", "a.b"), {"a.b": "category"}, "f")
    assert found.apply({"a.b": "plain", "a": {"b": "nested"}})["category"] == "plain"


def test_constants() -> None:
    found = resolve(FIELDS, ("left", "winner"), {"=math": "category"}, "f")
    assert found.apply({"left": "x"})["category"] == "math"
    assert "category" in found
    assert found.mapping["=math"] == "category"


def test_all_problems_of_a_mapping_at_once_with_the_nearest() -> None:
    said = {"langage": "category", "left": "categry", "x": "winner", "y": "winner"}
    with pytest.raises(UsageError) as error:
        resolve(FIELDS, ("left", "winner", "language"), said, "file.csv")
    text = str(error.value)
    assert "there is no column 'langage' (did you mean 'language'?)" in text
    assert "there is no field 'categry' (did you mean 'category'?)" in text
    assert "the field 'winner' is mapped twice" in text
    assert "file.csv" in text


def test_a_required_field_that_no_column_is_known_for() -> None:
    with pytest.raises(UsageError, match="has no column for winner") as error:
        resolve(FIELDS, ("left", "result"), {}, "file.csv")
    assert "looked for winner, label" in str(error.value)
    assert "columns: left, result" in str(error.value)


def test_mapping_files(tmp_path: Path) -> None:
    toml = tmp_path / "m.toml"
    toml.write_text(
        '[columns]\n"meta.lang" = "category"\n[values]\nleft = "model_a"\n[options]\nwhere = "anony=true"\n'
    )
    as_json = tmp_path / "m.json"
    as_json.write_text(
        '{"columns": {"meta.lang": "category"}, "values": {"left": "model_a"}, "options": {"where": "anony=true"}}'
    )
    assert load_mapping(toml) == load_mapping(as_json)
    assert load_mapping(toml).columns == {"meta.lang": "category"}


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('[colums]\na = "b"', "unknown section 'colums' (did you mean 'columns'?)"),
        ("[columns]\na = 1", "columns.a is not text"),
        ("columns = 1", "columns is not a table"),
        ("[columns", "is no mapping"),
    ],
)
def test_bad_mapping_files(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "m.toml"
    path.write_text(content)
    with pytest.raises(UsageError) as error:
        load_mapping(path)
    assert said in str(error.value)
