"""What the pocket world asks: fixed sentences with fields, and the answer that each one has.

A form is a sentence such as ``Write {w} in capitals.`` with the function that computes its right answer.
Texts are made from fields by ``Form.ask`` and read back by ``read``, so that the answer to a stored prompt
is always recomputed from the prompt's own words and nothing else has to be kept beside it.

Fields are named by what may stand in them: ``w`` a word (ASCII letters), ``c`` one letter, ``n`` a whole
number, ``s`` numbers separated by spaces, ``o`` comparisons such as ``d>k k>m``. A digit after the letter
tells fields of one kind apart.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

_FIELD = re.compile(r"\{([a-z])(\d?)\}")
_KINDS = {
    "w": r"[A-Za-z]+",
    "c": r"[A-Za-z]",
    "n": r"-?\d+",
    "s": r"-?\d+(?: -?\d+)*",
    "o": r"[a-z]>[a-z](?: [a-z]>[a-z])*",
}


@dataclass(frozen=True)
class Form:
    """A sentence with fields and its solution.

    ``solve`` takes the fields' texts in the order in which they stand in the sentence. A follow-up form
    speaks of an earlier answer: its ``solve`` takes that answer first.
    """

    text: str
    solve: Callable[..., str]
    follow_up: bool = False

    @cached_property
    def opening(self) -> str:
        """The sentence's first word, by which ``read`` finds candidates."""
        return self.text.split(" ", 1)[0]

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Matches exactly the sentences that ``ask`` can make; one group a field."""
        pieces, end = [], 0
        for field in _FIELD.finditer(self.text):
            pieces.append(re.escape(self.text[end : field.start()]) + f"({_KINDS[field[1]]})")
            end = field.end()
        return re.compile("".join(pieces) + re.escape(self.text[end:]), re.ASCII)

    def ask(self, **fields: object) -> str:
        """The sentence with its fields filled in."""
        return self.text.format(**fields)


def _largest_of_chain(comparisons: str) -> str:
    pairs = [pair.split(">") for pair in comparisons.split(" ")]
    below = {small for _, small in pairs}
    return next(large for large, _ in pairs if large not in below)


def _smallest_of_chain(comparisons: str) -> str:
    pairs = [pair.split(">") for pair in comparisons.split(" ")]
    above = {large for large, _ in pairs}
    return next(small for _, small in pairs if small not in above)


def _next_number(numbers: str) -> str:
    *_, before, last = (int(number) for number in numbers.split(" "))
    return str(2 * last - before)


def _letter_after(letter: str, word: str) -> str:
    place = word.find(letter) + 1
    return word[place : place + 1]


def _sorted_numbers(numbers: str) -> str:
    return " ".join(sorted(numbers.split(" "), key=int))


COPY = Form("Write {w}.", lambda w: w)
CAPITALS = Form("Write {w} in capitals.", str.upper)
BACKWARDS = Form("Write {w} backwards.", lambda w: w[::-1])
DOUBLED = Form("Write {w} with each letter doubled.", lambda w: "".join(2 * letter for letter in w))
BACKWARDS_CAPITALS = Form("Write {w} backwards in capitals.", lambda w: w[::-1].upper())

FIRST_LETTER = Form("What is the first letter of {w}?", lambda w: w[0])
LAST_LETTER = Form("What is the last letter of {w}?", lambda w: w[-1])
NTH_LETTER = Form("What is letter {n} of {w}?", lambda n, w: w[int(n) - 1 : int(n)])
LETTER_AFTER = Form("Which letter follows {c} in {w}?", _letter_after)

NEXT_NUMBER = Form("Which number comes next: {s}?", _next_number)
LARGEST = Form("Which number is largest: {s}?", lambda s: max(s.split(" "), key=int))
CHAIN_LARGEST = Form("If {o}, which is largest?", _largest_of_chain)
CHAIN_SMALLEST = Form("If {o}, which is smallest?", _smallest_of_chain)

SUM = Form("What is {n1} + {n2}?", lambda a, b: str(int(a) + int(b)))
DIFFERENCE = Form("What is {n1} - {n2}?", lambda a, b: str(int(a) - int(b)))

PRINT_JOIN = Form("What does print('{w1}' + '{w2}') show?", lambda a, b: a + b)
PRINT_LENGTH = Form("What does print(len('{w}')) show?", lambda w: str(len(w)))
PRINT_UPPER = Form("What does print('{w}'.upper()) show?", str.upper)
PRINT_REVERSED = Form("What does print('{w}'[::-1]) show?", lambda w: w[::-1])
PRINT_TIMES = Form("What does print('{w}' * {n}) show?", lambda w, n: w * int(n))
PRINT_SLICE = Form("What does print('{w}'[{n1}:{n2}]) show?", lambda w, a, b: w[int(a) : int(b)])

SORT_LETTERS = Form("Sort the letters {w}.", lambda w: "".join(sorted(w)))
SORT_LETTERS_DOWN = Form("Sort the letters {w} from z to a.", lambda w: "".join(sorted(w, reverse=True)))
SORT_NUMBERS = Form("Sort the numbers {s}.", _sorted_numbers)

COUNT_LETTERS = Form("How many letters are in {w}?", lambda w: str(len(w)))
COUNT_VOWELS = Form("How many vowels are in {w}?", lambda w: str(sum(map("aeiou".count, w))))
COUNT_CAPITALS = Form("How many capitals are in {w}?", lambda w: str(sum(map(str.isupper, w))))

THEN_CAPITALS = Form("Now write it in capitals.", str.upper, follow_up=True)
THEN_BACKWARDS = Form("Now write it backwards.", lambda answer: answer[::-1], follow_up=True)
THEN_LAST_LETTER = Form("Now write its last letter.", lambda answer: answer[-1:], follow_up=True)
THEN_SORT = Form("Now sort its letters.", lambda answer: "".join(sorted(answer)), follow_up=True)

FORMS: tuple[Form, ...] = tuple(value for value in list(globals().values()) if isinstance(value, Form))
_BY_OPENING = {
    opening: tuple(form for form in FORMS if form.opening == opening)
    for opening in {form.opening for form in FORMS}
}


@lru_cache(maxsize=65536)
def read(text: str) -> tuple[Form, tuple[str, ...]] | None:
    """The form that made ``text`` and the fields' texts; None when no form did."""
    for form in _BY_OPENING.get(text.split(" ", 1)[0], ()):
        if found := form.pattern.fullmatch(text):
            return form, found.groups()
    return None
