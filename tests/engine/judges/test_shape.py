"""The schema that a server holds a model to, read by another JSON schema library, and our reader agree."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.judges import shape
from engine.judges.reasons import InvalidReply
from engine.records import VerdictKind

EXAMPLES: dict[VerdictKind, dict[str, Any]] = {
    VerdictKind.SCORES: {"score_first": 7, "score_second": 10},
    VerdictKind.PREFERENCE: {"preference_second": 0.25},
    VerdictKind.GRADE: {"grade": "A>>B"},
    VerdictKind.WINNER: {"winner": "tie"},
    VerdictKind.SINGLE: {"score": 1},
}
VALUES = {
    VerdictKind.SCORES: (7.0, 10.0),
    VerdictKind.PREFERENCE: 0.25,
    VerdictKind.GRADE: "A>>B",
    VerdictKind.WINNER: "tie",
    VerdictKind.SINGLE: 1.0,
}


@pytest.mark.parametrize("kind", list(VerdictKind))
def test_every_kind_has_a_valid_schema_and_an_example(kind: VerdictKind) -> None:
    schema = shape.schema(kind)
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate({"explanation": "because", **EXAMPLES[kind]}, schema)
    assert shape.value_of(kind, EXAMPLES[kind]) == VALUES[kind]
    assert next(iter(schema["properties"])) == "explanation"
    assert schema["required"] == list(schema["properties"])


@given(
    st.sampled_from(list(VerdictKind)),
    st.dictionaries(
        st.sampled_from([*{name for example in EXAMPLES.values() for name in example}, "other"]),
        st.integers(-1, 11) | st.sampled_from(["7", "A>B", "tie", "First", 0.5, None, True]),
        max_size=3,
    ),
)
def test_what_the_schema_lets_through_is_read(kind: VerdictKind, reply: dict[str, Any]) -> None:
    """The reader takes half points as well, which a whole-number schema does not offer; nothing else differs."""
    valid = jsonschema.Draft202012Validator(shape.schema(kind)).is_valid({"explanation": "", **reply})
    try:
        shape.value_of(kind, reply)
        read = True
    except InvalidReply:
        read = False
    assert read == valid


def test_a_limit_of_the_explanation_is_asked_for_only_when_said() -> None:
    assert "maxLength" not in str(shape.schema(VerdictKind.SCORES))
    limited = shape.schema(VerdictKind.SCORES, 200)
    assert limited["properties"]["explanation"] == {"type": "string", "maxLength": 200}


def test_the_description_of_a_reply_is_no_reply() -> None:
    for kind in VerdictKind:
        for explained in (True, False):
            with pytest.raises(json.JSONDecodeError):
                json.loads(shape.description(kind, explained))
