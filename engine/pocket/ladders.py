"""The categories of the pocket world: for each, ten rungs from easy to hard.

A rung draws one conversation of its difficulty. Words are random letters, so nothing can be known by heart.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from random import Random
from string import ascii_lowercase

from engine.pocket import forms
from engine.pocket.forms import Form
from engine.records import Conversation, Message

Rung = Callable[[Random], Conversation]
Sampler = Callable[[Random], object]
DIFFICULTIES = range(1, 11)


def word(low: int, high: int, alphabet: str = ascii_lowercase) -> Callable[[Random], str]:
    """Draws a word of ``low`` to ``high`` letters."""
    return lambda rng: "".join(rng.choices(alphabet, k=rng.randint(low, high)))


def distinct_letters(low: int, high: int) -> Callable[[Random], str]:
    """Draws a word in which no letter comes twice."""
    return lambda rng: "".join(rng.sample(ascii_lowercase, rng.randint(low, high)))


def mixed_case(low: int, high: int) -> Callable[[Random], str]:
    """Draws a word in which about every third letter is a capital."""
    return lambda rng: "".join(
        letter.upper() if rng.random() < 0.35 else letter for letter in word(low, high)(rng)
    )


def half_vowels(low: int, high: int) -> Callable[[Random], str]:
    """Draws a word in which about every other letter is one of a, e, i, o and u."""
    return lambda rng: "".join(
        rng.choice("aeiou") if rng.random() < 0.4 else letter for letter in word(low, high)(rng)
    )


def number(low: int, high: int) -> Callable[[Random], int]:
    """Draws a whole number from ``low`` to ``high``, both included."""
    return lambda rng: rng.randint(low, high)


def numbers(count: int, low: int, high: int) -> Callable[[Random], str]:
    """Draws ``count`` different numbers."""
    return lambda rng: " ".join(map(str, rng.sample(range(low, high + 1), count)))


def progression(step: int, terms: int = 3) -> Callable[[Random], str]:
    """Draws two-digit numbers that grow, or for a negative ``step`` fall, by 1 to ``step`` each time."""

    def draw(rng: Random) -> str:
        by = rng.randint(1, abs(step))
        first = rng.randint(10 + by, 99 - by * terms)
        rising = [first + by * term for term in range(terms)]
        return " ".join(map(str, rising if step > 0 else reversed(rising)))

    return draw


def ask(form: Form, **fields: Sampler) -> Rung:
    """A rung of one question whose fields are drawn independently."""

    def draw(rng: Random) -> Conversation:
        return Conversation.of(form.ask(**{name: sampler(rng) for name, sampler in fields.items()}))

    return draw


def one_of(*rungs: Rung) -> Rung:
    """A rung that is any of these, drawn evenly."""
    return lambda rng: rng.choice(rungs)(rng)


def place_in_word(form: Form, words: Callable[[Random], str]) -> Rung:
    """Asks for a letter by its place, counted from 1."""

    def draw(rng: Random) -> Conversation:
        text = words(rng)
        return Conversation.of(form.ask(n=rng.randint(1, len(text)), w=text))

    return draw


def letter_of_word(form: Form, words: Callable[[Random], str]) -> Rung:
    """Asks about a letter that stands in the word and is not its last one."""

    def draw(rng: Random) -> Conversation:
        text = words(rng)
        return Conversation.of(form.ask(c=rng.choice(text[:-1]), w=text))

    return draw


def slice_of_word(words: Callable[[Random], str], from_start: bool) -> Rung:
    """Asks for a slice of one letter or more."""

    def draw(rng: Random) -> Conversation:
        text = words(rng)
        start = 0 if from_start else rng.randint(1, len(text) - 1)
        return Conversation.of(forms.PRINT_SLICE.ask(w=text, n1=start, n2=rng.randint(start + 1, len(text))))

    return draw


def chain(count: int, shuffled: bool = True) -> Rung:
    """``count`` letters in an order, told pair by pair; the top or the bottom is asked for."""

    def draw(rng: Random) -> Conversation:
        order = rng.sample(ascii_lowercase, count)
        told = [f"{large}>{small}" for large, small in pairwise(order)]
        if shuffled:
            rng.shuffle(told)
        form = rng.choice((forms.CHAIN_LARGEST, forms.CHAIN_SMALLEST))
        return Conversation.of(form.ask(o=" ".join(told)))

    return draw


def falling_difference(low: int, high: int) -> Rung:
    """A difference that is not negative."""

    def draw(rng: Random) -> Conversation:
        large, small = sorted((rng.randint(low, high), rng.randint(low, high)), reverse=True)
        return Conversation.of(forms.DIFFERENCE.ask(n1=large, n2=small))

    return draw


def then(first: Rung, *follow_ups: Form, given: bool = False, **fields: Sampler) -> Rung:
    """A second turn that speaks of the first answer; with ``given`` the first answer stands in the prompt."""

    def draw(rng: Random) -> Conversation:
        opening = first(rng).messages[0]
        form = rng.choice(follow_ups)
        second = form.ask(**{name: sampler(rng) for name, sampler in fields.items()})
        answer = _answer(opening) if given else None
        return Conversation(
            (opening, Message("assistant", answer), Message("user", second), Message("assistant", None))
        )

    return draw


def _answer(question: Message) -> str:
    known = forms.read(question.content or "")
    assert known is not None, question
    form, fields = known
    return form.solve(*fields)


LADDERS: dict[str, tuple[Rung, ...]] = {
    "writing": (
        ask(forms.COPY, w=word(3, 4)),
        ask(forms.CAPITALS, w=word(3, 4)),
        ask(forms.COPY, w=word(5, 6)),
        ask(forms.CAPITALS, w=word(5, 6)),
        ask(forms.BACKWARDS, w=word(3, 4)),
        ask(forms.DOUBLED, w=word(3, 4)),
        ask(forms.BACKWARDS, w=word(5, 6)),
        ask(forms.DOUBLED, w=word(5, 6)),
        ask(forms.BACKWARDS_CAPITALS, w=word(4, 5)),
        ask(forms.BACKWARDS_CAPITALS, w=word(6, 7)),
    ),
    "extraction": (
        ask(forms.FIRST_LETTER, w=word(3, 8)),
        ask(forms.LAST_LETTER, w=word(3, 5)),
        place_in_word(forms.NTH_LETTER, word(3, 4)),
        ask(forms.LAST_LETTER, w=word(6, 8)),
        letter_of_word(forms.LETTER_AFTER, distinct_letters(3, 3)),
        place_in_word(forms.NTH_LETTER, word(5, 6)),
        letter_of_word(forms.LETTER_AFTER, distinct_letters(4, 4)),
        place_in_word(forms.NTH_LETTER, word(7, 9)),
        letter_of_word(forms.LETTER_AFTER, distinct_letters(5, 6)),
        letter_of_word(forms.LETTER_AFTER, distinct_letters(7, 8)),
    ),
    "reasoning": (
        ask(forms.LARGEST, s=numbers(3, 0, 9)),
        chain(3, shuffled=False),
        ask(forms.NEXT_NUMBER, s=progression(3)),
        ask(forms.LARGEST, s=numbers(5, 0, 9)),
        ask(forms.NEXT_NUMBER, s=progression(6)),
        chain(4, shuffled=False),
        ask(forms.LARGEST, s=numbers(2, 10, 99)),
        chain(3),
        ask(forms.NEXT_NUMBER, s=progression(-6)),
        chain(4),
    ),
    "math": (
        ask(forms.SUM, n1=number(10, 29), n2=number(10, 29)),
        ask(forms.SUM, n1=number(10, 49), n2=number(10, 29)),
        falling_difference(10, 39),
        ask(forms.SUM, n1=number(10, 49), n2=number(10, 49)),
        falling_difference(10, 59),
        ask(forms.SUM, n1=number(10, 99), n2=number(10, 49)),
        falling_difference(10, 79),
        ask(forms.SUM, n1=number(10, 99), n2=number(10, 99)),
        falling_difference(10, 99),
        ask(forms.SUM, n1=number(100, 499), n2=number(100, 499)),
    ),
    "coding": (
        ask(forms.PRINT_JOIN, w1=word(2, 3), w2=word(1, 3)),
        ask(forms.PRINT_UPPER, w=word(3, 5)),
        ask(forms.PRINT_LENGTH, w=word(2, 5)),
        ask(forms.PRINT_TIMES, w=word(2, 3), n=number(2, 3)),
        slice_of_word(word(3, 5), from_start=True),
        ask(forms.PRINT_REVERSED, w=word(3, 5)),
        ask(forms.PRINT_LENGTH, w=word(6, 10)),
        slice_of_word(word(3, 5), from_start=False),
        ask(forms.PRINT_REVERSED, w=word(6, 8)),
        slice_of_word(word(6, 8), from_start=False),
    ),
    "sorting": (
        ask(forms.SORT_LETTERS, w=word(2, 2)),
        ask(forms.SORT_NUMBERS, s=numbers(3, 0, 9)),
        ask(forms.SORT_LETTERS, w=word(3, 3)),
        ask(forms.SORT_LETTERS_DOWN, w=word(3, 3)),
        ask(forms.SORT_LETTERS, w=word(4, 5)),
        ask(forms.SORT_NUMBERS, s=numbers(5, 0, 9)),
        ask(forms.SORT_LETTERS_DOWN, w=word(4, 5)),
        ask(forms.SORT_LETTERS, w=word(6, 7)),
        ask(forms.SORT_NUMBERS, s=numbers(7, 0, 9)),
        ask(forms.SORT_LETTERS_DOWN, w=word(6, 8)),
    ),
    "counting": (
        ask(forms.COUNT_LETTERS, w=word(2, 4)),
        ask(forms.COUNT_CAPITALS, w=mixed_case(3, 4)),
        ask(forms.COUNT_VOWELS, w=half_vowels(3, 4)),
        ask(forms.COUNT_LETTERS, w=word(4, 8)),
        ask(forms.COUNT_CAPITALS, w=mixed_case(5, 7)),
        ask(forms.COUNT_VOWELS, w=half_vowels(5, 7)),
        ask(forms.COUNT_LETTERS, w=word(8, 14)),
        ask(forms.COUNT_CAPITALS, w=mixed_case(8, 12)),
        ask(forms.COUNT_VOWELS, w=half_vowels(8, 12)),
        ask(forms.COUNT_VOWELS, w=half_vowels(11, 15)),
    ),
    "dialogue": (
        then(ask(forms.COPY, w=word(3, 4)), forms.THEN_CAPITALS, given=True),
        then(ask(forms.COPY, w=word(3, 4)), forms.THEN_LAST_LETTER),
        then(ask(forms.CAPITALS, w=word(3, 4)), forms.THEN_BACKWARDS, given=True),
        then(ask(forms.COPY, w=word(4, 5)), forms.THEN_CAPITALS),
        then(ask(forms.COPY, w=word(3, 4)), forms.THEN_BACKWARDS),
        then(ask(forms.BACKWARDS, w=word(3, 4)), forms.THEN_CAPITALS, forms.THEN_LAST_LETTER),
        then(ask(forms.COPY, w=word(3, 4)), forms.THEN_SORT),
        then(ask(forms.BACKWARDS, w=word(5, 6)), forms.THEN_CAPITALS),
        then(ask(forms.CAPITALS, w=word(5, 7)), forms.THEN_BACKWARDS),
        then(ask(forms.BACKWARDS, w=word(4, 5)), forms.THEN_SORT),
    ),
}
CATEGORIES: tuple[str, ...] = tuple(LADDERS)
