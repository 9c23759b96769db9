"""Answers that say nothing: master keys such as ":" and "Thought process:" (arXiv 2507.08794), and the prompt again."""

from __future__ import annotations

import tomllib
import unicodedata
from functools import cache
from importlib import resources

MOST_MARKS = 3
"""Punctuation marks that say nothing by themselves; more may be a drawing."""
_LONGEST = 200
"""Characters beyond which an answer is no opener."""


def is_content_free(answer: str, question: str = "") -> bool:
    """Whether an answer is blank, a few marks, an opener of data/flags/content_free.toml, or the question again.

    Args:
        question: the last message that the answer follows; empty where its text is unknown.
    """
    if len(answer) <= _LONGEST:
        said = answer.strip()
        if len(said) <= MOST_MARKS and all(unicodedata.category(one)[0] in "PZC" for one in said):
            return True
        if _words(answer) in _phrases():
            return True
    return bool(question) and answer.strip() == question.strip()


def _words(text: str) -> str:
    """Letters and digits alone, folded, with one blank for whatever stands between them."""
    folded = unicodedata.normalize("NFKC", text).casefold().replace("'", "").replace("’", "")
    return " ".join("".join(one if one.isalnum() else " " for one in folded).split())


@cache
def _phrases() -> frozenset[str]:
    listed = tomllib.loads(
        resources.files("data").joinpath("flags/content_free.toml").read_text(encoding="utf-8")
    )
    return frozenset(_words(phrase) for phrase in listed["phrases"])
