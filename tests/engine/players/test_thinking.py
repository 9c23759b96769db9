from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.players.thinking import Thought, split_thinking, thinking_field

TEXT = st.text(alphabet=st.sampled_from("ab <>/\n\rthink\ud800\x00"), max_size=60)


@pytest.mark.parametrize(
    ("text", "answer", "thinking", "complete"),
    [
        ("yes", "yes", None, True),
        ("", "", None, True),
        ("<think>hm</think>\n\nyes", "yes", "hm", True),
        ("\n <think>\nhm\n</think>yes\n", "yes\n", "\nhm\n", True),
        ("<think></think>yes", "yes", "", True),
        ("<think>hm", "", "hm", False),
        ("<think>a<think>b</think>c</think>d", "c</think>d", "a<think>b", True),
        ("say <think>hm</think>", "say <think>hm</think>", None, True),
        ("</think>yes", "</think>yes", None, True),
        ("<THINK>hm</THINK>yes", "<THINK>hm</THINK>yes", None, True),
        ("<think>hm</think>", "", "hm", True),
    ],
)
def test_thinking_stands_at_the_start_or_not_at_all(
    text: str, answer: str, thinking: str | None, complete: bool
) -> None:
    assert split_thinking(text) == Thought(answer, thinking, complete)


def test_other_tags() -> None:
    tags = (("<think>", "</think>"), ("[THINK]", "[/THINK]"))
    assert split_thinking("[THINK]hm[/THINK]yes", tags) == Thought("yes", "hm")
    assert split_thinking("[THINK]hm</think>yes", tags) == Thought("", "hm</think>yes", complete=False)
    assert split_thinking("<think>hm</think>yes", ()) == Thought("<think>hm</think>yes")


def test_a_template_that_opens_the_thinking_itself() -> None:
    assert split_thinking("hm</think>yes", opened=True) == Thought("yes", "hm")
    assert split_thinking("hm", opened=True) == Thought("", "hm", complete=False)


@given(thinking=TEXT, answer=TEXT)
def test_what_was_put_together_comes_apart(thinking: str, answer: str) -> None:
    if "</think>" in thinking:
        return
    split = split_thinking(f"<think>{thinking}</think>\n{answer}")
    assert split == Thought(answer.lstrip("\r\n"), thinking)


@given(text=TEXT)
def test_no_character_is_lost(text: str) -> None:
    split = split_thinking(text)
    if split.thinking is None:
        assert split.answer == text
    else:
        assert text.lstrip().startswith(f"<think>{split.thinking}")
        assert text.endswith(split.answer)
        assert not split.complete or f"{split.thinking}</think>" in text


@pytest.mark.parametrize("unit", ["<think>", "</think>", "<think", "<", " ", "\n", "x"])
def test_megabytes_are_split_in_a_few_passes(unit: str) -> None:
    """Quadratic time would be hours here; the suite's time limit is what fails."""
    many = unit * (8_000_000 // len(unit))
    assert split_thinking("<think>" + many).thinking is not None
    assert split_thinking("<think>hm</think>" + many).thinking == "hm"
    split_thinking(many)


@pytest.mark.parametrize(
    ("message", "thinking"),
    [
        ({"reasoning_content": "hm"}, "hm"),
        ({"reasoning": "hm"}, "hm"),
        ({"reasoning_content": None, "reasoning": "hm"}, "hm"),
        ({"reasoning_content": ""}, None),
        ({}, None),
    ],
)
def test_thinking_in_a_field(message: dict[str, object], thinking: str | None) -> None:
    assert thinking_field(message) == thinking


def test_a_field_that_is_no_text_is_an_error() -> None:
    with pytest.raises(ValueError, match="reasoning is no text"):
        thinking_field({"reasoning": ["hm"]})
