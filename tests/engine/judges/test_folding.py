"""Folding reads every compatibility form of ASCII as a normalising tokenizer would, and knows where it came from."""

from __future__ import annotations

import sys
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from engine.judges.folding import fold

TEXT = st.text(alphabet="aZ<|ßﬁﬆ…⑴ſⅻ＜ＩİK日\u0301\U0001d400\U0001f12e ", max_size=40)


def test_every_compatibility_form_of_ascii_in_unicode_is_folded() -> None:
    wrong = []
    for code in (code for code in range(0x80, sys.maxunicode + 1) if not 0xD800 <= code < 0xE000):
        plain = unicodedata.normalize("NFKC", chr(code)).casefold()
        if plain.isascii() and plain.isprintable() and plain.strip() and fold(chr(code)).text != plain:
            wrong.append(hex(code))
    assert wrong == []


@given(TEXT)
def test_each_folded_letter_is_traced_to_its_character(text: str) -> None:
    folded = fold(text)
    places = [folded.source(place) for place in range(len(folded.text))]
    assert places == sorted(places)
    assert set(places) == set(range(len(text)))
    for place, letter in zip(places, folded.text, strict=True):
        assert letter in fold(text[place]).text


@given(st.text())
def test_ascii_is_its_small_letters_and_no_letter_is_lost(text: str) -> None:
    folded = fold(text)
    assert len(folded.text) >= len(text)
    assert folded.source(len(folded.text)) == len(text)
    if text.isascii():
        assert folded.text == text.lower()
