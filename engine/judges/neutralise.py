"""A text as the judge is shown it: hidden characters visible, special tokens broken, fence-like lines escaped.

Only the judge's copy is changed; what is stored, trained on and exported stays exact. The copy is a pure function of
the text and the judge's tokenizer, so what was changed can be counted again at any time, and a verdict's key, which
hashes the rendered messages, changes with it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from engine.judges.fence import escape_fences
from engine.judges.hidden import show_hidden
from engine.judges.special import SpecialTokens


@dataclass(frozen=True, slots=True)
class Neutralised:
    """How much of a text was changed for the judge.

    Attributes:
        hidden: characters that are now marks.
        special: special tokens that are now broken.
        fences: lines that got a backslash.
    """

    hidden: int = 0
    special: int = 0
    fences: int = 0

    def __add__(self, other: Self) -> Neutralised:
        return Neutralised(
            self.hidden + other.hidden, self.special + other.special, self.fences + other.fences
        )


def neutralise(text: str, tokens: SpecialTokens) -> tuple[str, Neutralised]:
    """The judge's copy of a text, and what was changed. Linear time.

    The order matters: what hidden characters spell must not become a special token or a fence afterwards.
    """
    text, hidden = show_hidden(text)
    text, special = tokens.break_up(text)
    text, fences = escape_fences(text)
    return text, Neutralised(hidden, special, fences)
