"""Texts that attack a terminal or its reader, and what tells that none of them had its way."""

from __future__ import annotations

import re
import unicodedata

HOSTILE = {
    "clear": "\x1b[2J\x1b[H",
    "title (OSC 0)": "\x1b]0;pwned\x07",
    "link (OSC 8)": "\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\",
    "clipboard (OSC 52)": "\x1b]52;c;cHduZWQ=\x07",
    "DCS": "\x1bP+q544e\x1b\\",
    "APC": "\x1b_Gf=24;AAAA\x1b\\",
    "reset (RIS)": "\x1bc",
    "report": "\x1b[6n\x1b[c\x05",
    "paste mode": "\x1b[?2004l\x1b[201~",
    "C1 CSI": "\x9b31m",
    "C1 DCS": "\x90q\x9c",
    "C1 OSC": "\x9d0;pwned\x9c",
    "C1 next line": "\x85",
    "bidi override": "\u202eevil\u202c",
    "bidi isolate": "\u2066x\u2069\u200e\u200f\u061c",
    "zero width": "\u200b\u2060\ufeff\u180e\xad\u034f",
    "tags": "\U000e0001\U000e0041\U000e007f",
    "variation selectors": "x\ufe0f\U000e0100\U000e01ef",
    "separators": "a\u2028b\u2029c",
    "combining storm": "e" + "\u0301" * 30 + "\u0e01" + "\u0e47" * 30,
    "wide": "日本語👩\u200d💻ｗｉｄｅ",
    "blank": "\u3164\u115f\uffa0\u2800",
    "NUL": "a\x00b",
    "backspace": "pass\x08\x08\x08\x08fail",
    "carriage return": "fail\rpass",
    "shift out": "\x0e\x0f",
    "DEL": "\x7f",
    "surrogate": "\ud800",
    "line": "one\ntwo\x0bthree\x0cfour",
    "markup": "[bold]b[/bold][link=x]y[/link] {0} %s %n ${PATH} `id`",
}

ATTACK = "".join(HOSTILE.values())
"""All of them in one."""

SAID = ATTACK.replace("\x00", "").replace("\ud800", "").replace("/", "|")
"""As an argument of a command or a file's name can hold it."""

OURS = re.compile(r"\x1b\[[01]m|\r\x1b\[K")
"""Bold on and off for headings, and the redrawn line of progress: all that we send."""


def assert_inert(data: bytes) -> None:
    """Nothing reached the terminal but text, ends of lines, and what we send ourselves."""
    text = OURS.sub("", data.decode("utf-8")).replace("\r\n", "\n")
    marks = 0
    for place, letter in enumerate(text):
        kind = unicodedata.category(letter)
        if letter in "\u200d\ufe0f":
            assert text[place - 1] in "❤👩", hex(ord(text[place - 1]))  # emoji in names of ours
        elif letter not in "\n\t":
            assert kind not in ("Cc", "Cf", "Cs", "Zl", "Zp"), hex(ord(letter))
            assert not "\U000e0000" <= letter <= "\U000e0fff"
        marks = marks + 1 if kind in ("Mn", "Me") else 0
        assert marks <= 4
