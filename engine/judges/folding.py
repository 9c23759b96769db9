"""Text folded for comparing: small letters, and ASCII for its compatibility forms.

A tokenizer that normalises (NFKC, small letters) before it looks for its special tokens reads `＜|IM_END|＞`, `<|ﬁm|>`
and `</ſ>` as the tokens that they resemble. Folding reads them so too, and knows where in the text each folded letter
came from.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

_GROWS = "\u0130"
"""The one character that is longer in small letters; its dot is no part of any token."""
# Blocks with compatibility forms of ASCII: ligatures, modifier and superscript letters, letterlike symbols, Roman
# numerals, enclosed and squared letters, small and full-width forms, mathematical letters.
_BLOCKS = (
    (0xAA, 0x1A0), (0x1C4, 0x1F4), (0x2B0, 0x37F), (0x1D2C, 0x1E9F), (0x1FC0, 0x1FFF), (0x2010, 0x2190),
    (0x2460, 0x24EB), (0x2A74, 0x2A77), (0x2C7C, 0x2C7E), (0x3250, 0x3400), (0xA7F2, 0xA7F5), (0xFB00, 0xFB2A),
    (0xFE10, 0xFE6F), (0xFF01, 0xFF5F), (0x107A5, 0x107A6), (0x1D400, 0x1D800), (0x1F100, 0x1F191), (0x1FBF0, 0x1FBFA),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Folded:
    """A folded text.

    Attributes:
        text: in small letters.
        starts: where a character began that became several, in the folded text; ascending.
        ends: where its letters end there.
        sources: where it stands in the text.
    """

    text: str
    starts: tuple[int, ...] = ()
    ends: tuple[int, ...] = ()
    sources: tuple[int, ...] = ()

    def source(self, place: int) -> int:
        """Where the character stands that a folded letter came from."""
        nearest = bisect_right(self.starts, place) - 1
        if nearest < 0:
            return place
        beyond = place - self.ends[nearest]
        return self.sources[nearest] + (beyond + 1 if beyond >= 0 else 0)


def fold(text: str) -> Folded:
    """The text folded. Linear time."""
    if text.isascii():
        return Folded(text.lower())
    small = text.replace(_GROWS, "i").lower()
    forms = _forms()
    # Translating costs 150 ns a character, looking whether there is anything to translate a tenth of that.
    if forms.single.search(small):
        small = small.translate(forms.letters)
    return _spread(small, forms) if forms.several.search(small) else Folded(small)


@dataclass(frozen=True, slots=True)
class _Forms:
    """Compatibility forms of printable ASCII.

    Attributes:
        single: finds characters that stand for one letter.
        letters: code -> that letter.
        several: finds those that stand for more than one, and some that do not.
        spelled: what each of these stands for.
    """

    single: re.Pattern[str]
    letters: dict[int, str]
    several: re.Pattern[str]
    spelled: dict[str, str]


@cache
def _forms() -> _Forms:
    letters, spelled = {}, {}
    for code, plain in _compatible():
        if len(plain) == 1:
            letters[code] = plain
        else:
            spelled[chr(code)] = plain
    return _Forms(_finder(map(chr, letters)), letters, _finder(spelled), spelled)


def _finder(characters: Iterable[str]) -> re.Pattern[str]:
    """A class of these characters; beyond the basic plane of their whole blocks, for single ones there are slow."""
    found = frozenset(characters)
    basic = re.escape("".join(sorted(one for one in found if one < "\U00010000")))
    others = "".join(
        f"{chr(first)}-{chr(last - 1)}"
        for first, last in _BLOCKS
        if first >= 0x10000 and any(chr(first) <= one < chr(last) for one in found)
    )
    return re.compile(f"[{basic}{others}]")


def _compatible() -> Iterator[tuple[int, str]]:
    """Codes of small characters and the ASCII that they stand for, in small letters."""
    for first, last in _BLOCKS:
        for code in range(first, last):
            plain = unicodedata.normalize("NFKC", chr(code)).casefold()
            if plain.isascii() and plain.isprintable() and plain.strip():
                yield code, plain


def _spread(small: str, forms: _Forms) -> Folded:
    """Each character that stands for several letters replaced by them."""
    pieces: list[str] = []
    starts, ends, sources = [], [], []
    copied = length = 0
    for found in forms.several.finditer(small):
        spelled = forms.spelled.get(found[0])
        if spelled is None:
            continue
        pieces += [small[copied : found.start()], spelled]
        length += found.start() - copied
        starts.append(length)
        length += len(spelled)
        ends.append(length)
        sources.append(found.start())
        copied = found.end()
    pieces.append(small[copied:])
    return Folded("".join(pieces), tuple(starts), tuple(ends), tuple(sources))
