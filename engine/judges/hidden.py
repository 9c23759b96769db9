"""Hidden text made visible: what a tokenizer reads and a person does not see becomes a mark such as ⟨U+200B⟩.

Attack A9 of the judge: instructions in tag characters, payloads in variation selectors, words cut or turned round by
zero-width and bidi characters. A judge gets the visible form, so that it and whoever checks it read the same text.
A lone surrogate, which no request could carry, becomes a mark too.

Left alone is what honest text needs: newline, tab, `\\r\\n`, one emoji or text selector after a visible character
beyond ASCII (or in a keycap), one joiner or non-joiner between two of those.
"""

from __future__ import annotations

import re
from functools import lru_cache

# Controls but tab and newline, default-ignorable characters, line and paragraph separators, bidi controls, interlinear
# marks, surrogates, variation selectors, tags: the blocks of Unicode that draw nothing of their own.
_HIDDEN = (
    "\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_ASCII_HIDDEN = bytes([*range(0x09), *range(0x0B, 0x20), 0x7F])
_RUN = re.compile(f"[{_HIDDEN}]+")
# Tags U+E0020 to U+E007E mirror printable ASCII.
_PARTS = re.compile("(?P<tags>[\U000e0020-\U000e007e]+)|(.)\\2*", re.DOTALL)
_TAGS = {code: chr(code - 0xE0000) for code in range(0xE0020, 0xE007F)}
_DELICATE = frozenset("\r\u200c\u200d\ufe0e\ufe0f")
"""Whether these are hidden depends on what stands around them."""
_SELECTORS = frozenset("\ufe0e\ufe0f")
_JOINERS = frozenset(selector + joiner for selector in ("", "\ufe0e", "\ufe0f") for joiner in "\u200c\u200d")


def show_hidden(text: str) -> tuple[str, int]:
    """The text with hidden characters as marks, and how many characters were hidden. Linear time.

    A run of one character is `⟨U+200B×12⟩`; a run of tag characters is what it spells: `⟨tags:ignore⟩`.
    """
    if text.isascii() and len(text.encode().translate(None, _ASCII_HIDDEN)) == len(text):
        return text, 0  # most texts; twenty times faster than to look at each character
    count = 0

    def shown(found: re.Match[str]) -> str:
        nonlocal count
        run = found[0]
        if run[-1] in _DELICATE:
            before, after = text[found.start() - 1 : found.start()], text[found.end() : found.end() + 1]
            if _is_honest(run, before, after) or run + after == "\r\n":
                return run
            if run[-1] == "\r" and after == "\n":
                count += len(run) - 1
                return _marks(run[:-1]) + "\r"
        count += len(run)
        return _marks(run)

    return _RUN.sub(shown, text), count


@lru_cache(maxsize=1024)
def mark(character: str, times: int = 1) -> str:
    """The mark that stands for a character: its code point, and how often it comes if more than once."""
    return f"⟨U+{ord(character):04X}{f'×{times}' if times > 1 else ''}⟩"


def _is_honest(run: str, before: str, after: str) -> bool:
    if run in _SELECTORS:
        return before > "\x7f" or (before != "" and before in "0123456789#*" and after == "\u20e3")
    return run in _JOINERS and before > "\x7f" and after > "\x7f"


def _marks(run: str) -> str:
    first = run[0]
    if run == first * len(run) and not "\U000e0020" <= first <= "\U000e007e":
        return mark(first, len(run))
    return "".join(
        f"⟨tags:{found[0].translate(_TAGS)}⟩" if found["tags"] else mark(found[2], len(found[0]))
        for found in _PARTS.finditer(run)
    )
