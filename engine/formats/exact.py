r"""How text that a table cannot hold is written into it, so that it reads back exactly.

JSON lines hold every text. For the others there are three rules; a file that follows them says so, and only such a
file is read back by them (a stranger's apostrophes stay):

1. CSV and Parquet: text with a lone surrogate or a NUL is written as `\json:` and its JSON string, and so is text
   that starts with `\json:`.
2. CSV: a cell that a spreadsheet would take for a formula (it starts with = + - @, in ASCII or full-width, a tab or a
   line end) gets an apostrophe before it, and so does one that starts with an apostrophe.
3. CSV: an empty cell is null; an empty text is one apostrophe.
4. CSV: whatever is no number is quoted, so that a spreadsheet that also parts cells at semicolons or tabs finds no more
   cells than there are.

A CSV says that it follows them by a last column `arena_tui_csv`, 1 in each row; a Parquet file by its metadata.
"""

from __future__ import annotations

import json

CSV_MARK = "arena_tui_csv"
PARQUET_MARK = b"arena_tui_text"
RULES = "1"

_AS_JSON = "\\json:"
_FORMULA = (*"=+-@", *"＝＋－＠", "\t", "\r", "\n", "'")


def to_text(text: str) -> str:
    """Rule 1, for writing."""
    if text.isascii() and "\0" not in text and not text.startswith(_AS_JSON):
        return text
    if "\0" in text or text.startswith(_AS_JSON) or has_surrogates(text):
        return _AS_JSON + json.dumps(text)
    return text


def from_text(text: str) -> str:
    """Rule 1, for reading.

    Raises:
        ValueError: `\\json:` stands before something that is no JSON string.
    """
    if not text.startswith(_AS_JSON):
        return text
    said = json.loads(text[len(_AS_JSON) :])
    if not isinstance(said, str):
        raise ValueError("not a JSON string")
    return said


def to_cell(text: str | None) -> str:
    """All rules, for writing a text into CSV."""
    if text is None:
        return ""
    if text == "":
        return "'"
    text = to_text(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def from_cell(cell: str) -> str | None:
    """All rules, for reading a cell of CSV.

    Raises:
        ValueError: as `from_text`.
    """
    if cell == "":
        return None
    return from_text(cell.removeprefix("'"))


def has_surrogates(text: str) -> bool:
    """Whether a text cannot be written as UTF-8."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return True
    return False
