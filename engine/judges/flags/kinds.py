"""What an answer can be flagged for."""

from __future__ import annotations

from enum import StrEnum


class Flag(StrEnum):
    """Why an answer is not to be trusted with a verdict, and never becomes a training row by default.

    constant        its player gives it, or most of it, whatever is asked (repetition.py)
    content-free    it says nothing: a colon, "Thought process:", the prompt again (content_free.py)
    injected        it imitates our fences or verdicts, or tells a judge what to do (injected.py)
    special-tokens  it holds strings that tokenizers read as control tokens (special.py)
    hidden          it holds characters that nobody sees (hidden.py)
    """

    CONSTANT = "constant"
    CONTENT_FREE = "content-free"
    INJECTED = "injected"
    SPECIAL_TOKENS = "special-tokens"
    HIDDEN = "hidden"
