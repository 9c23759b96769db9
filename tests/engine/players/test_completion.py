"""Reading chat completions, without a server: whatever the bytes, an answer or a reason."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.players.completion import BadBody, Completion, ThinkingTags, chat_body, read_completion
from engine.records import ResponseStatus
from tests.engine.players.asking import request
from tests.servers.openai_server import completion

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
PATHS = [
    ("choices",),
    ("choices", 0),
    ("choices", 0, "message"),
    ("choices", 0, "message", "content"),
    ("choices", 0, "finish_reason"),
    ("usage",),
    ("usage", "prompt_tokens"),
    ("model",),
    ("error",),
]


@given(path=st.sampled_from(PATHS), value=JSON)
def test_a_wrong_value_anywhere_is_an_answer_or_a_reason_and_nothing_else(
    path: tuple[str | int, ...], value: object
) -> None:
    body = completion("fine", "m")
    holder = body
    for step in path[:-1]:
        holder = holder[step]
    holder[path[-1]] = value
    outcome = read_or_reason(json.dumps(body).encode())
    if isinstance(outcome, str):
        assert outcome
        assert "\n" not in outcome
    else:
        assert isinstance(outcome.text, str)
        assert outcome.tokens_in is None or outcome.tokens_in >= 0


def read_or_reason(body: bytes) -> Completion | str:
    try:
        return read_completion(body)
    except BadBody as bad:
        return bad.reason


@given(data=st.binary(max_size=100))
def test_any_bytes_are_a_bad_body(data: bytes) -> None:
    with pytest.raises(BadBody):
        read_completion(data)


@given(
    text=st.text(st.characters(), min_size=1).filter(
        lambda t: t.strip() and not t.lstrip().startswith("<think>")
    )
)
def test_text_is_kept_exactly(text: str) -> None:
    read = read_completion(json.dumps(completion(text, "m")).encode())
    assert (read.text, read.status) == (text, ResponseStatus.OK)


@given(text=st.text(st.characters()))
def test_what_is_sent_is_ascii_and_says_the_same(text: str) -> None:
    body = chat_body("m", request(text=text), "max_tokens", with_schema=False)
    assert body.isascii()
    assert json.loads(body)["messages"][0]["content"] == text


def test_usage_may_be_missing() -> None:
    body = completion("fine", "m", usage=None)
    read = read_completion(json.dumps(body).encode())
    assert (read.tokens_in, read.tokens_out) == (None, None)


def test_a_field_for_thinking_leaves_tags_in_the_answer_alone() -> None:
    body = completion("<think>is a tag</think>", "m", message={"reasoning": "hm"})
    read = read_completion(json.dumps(body).encode())
    assert (read.text, read.thinking) == ("<think>is a tag</think>", "hm")


def test_tags_can_be_told() -> None:
    body = json.dumps(completion("hm</t>yes", "m")).encode()
    read = read_completion(body, ThinkingTags((("<t>", "</t>"),), opened=True))
    assert (read.text, read.thinking) == ("yes", "hm")
