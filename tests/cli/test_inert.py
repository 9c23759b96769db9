"""The border to the terminal, as properties over all of Unicode."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from arena_tui.inert import inert

ANY_TEXT = st.text(alphabet=st.characters(blacklist_categories=()))
"""Lone surrogates too."""

VISIBLE_FORMATS = set(range(0x600, 0x606)) | {0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
"""Unicode calls these format characters, but they are signs of Arabic, Syriac and Kaithi that a reader sees."""

IGNORABLE = {
    0x34F,
    0x115F,
    0x1160,
    0x17B4,
    0x17B5,
    0x3164,
    0xFFA0,
    *range(0x180B, 0x1810),
    *range(0xFE00, 0xFE10),
}
"""Other characters that show nothing (Default_Ignorable_Code_Point), beside the format characters."""


def hidden(letter: str) -> bool:
    """Whether a character by itself shows nothing, moves something, or cannot be written."""
    code = ord(letter)
    if code in IGNORABLE or 0xE0000 <= code <= 0xE0FFF:
        return True
    return unicodedata.category(letter) in ("Cc", "Cf", "Cs", "Zl", "Zp") and code not in VISIBLE_FORMATS


def test_no_character_of_unicode_that_hides_or_controls_survives_alone() -> None:
    survivors = [
        hex(code) for code in range(sys.maxunicode + 1) if hidden(chr(code)) and inert(chr(code)) == chr(code)
    ]
    assert survivors == []


def test_every_other_character_is_shown_as_it_is() -> None:
    changed = [
        hex(code)
        for code in range(sys.maxunicode + 1)
        if not hidden(chr(code)) and inert(chr(code)) != chr(code)
    ]
    assert set(changed) <= {hex(code) for code in unassigned()}


def unassigned() -> set[int]:
    """Code points beside hidden ones that no character stands at yet, and Egyptian joining controls of Unicode 15."""
    return {code for code in range(sys.maxunicode + 1) if unicodedata.category(chr(code)) in ("Cn", "Mn")}


@given(ANY_TEXT)
@example("a\x1b]52;c;aGk=\x07b")
@example("\u200d\u200c\ufe0f")
def test_what_is_shown_controls_nothing(text: str) -> None:
    shown = inert(text)
    shown.encode()  # no surrogate is left
    for place, letter in enumerate(shown):
        if hidden(letter):
            assert letter in "\u200c\u200d\ufe0f"
            assert belongs(shown, place)


def belongs(text: str, place: int) -> bool:
    """Whether a joiner or selector stands where readers need it: within an emoji, or between letters."""
    before, letter, after = text[place - 1 : place], text[place], text[place + 1 : place + 2]
    if letter == "\ufe0f":
        return bool(before) and (
            before in "0123456789#*" or unicodedata.category(before) in ("So", "Sm", "Sk", "Po", "Cn")
        )
    return bool(before) and bool(after)


@given(ANY_TEXT, st.booleans())
@example("\r\n\r\r\n", True)
@example("👩\u200d👩\u200d👧", False)
def test_making_inert_twice_changes_nothing(text: str, lines: bool) -> None:
    once = inert(text, lines=lines)
    assert inert(once, lines=lines) == once


MARKS = st.text(alphabet="eกक日❤\u0301\u0e47\u094d\u200c\u200d\ufe0f\u0483\u20dd\u3099 .", max_size=60)


@given(MARKS)
def test_no_letter_carries_more_than_four_marks(text: str) -> None:
    shown = inert(text)
    assert inert(shown) == shown
    marks = 0
    for letter in shown:
        if unicodedata.category(letter) != "Cf":
            marks = marks + 1 if unicodedata.category(letter) in ("Mn", "Me") else 0
        assert marks <= 4


@given(ANY_TEXT)
def test_one_line_stays_one_line(text: str) -> None:
    assert len(inert(text).splitlines()) <= 1
    assert len(inert(text, lines=True).splitlines()) <= text.count("\n") + 1


@given(st.text(alphabet=st.characters(min_codepoint=0x20, max_codepoint=0x7E)))
def test_plain_text_is_left_alone(text: str) -> None:
    assert inert(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J", "␛[2J"),
        ("a\x00b\x7f", "a␀b␡"),
        ("\x9b31m", "<U+009B>31m"),
        ("\u202eevil", "<U+202E>evil"),
        ("a\u200bb", "a<U+200B>b"),
        ("\ud800", "<U+D800>"),
        ("tab\tand\nline", "tab␉and␊line"),
        ("\U000e0041", "<U+E0041>"),
        # Emoji that are well formed stay whole; what hides behind them does not.
        ("❤\ufe0f", "❤\ufe0f"),
        ("1\ufe0f\u20e3", "1\ufe0f\u20e3"),
        ("👩\U0001f3fd\u200d💻", "👩\U0001f3fd\u200d💻"),
        ("❤\ufe0f\ufe0f", "❤\ufe0f<U+FE0F>"),
        ("x\ufe0f", "x<U+FE0F>"),
        ("👩\u200d", "👩<U+200D>"),
        # Joiners are spelling in Persian and Hindi, and nothing but hiding in Latin.
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("क्\u200dष", "क्\u200dष"),
        ("a\u200cb", "a<U+200C>b"),
        # Four marks are a letter, more are an attack on the lines above.
        ("e" + "\u0301" * 4, "e" + "\u0301" * 4),
        ("e" + "\u0301" * 6, "e" + "\u0301" * 4 + "<U+0301><U+0301>"),
        ("ส" + "\u0e47" * 6, "ส" + "\u0e47" * 4 + "<U+0E47><U+0E47>"),
        ("क" + "\u094d" * 4 + "\u200d\u094dष", "क" + "\u094d" * 4 + "<U+200D><U+094D>ष"),
    ],
)
def test_marks(text: str, shown: str) -> None:
    assert inert(text) == shown


def test_blocks_of_text_keep_their_lines() -> None:
    assert inert("a\r\nb\tc\nd\re", lines=True) == "a\nb\tc\nd␍e"


@given(ANY_TEXT, ANY_TEXT)
def test_what_a_text_becomes_does_not_depend_on_what_stands_far_away(text: str, other: str) -> None:
    assert inert(f"{text} {other}") == f"{inert(text)} {inert(other)}"


@pytest.mark.parametrize("piece", ["\x1b", "\u200b", "👩\u200d", "\u0301", "日", "e\u0301", "1\ufe0f"])
def test_a_long_text_grows_at_most_eightfold(piece: str) -> None:
    """A quarter of a million letters: were time not linear, the suite's limit would end this test."""
    text = piece * 250_000
    assert len(text) <= len(inert(text)) <= 9 * len(text)
