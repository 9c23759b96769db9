"""Flat objects are read as the json module reads them; everything else is refused with its reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.judges.reasons import InvalidReply, Reason
from engine.judges.strict_json import read_object

SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(10**15), 10**15)
    | st.floats(-1e15, 1e15, allow_nan=False)
    | st.text(st.characters())
)


@given(
    st.dictionaries(st.text(st.characters()), SCALARS, max_size=8),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
)
def test_a_flat_object_is_read_as_json_reads_it(
    value: dict[str, object], indent: int | str | None, ascii_only: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)
    assert read_object(f" \n{text}\t") == json.loads(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", Reason.NOT_AN_OBJECT),
        ("[]", Reason.NOT_AN_OBJECT),
        ("7", Reason.NOT_AN_OBJECT),
        ("I give {}", Reason.NOT_AN_OBJECT),
        ("[" * 100_000, Reason.NOT_AN_OBJECT),
        ('{"a":' * 100_000, Reason.NESTED),
        ('{"a": [1]}', Reason.NESTED),
        ('{"a": 1, "a": 1}', Reason.DUPLICATE_KEY),
        ('{"a": 1, "\\u0061": 2}', Reason.DUPLICATE_KEY),
        ('{"a": 1} x', Reason.TEXT_AFTER),
        ("{}{}", Reason.TEXT_AFTER),
        ('{"a": NaN}', Reason.NOT_A_NUMBER),
        ('{"a": -Infinity}', Reason.NOT_A_NUMBER),
        ('{"a": 1' + "0" * 5000 + "}", Reason.OUT_OF_RANGE),
        ('{"a": 0.' + "0" * 5000 + "1}", Reason.OUT_OF_RANGE),
        ('{"a": 1,}', Reason.NOT_JSON),
        ('{"a": 1', Reason.NOT_JSON),
        ('{"a" 1}', Reason.NOT_JSON),
        ('{"a":}', Reason.NOT_JSON),
        ("{a: 1}", Reason.NOT_JSON),
        ("{'a': 1}", Reason.NOT_JSON),
        ('{"a": 01}', Reason.NOT_JSON),
        ('{"a": "\n"}', Reason.NOT_JSON),
        ('{"a": "\\x"}', Reason.NOT_JSON),
        ('{"a": True}', Reason.NOT_JSON),
        ("{,}", Reason.NOT_JSON),
        ("{", Reason.NOT_JSON),
        ("{" + ",".join(f'"k{n}": 1' for n in range(9)) + "}", Reason.UNEXPECTED_KEY),
        ('\ufeff{"a": 1}', Reason.NOT_AN_OBJECT),
    ],
)
def test_everything_else_has_its_reason(text: str, reason: Reason) -> None:
    with pytest.raises(InvalidReply) as caught:
        read_object(text)
    assert caught.value.reason is reason


PIECES = st.lists(
    st.sampled_from(
        ["{", "}", "[", "]", '"', ":", ",", "\\", "a", "1", "-", ".", "e", "NaN", "null", " ", "\n", "\ud800"]
    ),
    max_size=40,
).map("".join)


@given(PIECES | st.text(st.characters()))
def test_what_is_taken_is_json_with_the_same_meaning(text: str) -> None:
    try:
        value = read_object(text)
    except InvalidReply:
        return
    assert json.loads(text) == value
