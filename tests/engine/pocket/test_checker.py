"""Scores worked out by hand, and what must hold for every prompt of the world."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pocket.checker import check, edit_distance, is_pocket_prompt, right_answers, turn_score
from engine.pocket.ladders import CATEGORIES, DIFFICULTIES, LADDERS
from engine.records import Conversation, Message
from tests.engine.pocket.asking import after

HARDNESS = st.sampled_from([(c, d) for c in CATEGORIES for d in DIFFICULTIES])
WORDS = st.text("abc", max_size=8)


@settings(deadline=None)
@given(HARDNESS, st.integers())
def test_only_the_right_answer_gets_ten(rung: tuple[str, int], seed: int) -> None:
    conversation = LADDERS[rung[0]][rung[1] - 1](Random(seed))
    right = right_answers(conversation)
    assert check(conversation, right).score == 10
    assert check(conversation, [f" {text}\n" for text in right]).score == 10
    for wrong in (
        [text + "x" for text in right],
        [text.swapcase() + "." for text in right],
        [""] * len(right),
    ):
        assert max(check(conversation, wrong).turn_scores) < 10


@pytest.mark.parametrize(
    ("right", "answer", "score"),
    [
        ("abcd", "abcd", 10),
        ("abcd", "abdd", 6),  # 1 edit of 4: 1 + 7 * 3/4 = 6.25
        ("abcd", "ab", 5),  # 2 of 4: 1 + 7 * 1/2 = 4.5
        ("abcd", "abcdabcd", 5),  # 4 of 8
        ("abcd", "wxyz", 1),
        ("abcd", "", 1),
        ("g", "gg", 5),
        ("g", "h", 1),
        ("62", "61", 8),  # 1 + 7 * (1 - 1/63) = 7.9
        ("62", "52", 7),  # 1 + 7 * (1 - 10/63) = 6.9
        ("62", "6200", 1),
        ("3", "4", 6),  # 1 + 7 * (1 - 1/4) = 6.25
        ("0", "1", 1),
        ("8", "eight", 1),
        ("62", "6" * 5000, 1),
    ],
)
def test_wrong_answers_get_what_their_distance_leaves(right: str, answer: str, score: int) -> None:
    assert turn_score(right, answer) == score


def test_a_follow_up_speaks_of_the_right_first_answer() -> None:
    two_turns = Conversation.of("Write kofu backwards.", "Now write it in capitals.")
    assert right_answers(two_turns) == ("ufok", "UFOK")
    grade = check(two_turns, ["kofu", "UFOK"])
    assert grade.turn_scores == (1, 10)
    assert grade.score == 5.5
    assert grade.explanation == "Wrong: kofu; right is ufok. Right: UFOK."


def test_a_follow_up_speaks_of_the_given_answer_even_where_that_is_wrong() -> None:
    assert right_answers(after("Write kofu.", "mist", "Now write it in capitals.")) == ("MIST",)


def test_system_text_is_passed_over() -> None:
    assert right_answers(Conversation.of("Write kofu.", system="Be brief.")) == ("kofu",)


@pytest.mark.parametrize(
    "conversation",
    [
        Conversation.of("Tell me a story."),
        Conversation((Message("assistant", None),)),
        Conversation((Message("user", "Write a."), Message("user", "Write b."), Message("assistant", None))),
        Conversation.of("What is the first letter of ?"),
    ],
)
def test_other_peoples_prompts_are_refused(conversation: Conversation) -> None:
    assert not is_pocket_prompt(conversation)
    with pytest.raises(ValueError, match="pocket"):
        check(conversation, [""])


def test_the_number_of_answers_must_fit() -> None:
    with pytest.raises(ValueError, match="1 open turns, 2 answers"):
        check(Conversation.of("Write kofu."), ["kofu", "kofu"])


@settings(deadline=None)
@given(WORDS, WORDS, WORDS)
def test_edit_distance_is_a_distance(a: str, b: str, c: str) -> None:
    assert (edit_distance(a, b) == 0) == (a == b)
    assert edit_distance(a, b) == edit_distance(b, a) <= max(len(a), len(b))
    assert edit_distance(a, c) <= edit_distance(a, b) + edit_distance(b, c)


@settings(deadline=None)
@given(WORDS, st.integers(0, 7), st.sampled_from("abc"))
def test_one_edit_is_a_distance_of_one_at_most(text: str, place: int, letter: str) -> None:
    assert edit_distance(text, text[:place] + letter + text[place:]) == 1
    assert edit_distance(text, text[:place] + text[place + 1 :]) == (place < len(text))


@settings(deadline=None)
@given(st.text(), st.text())
def test_every_answer_gets_a_score_of_the_scale(right: str, answer: str) -> None:
    assert 1 <= turn_score(right, answer) <= 10
