from __future__ import annotations

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.players.strict_json import loads

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(value=VALUES)
def test_what_the_standard_allows_is_read_as_it_was_written(value: object) -> None:
    assert loads(json.dumps(value).encode()) == value
    assert loads(json.dumps(value)) == value


def test_lone_surrogates_are_kept() -> None:
    assert loads(b'"\\ud83d"') == "\ud83d"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b'{"a": 1, "a": 1}', "duplicate key"),
        (b'[{"x": {"b": 1, "\\u0062": 2}}]', "duplicate key"),
        (b"NaN", "not a number in JSON"),
        (b"[-Infinity]", "not a number in JSON"),
        (b"1e400", "not a number in JSON"),
        (b"-1e400", "not a number in JSON"),
        (b"1" * 5000, "number too long"),
        (b"[" * 100_000, "nested too deeply"),
        (b'{"a":' * 100_000, "nested too deeply"),
        (b"\xff", "not UTF-8"),
        (b'"\xed\xa0\x80"', "not UTF-8"),
        (b"", "not JSON"),
        (b"{} {}", "not JSON"),
        (b"{'a': 1}", "not JSON"),
        (b'{"a": 1,}', "not JSON"),
        (b'"a\nb"', "not JSON"),
    ],
)
def test_all_else_is_refused_with_a_reason(data: bytes, reason: str) -> None:
    with pytest.raises(ValueError) as raised:
        loads(data)
    assert str(raised.value) == reason


@given(data=st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with suppress(ValueError):
        loads(data)
