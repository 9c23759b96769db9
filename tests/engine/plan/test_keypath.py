"""Dotted paths are spelled as TOML takes them and read back."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.keypath import KeyPath, basic_string, parse, quoted, spell, value_at
from engine.plan.secrets import looks_like_key

words = st.text(st.characters(exclude_categories=["Cs"]))
paths = (
    st.lists(st.one_of(words, st.integers(0, 99)), min_size=1)
    .map(tuple)
    .filter(lambda p: isinstance(p[0], str))
)


@given(paths)
def test_a_spelled_path_reads_back(path: KeyPath) -> None:
    if not any(isinstance(part, str) and looks_like_key(part) for part in path):
        assert parse(spell(path)) == path


@given(words)
def test_a_quoted_key_and_a_string_are_what_toml_reads(word: str) -> None:
    assert tomllib.loads(f"{quoted(word)} = {basic_string(word)}") == {word: word}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("run", "seed"), "run.seed"),
        (("players", "a b", "model"), 'players."a b".model'),
        (("flywheel", "stage", 0, "min_gap"), "flywheel.stage[0].min_gap"),
        (("players", "sk-abcdefghijklmnop1234", "model"), "players.(hidden).model"),
    ],
)
def test_known_spellings(path: KeyPath, text: str) -> None:
    assert spell(path) == text


@pytest.mark.parametrize("text", ["", "a..b", "a.", ".a", "a b", "a[x]", '"a', "[0]"])
def test_what_is_no_path(text: str) -> None:
    with pytest.raises(ValueError, match="dotted key"):
        parse(text)


@pytest.mark.parametrize("path", [("a", "c"), ("a", 0), ("l", "b"), ("l", 2), ("a", "b", "c"), ("a", "b", 0)])
def test_no_value_at_a_path_is_a_lookup_error(path: KeyPath) -> None:
    with pytest.raises(LookupError):
        value_at({"a": {"b": "text"}, "l": [1, 2]}, path)
