"""The border to the terminal: text of models, files and servers is made inert here, and nowhere else.

Escape sequences, control bytes and invisible or reordering characters become visible marks, so nothing that a model
wrote can move the cursor, set the clipboard or hide itself. What people need in order to read is kept: emoji sequences
that are well formed (a selector or joiner belongs to them), and joiners between letters of scripts that spell with
them. JSON output does not come through here: it is exact, and its encoder escapes what is dangerous.
"""

from __future__ import annotations

import re
import unicodedata

_PICTURES = {code: chr(0x2400 + code) for code in range(0x20)} | {0x7F: "\u2421"}
"""The control pictures of Unicode: NUL is shown as its picture, and so on."""

_CONTROL = re.compile("[\u0000-\u001f\u007f]")
_CONTROL_IN_LINES = re.compile("\r\n|[\u0000-\u0008\u000b-\u001f\u007f]")

# C1 controls; bidirectional marks, overrides and isolates; zero-width and other format characters; tag characters;
# variation selectors; line and paragraph separators; lone surrogates; the byte order mark; fillers that show nothing.
_HIDDEN = (
    "[\u0080-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\ud800-\udfff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    "\U00013430-\U0001345f\U000e0000-\U000e0fff]"
)
_EMOJI = (
    "[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2194-\u21aa\u231a-\u23ff\u24c2\u25aa-\u25fe\u2600-\u27bf\u2934\u2935"
    "\u2b05-\u2b55\u3030\u303d\u3297\u3299\U0001f000-\U0001faff][\U0001f3fb-\U0001f3ff]?\ufe0f?"
)
_JOINED_EMOJI = f"{_EMOJI}(?:\u200d{_EMOJI}){{0,7}}|[0-9#*]\ufe0f\u20e3"
# Arabic, Syriac and their neighbours, the scripts of South Asia, Myanmar, Khmer, Mongolian.
_JOINING = "[\u0620-\u07ff\u0840-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u17b3\u17b6-\u17ff\u1820-\u18aa]"
_JOINER = f"(?<={_JOINING})[\u200c\u200d](?={_JOINING})"
_LOOK = re.compile(f"(?P<kept>{_JOINED_EMOJI}|{_JOINER})|{_HIDDEN}")

MOST_MARKS = 4
"""Of any script on one letter. More hide the lines above and below."""
# Marks are no letters, digits or spaces; nor do they stand where most other signs do.
_PILE = re.compile(
    rf"[^\w\s!-~\u2010-\u20cf\u2100-\u2bff\u3000-\u3029\u3030-\u3098\u309b-\u30ff\uff00-\uffff\U0001f000-\U0001faff]"
    rf"{{{MOST_MARKS + 1},}}"
)


def inert(text: str, *, lines: bool = False) -> str:
    """The text as it may go to a terminal. Time is linear, and making it inert twice changes nothing.

    Args:
        lines: keep newlines (CR LF is one) and tabs, for blocks of text; False makes one line of it.
    """
    controls = _CONTROL_IN_LINES if lines else _CONTROL
    text = controls.sub(_picture, text)
    return text if text.isascii() else _LOOK.sub(_mark, _PILE.sub(_unpiled, text))


def _picture(found: re.Match[str]) -> str:
    return "\n" if found[0] == "\r\n" else _PICTURES[ord(found[0])]


def _mark(found: re.Match[str]) -> str:
    return found[0] if found["kept"] else f"<U+{ord(found[0]):04X}>"


def _unpiled(found: re.Match[str]) -> str:
    """The first marks of each letter as they are, and the others made visible."""
    shown, marks = [], 0
    for letter in found[0]:
        kind = unicodedata.category(letter)
        if kind != "Cf":  # a joiner begins no letter
            marks = marks + 1 if kind in ("Mn", "Me") else 0
        shown.append(letter if marks <= MOST_MARKS else f"<U+{ord(letter):04X}>")
    return "".join(shown)
