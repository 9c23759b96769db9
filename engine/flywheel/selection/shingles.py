"""How much two prompts share: runs of three words, and the share of them that both have (Jaccard). Pure.

Exact where MinHash estimates: test sets have thousands of prompts, not millions, so an index of their runs is small.
A letter of a script without spaces counts as a word, as in engine.judges.flags.repetition; so does a sign of
arithmetic, since 36 - 26 and 36 + 26 are two questions.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable

RUN = 3

_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]|\w+|[-+*/=<>^%]")

Shingle = tuple[str, ...]


def normalised(text: str) -> str:
    """A text in which case, spaces and forms of the same letter make no difference."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def shingles(text: str) -> frozenset[Shingle]:
    """The runs of a text; of one with fewer words all of them as one run, of one without words none."""
    words = _WORD.findall(normalised(text))
    if not words:
        return frozenset()
    width = min(RUN, len(words))
    return frozenset(tuple(words[n : n + width]) for n in range(len(words) - width + 1))


class Likeness:
    """Texts that others are held against."""

    def __init__(self, texts: Iterable[str]) -> None:
        self._texts: set[str] = set()
        self._sizes: list[int] = []
        self._places: dict[Shingle, list[int]] = {}
        for text in texts:
            self._add(text)

    def _add(self, text: str) -> None:
        plain = normalised(text)
        if plain in self._texts:
            return
        self._texts.add(plain)
        runs = shingles(plain)
        for run in runs:
            self._places.setdefault(run, []).append(len(self._sizes))
        self._sizes.append(len(runs))

    def has(self, text: str) -> bool:
        """Whether one of them is this text, but for case and spaces."""
        return normalised(text) in self._texts

    def nearest(self, text: str) -> float:
        """The greatest share of runs, 0..1, that this text has in common with one of them."""
        if not self._texts:
            return 0.0
        if self.has(text):
            return 1.0
        runs = shingles(text)
        common = Counter(place for run in runs for place in self._places.get(run, ()))
        return max(
            (both / (len(runs) + self._sizes[place] - both) for place, both in common.items()), default=0.0
        )
