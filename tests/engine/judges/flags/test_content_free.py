from __future__ import annotations

import pytest

from engine.judges.flags.content_free import is_content_free


@pytest.mark.parametrize(
    "answer",
    ["", " \n", ":", ".", ",", "...", "?!", "\u200b", "Thought process:", "SOLUTION", "**Solution**", "Solution:\n",
     "Let’s solve this problem step by step.", "解", "Ответ:", "Ｓｏｌｕｔｉｏｎ"],
)  # fmt: skip
def test_master_keys_say_nothing(answer: str) -> None:
    assert is_content_free(answer)


def test_nor_does_the_question_again() -> None:
    assert is_content_free("What is it?\n", "What is it?")
    assert not is_content_free("It is that.", "What is it?")


@pytest.mark.parametrize(
    "answer",
    ["7", "no", "+", "€", "👍", "-1", "Solution: 42", "/\\_/\\", "Answer me", "c)", "The answer is no."],
)
def test_short_answers_say_something(answer: str) -> None:
    assert not is_content_free(answer)
