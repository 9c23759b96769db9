"""The border to the terminal: text of models, files and servers is made inert here, and nowhere else.

Escape sequences, control bytes and invisible or reordering characters become visible marks, so nothing that a model
wrote can move the cursor, set the clipboard or hide itself. JSON output does not come through here: it is exact, and
its encoder escapes what is dangerous.
"""

from __future__ import annotations

import re

MOST_CHARACTERS = 100_000
"""Longer texts are cut before anything looks at them, so that a megabyte costs no more than a page."""

_CONTROL = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}
"""The control pictures of Unicode: NUL is shown as its picture, and so on."""

# C1 controls; bidirectional marks, overrides and isolates; zero-width and other format characters; tag characters;
# variation selectors; line and paragraph separators; lone surrogates; the byte order mark; fillers that show as nothing.
_HIDDEN = re.compile(
    "[\u0080-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U000e0000-\U000e0fff\U0001d173-\U0001d17a\U00013430-\U0001343f]"
)
_CONTROLS = re.compile("[\u0000-\u001f\u007f]")
_KEPT_IN_LINES = "\n\t"


def inert(text: str, *, lines: bool = False) -> str:
    """The text as it may go to a terminal.

    Args:
        lines: keep newlines and tabs, for blocks of text; False makes one line of it.
    """
    text = _cut(text)
    text = _CONTROLS.sub(lambda m: m[0] if lines and m[0] in _KEPT_IN_LINES else _CONTROL[ord(m[0])], text)
    return _HIDDEN.sub(lambda m: f"<U+{ord(m[0]):04X}>", text)


def _cut(text: str) -> str:
    if len(text) <= MOST_CHARACTERS:
        return text
    return f"{text[:MOST_CHARACTERS]}… ({len(text) - MOST_CHARACTERS:,} more characters)"


def short(text: str, width: int) -> str:
    """One inert line of at most `width` characters, with an ellipsis where it was cut."""
    line = inert(text[: 4 * width + 4])
    return line if len(line) <= width and len(text) <= 4 * width + 4 else line[: max(width - 1, 0)] + "…"
