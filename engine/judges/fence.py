"""Fences: the lines around every text that a judge is shown, and the escape that keeps a text from forging one.

    -----BEGIN FIRST RESPONSE 3f2a9c0d1b2e4f56-----
    ...
    -----END FIRST RESPONSE 3f2a9c0d1b2e4f56-----

A line of a text that looks like a fence gets a backslash in front, so no line of a text begins as a fence does:
what was rendered can be read in one way only. The escape is visible, and `unescape_fences` takes it back exactly. It
goes further than need be (other dashes, small letters, indented or quoted lines), since a judge reads by resemblance.
The nonce is the second wall: whoever wrote a text could not know it.
"""

from __future__ import annotations

import re

BEGIN = "-----BEGIN "
END = "-----END "
DASHES = "-----"

# Possessive quantifiers (`*+`): no way back, so linear on any text.
_FENCE_LIKE = re.compile(
    r"^(?=[ \t>|\\]*+[-=_~‐‑‒–—―−﹘﹣－]{3,}+[^\S\n]*+(?:BEGIN|END)\b)", re.MULTILINE | re.IGNORECASE
)
_ESCAPED = re.compile(_FENCE_LIKE.pattern + r"\\", re.MULTILINE | re.IGNORECASE)


def escape_fences(text: str) -> tuple[str, int]:
    """The text with a backslash before each line that looks like a fence, and how many there were. Linear time."""
    return _FENCE_LIKE.subn(r"\\", text)


def unescape_fences(text: str) -> str:
    """The inverse of `escape_fences`."""
    return _ESCAPED.sub("", text)
