from __future__ import annotations

import datetime
from typing import Any

import pytest

from engine.formats import fields
from engine.formats.fields import FieldError
from engine.records import Message

HOSTILE_NAMES = [
    "nan",
    "None",
    "=SUM(A1)",
    "[b]x[/b]",
    "x" * 5000,
    "\u0430",
    "e\u0301",
    "é",
    " x ",
    "\ud800",
    "a\x00b",
]


@pytest.mark.parametrize("name", HOSTILE_NAMES)
def test_names_are_kept_exactly(name: str) -> None:
    assert fields.model_name(name, "model_a") == name


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no model_a"),
        (float("nan"), "no model_a"),
        ("", "empty model_a"),
        (" \t", "empty model_a"),
        (97, "model_a is not text"),
        (["x"], "model_a is not text"),
        (True, "model_a is not text"),
    ],
)
def test_what_is_no_name(value: Any, reason: str) -> None:
    with pytest.raises(FieldError, match=f"^{reason}$"):
        fields.model_name(value, "model_a")


@pytest.mark.parametrize(
    ("said", "winner"),
    [
        ("model_a", "model_a"),
        ("model_b", "model_b"),
        ("A", "model_a"),
        ("b", "model_b"),
        ("left", "model_a"),
        ("Right", "model_b"),
        ("tie", "tie"),
        ("TIE", "tie"),
        ("tie (bothbad)", "tie"),
    ],
)
def test_winners(said: str, winner: str) -> None:
    assert fields.winner(said) == winner


@pytest.mark.parametrize(
    "said", ["garbage", "C", "1", 1, 0, True, ["model_a"], "model_c", "model_a model_b", "tied"]
)
def test_an_unknown_winner_is_no_tie(said: Any) -> None:
    with pytest.raises(FieldError, match=r"^unknown winner$"):
        fields.winner(said)


@pytest.mark.parametrize("said", [None, "", float("nan")])
def test_no_winner(said: Any) -> None:
    with pytest.raises(FieldError, match=r"^no winner$"):
        fields.winner(said)


def test_values_that_a_person_said() -> None:
    values = {"1": "model_a", "2": "model_b", "same": "tie", "a": "model_b"}
    assert [fields.winner(v, values) for v in (1, "2", "same", "a", "b")] == [
        "model_a",
        "model_b",
        "tie",
        "model_b",
        "model_b",
    ]
    with pytest.raises(FieldError, match="unknown winner"):
        fields.winner(1, {"1": "modelA"})


@pytest.mark.parametrize(
    ("value", "name"), [("a b", "a b"), (7, "7"), (7.0, "7"), ("007", "007"), (-1, "-1")]
)
def test_identifiers(value: Any, name: str) -> None:
    assert fields.identifier(value, "id") == name


@pytest.mark.parametrize("value", [None, "", " ", 1.5, True, [1], {}, float("inf")])
def test_what_is_no_identifier(value: Any) -> None:
    with pytest.raises(FieldError):
        fields.identifier(value, "id")


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (1690006757.25, 1690006757.25),
        ("1690006757.25", 1690006757.25),
        ("1970-01-02", 86400.0),
        ("1970-01-01T01:00:00Z", 3600.0),
        ("1970-01-01T01:00:00+01:00", 0.0),
        ("1970-01-01 00:00:01.5", 1.5),
        (datetime.datetime(1970, 1, 1, 0, 1, tzinfo=datetime.UTC), 60.0),
        (datetime.date(1970, 1, 2), 86400.0),
    ],
)
def test_times(value: Any, seconds: float) -> None:
    assert fields.seconds(value, "tstamp") == seconds


@pytest.mark.parametrize("value", ["yesterday", 1690006757250.0, "inf", "nan", True, [1], "1_000", "٣"])
def test_what_is_no_time(value: Any) -> None:
    with pytest.raises(FieldError):
        fields.seconds(value, "tstamp")


@pytest.mark.parametrize("value", ["x", True, "1e999", float("inf"), 10**400, "1_0", [1], "٣"])
def test_what_is_no_number(value: Any) -> None:
    with pytest.raises(FieldError, match="number"):
        fields.number(value, "difficulty")


def test_numbers_have_a_range() -> None:
    assert fields.number("0.5", "preference", 0, 1) == 0.5
    with pytest.raises(FieldError, match="preference is not in 0 to 1"):
        fields.number(1.5, "preference", 0, 1)


def test_conversations() -> None:
    expected = (Message("user", "hi"), Message("assistant", ""))
    assert (
        fields.messages([{"role": "user", "content": "hi"}, {"role": "assistant", "content": ""}], "c")
        == expected
    )
    assert fields.messages([{"from": "human", "value": "hi"}, {"from": "gpt", "value": ""}], "c") == expected
    assert (
        fields.messages('[{"role": "User", "content": "hi"}, {"from": "gpt", "value": ""}]', "c") == expected
    )
    parts = [{"type": "text", "text": "h"}, {"text": "i"}]
    assert fields.messages([{"role": "user", "content": parts}], "c") == (Message("user", "hi"),)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "no c"),
        ("not JSON", "c is not JSON"),
        ([], "c is not a list of messages"),
        ({"role": "user"}, "c is not a list of messages"),
        (["hi"], "c holds something that is no message"),
        ([{"role": "tool", "content": "x"}], "c has an unknown role"),
        ([{"role": ["user"], "content": "x"}], "c has an unknown role"),
        ([{"role": "user", "content": None}], "c has a message without content"),
        ([{"role": "user", "content": [{"type": "image", "image": "x"}]}], "c holds more than text"),
    ],
)
def test_what_is_no_conversation(value: Any, reason: str) -> None:
    with pytest.raises(FieldError, match=f"^{reason}$"):
        fields.messages(value, "c")
