"""Special tokens of a judge's tokenizer, broken up in the text that the judge is shown.

A chat-template token in a response becomes a real control token in the judge's prompt (transformers#29279), and no
fence helps against a forged `<|im_end|><|im_start|>system`. So a visible dot is put after the first character of each:
`<·|im_end|>`. The dot is in none of the tokens, so nothing that a tokenizer does joins the two halves again, and
people and judges still read what stood there.

Text is compared folded (see folding), as normalising tokenizers would fold it.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from functools import cache, lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.judges.folding import fold
from engine.judges.hidden import mark

_DOTS = "·¦‖⁘"
"""What is put into a token: the first of these that is in none of the set."""
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json")
_TOKEN_LISTS = frozenset(
    {"additional_special_tokens", "extra_special_tokens", "model_specific_special_tokens"}
)


class SpecialTokens:
    """A set of special tokens, ready to be found in text.

    Args:
        tokens: as a tokenizer lists them. Blank ones, and single ASCII characters, are left out.
        shapes: regular expressions over folded text, each beginning with a literal character.
    """

    def __init__(self, tokens: Iterable[str], shapes: Iterable[str] = ()) -> None:
        folded = {fold(token).text for token in tokens}
        self.tokens = tuple(
            sorted(token for token in folded if token.strip() and not _is_plain_character(token))
        )
        self._pattern = _starts_of(self.tokens, tuple(shapes))
        self._dot = next(dot for dot in _DOTS if not any(dot in token for token in self.tokens))
        self._single = frozenset(token for token in self.tokens if len(token) == 1)

    def break_up(self, text: str) -> tuple[str, int]:
        """The text with every special token broken, and how many there were. Linear time.

        Tokens that overlap are each broken. A token of one character becomes its mark (⟨U+E000⟩).
        """
        if self._pattern is None:
            return text, 0
        pieces: list[str] = []
        end = count = 0
        folded = fold(text)
        for found in self._pattern.finditer(folded.text):
            place = folded.source(found.start())
            if place < end:
                continue  # within a character that has been taken apart
            first = text[place]
            pieces += [text[end:place], mark(first) if found[0] in self._single else first + self._dot]
            end = place + 1
            count += 1
        return ("".join(pieces) + text[end:], count) if count else (text, 0)


@cache
def shipped_tokens() -> SpecialTokens:
    """The known special strings of data/judges/special_tokens.toml."""
    listed = _shipped()
    tokens = [token for group in ("tokens", "plain") for family in listed[group].values() for token in family]
    return SpecialTokens(tokens, listed["shapes"].values())


def tokens_of(tokenizer: Path) -> SpecialTokens:
    """The special tokens that a tokenizer's files list, and the turn marks that templates write as plain text.

    Args:
        tokenizer: tokenizer.json, tokenizer_config.json, or the folder that holds them.

    Raises:
        UsageError: there is no such file, it cannot be read, or it names no special token.
    """
    listed = _listed(_files_of(tokenizer))
    if not listed:
        raise UsageError(
            f"{tokenizer} names no special token",
            mend="Leave out 'tokenizer' to use the shipped list of known ones.",
        )
    plain = (token for family in _shipped()["plain"].values() for token in family)
    return SpecialTokens([*listed, *plain])


def tokens_with(folder: Path) -> SpecialTokens:
    """The shipped list, and what the tokenizer in a model's folder lists beside it.

    Raises:
        UsageError: a file of it cannot be read.
    """
    shipped = shipped_tokens()
    own = _listed(file for name in _TOKENIZER_FILES if (file := folder / name).is_file())
    if {fold(token).text for token in own} <= set(shipped.tokens):
        return shipped
    return SpecialTokens([*shipped.tokens, *own], _shipped()["shapes"].values())


def _listed(files: Iterable[Path]) -> set[str]:
    return {token for file in files for token in _listed_in(_read(file))}


def _files_of(tokenizer: Path) -> list[Path]:
    wanted = [tokenizer / name for name in _TOKENIZER_FILES] if tokenizer.is_dir() else [tokenizer]
    files = [file for file in wanted if file.is_file()]
    if not files:
        raise UsageError(
            f"no tokenizer at {tokenizer}",
            f"Expected {_TOKENIZER_FILES[0]} or {_TOKENIZER_FILES[1]}, or a folder that holds one.",
            "Mend 'tokenizer' of the judge, or leave it out to use the shipped list of known special tokens.",
        )
    return files


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise UsageError(
            f"{file} cannot be read as a tokenizer", f"{type(error).__name__}: {error}"
        ) from error
    if not isinstance(content, dict):
        raise UsageError(f"{file} cannot be read as a tokenizer", "It holds no JSON object.")
    return content


def _listed_in(content: Mapping[str, Any]) -> Iterator[str]:
    """Tokens in the ways in which tokenizer.json, tokenizer_config.json and special_tokens_map.json name them."""
    added = [*_items(content.get("added_tokens")), *_items(content.get("added_tokens_decoder"))]
    for entry in added:
        text = _text_of(entry)
        if text is not None and (entry.get("special") or _looks_special(text)):
            yield text
    for name, value in content.items():
        entries = [value] if name.endswith("_token") else _items(value) if name in _TOKEN_LISTS else []
        yield from (text for text in map(_text_of, entries) if text is not None)


def _items(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return list(value.values())
    return list(value) if isinstance(value, list) else []


def _text_of(entry: Any) -> str | None:
    content = entry.get("content") if isinstance(entry, Mapping) else entry
    return content if isinstance(content, str) else None


def _looks_special(token: str) -> bool:
    """Whether an added token that is not marked special works like one: <think>, [TOOL_CALLS]."""
    return len(token) > 2 and token[0] in "<[{|" and token[-1] in ">]}|"


def _is_plain_character(token: str) -> bool:
    return len(token) == 1 and token.isascii()


@cache
def _shipped() -> dict[str, dict[str, Any]]:
    return tomllib.loads(
        resources.files("data").joinpath("judges/special_tokens.toml").read_text(encoding="utf-8")
    )


@lru_cache(maxsize=32)
def _starts_of(tokens: tuple[str, ...], shapes: tuple[str, ...]) -> re.Pattern[str] | None:
    """Matches the first character of each token: the rest is looked ahead at, so that overlapping ones are found."""
    rests: dict[str, list[str]] = {}
    for token in tokens:
        rests.setdefault(token[0], []).append(token[1:])
    ways = {first: [_trie(words)] for first, words in rests.items()}
    for shape in shapes:
        ways.setdefault(shape[0], []).append(shape[1:])
    branches = [f"{re.escape(first)}(?={'|'.join(ways[first])})" for first in sorted(ways)]
    return re.compile("|".join(branches)) if branches else None


def _trie(words: list[str]) -> str:
    """A regular expression for any of the words that looks at each character once."""
    if "" in words:
        return ""  # the shortest is enough: all that begins with it is broken as well
    by_first: dict[str, list[str]] = {}
    for word in words:
        by_first.setdefault(word[0], []).append(word[1:])
    return "(?:" + "|".join(re.escape(first) + _trie(rest) for first, rest in sorted(by_first.items())) + ")"
