"""Every form's answer to an example that was worked out by hand, and reading back what was asked."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pocket import forms
from engine.pocket.forms import FORMS, Form, read

EXAMPLES: list[tuple[Form, str, str]] = [
    (forms.COPY, "Write kofu.", "kofu"),
    (forms.CAPITALS, "Write kofu in capitals.", "KOFU"),
    (forms.BACKWARDS, "Write kofu backwards.", "ufok"),
    (forms.DOUBLED, "Write kof with each letter doubled.", "kkooff"),
    (forms.BACKWARDS_CAPITALS, "Write kofu backwards in capitals.", "UFOK"),
    (forms.FIRST_LETTER, "What is the first letter of kofu?", "k"),
    (forms.LAST_LETTER, "What is the last letter of kofu?", "u"),
    (forms.NTH_LETTER, "What is letter 3 of kofu?", "f"),
    (forms.LETTER_AFTER, "Which letter follows o in kofu?", "f"),
    (forms.NEXT_NUMBER, "Which number comes next: 14 17 20?", "23"),
    (forms.NEXT_NUMBER, "Which number comes next: 20 16 12?", "8"),
    (forms.LARGEST, "Which number is largest: 9 31 17?", "31"),
    (forms.CHAIN_LARGEST, "If k>m d>k, which is largest?", "d"),
    (forms.CHAIN_SMALLEST, "If k>m d>k, which is smallest?", "m"),
    (forms.SUM, "What is 27 + 35?", "62"),
    (forms.DIFFERENCE, "What is 41 - 27?", "14"),
    (forms.PRINT_JOIN, "What does print('ab' + 'cd') show?", "abcd"),
    (forms.PRINT_LENGTH, "What does print(len('abcdefghij')) show?", "10"),
    (forms.PRINT_UPPER, "What does print('abc'.upper()) show?", "ABC"),
    (forms.PRINT_REVERSED, "What does print('abc'[::-1]) show?", "cba"),
    (forms.PRINT_TIMES, "What does print('ab' * 3) show?", "ababab"),
    (forms.PRINT_SLICE, "What does print('abcdef'[1:4]) show?", "bcd"),
    (forms.SORT_LETTERS, "Sort the letters dbca.", "abcd"),
    (forms.SORT_LETTERS_DOWN, "Sort the letters dbca from z to a.", "dcba"),
    (forms.SORT_NUMBERS, "Sort the numbers 9 31 17.", "9 17 31"),
    (forms.COUNT_LETTERS, "How many letters are in kofu?", "4"),
    (forms.COUNT_VOWELS, "How many vowels are in kofua?", "3"),
    (forms.COUNT_CAPITALS, "How many capitals are in kOfUa?", "2"),
]
FOLLOW_UPS: list[tuple[Form, str, str, str]] = [
    (forms.THEN_CAPITALS, "Now write it in capitals.", "kofu", "KOFU"),
    (forms.THEN_BACKWARDS, "Now write it backwards.", "kofu", "ufok"),
    (forms.THEN_LAST_LETTER, "Now write its last letter.", "kofu", "u"),
    (forms.THEN_SORT, "Now sort its letters.", "kofu", "fkou"),
]


def test_every_form_has_an_example() -> None:
    assert {form for form, *_ in EXAMPLES} | {form for form, *_ in FOLLOW_UPS} == set(FORMS)


@pytest.mark.parametrize(("form", "question", "answer"), EXAMPLES)
def test_a_question_is_read_and_solved(form: Form, question: str, answer: str) -> None:
    known = read(question)
    assert known is not None
    assert known[0] is form
    assert form.solve(*known[1]) == answer


@pytest.mark.parametrize(("form", "question", "before", "answer"), FOLLOW_UPS)
def test_a_follow_up_is_read_and_solved(form: Form, question: str, before: str, answer: str) -> None:
    assert read(question) == (form, ())
    assert form.follow_up
    assert form.solve(before) == answer


PRINTED = [question for _, question, _ in EXAMPLES if question.startswith("What does print(")]


@pytest.mark.parametrize("question", PRINTED)
def test_python_shows_what_the_coding_forms_say(question: str) -> None:
    """The interpreter itself is the other opinion."""
    known = read(question)
    assert known is not None
    expression = question.removeprefix("What does print(").removesuffix(") show?")
    assert str(eval(expression)) == known[0].solve(*known[1])


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Write",
        "Write kofu",
        "Write kofu twice.",
        "write kofu.",
        "Write ko fu.",
        "Write 12.",
        "Write kofu.\n",
        "What is 2 + ?",
        "What is ٣ + ٤?",
        "Sort the numbers 1  2.",
        "Tell me a story.",
    ],
)
def test_other_texts_are_no_questions(text: str) -> None:
    assert read(text) is None


@settings(deadline=None)
@given(st.text())
def test_reading_never_fails(text: str) -> None:
    assert read(text) is None or text[0].isupper()
