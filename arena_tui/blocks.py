"""Texts of models as blocks of lines: each behind a bar, so that no line of theirs passes for one of ours.

A block shows as much as a person reads at a time and says what it left out. Its cost is that of what is shown: of a
text of a gigabyte only the beginning is looked at, unless the whole is asked for.
"""

from __future__ import annotations

from arena_tui.inert import inert
from arena_tui.layout import broken

BAR = "│ "

MOST_LINES = 200
MOST_CHARACTERS = 10_000
"""Of one text, where not all of it is asked for."""


def block(text: str, width: int | None, *, whole: bool = False) -> list[str]:
    """A text as inert lines.

    Args:
        width: cells of a line, the bar among them; a longer line goes on below, behind its own bar. None has no end.
        whole: show all of it.
    """
    head = text if whole else _beginning(text)
    lines = [f"{BAR}{part}" for line in inert(head, lines=True).split("\n") for part in _parts(line, width)]
    return [*lines, _left_out(text, head)] if len(head) < len(text) else lines


def _beginning(text: str) -> str:
    head = text[:MOST_CHARACTERS]
    lines = head.split("\n", MOST_LINES)
    return head if len(lines) <= MOST_LINES else "\n".join(lines[:MOST_LINES])


def _parts(line: str, width: int | None) -> list[str]:
    if width is None:
        return [line]
    line = line.expandtabs()  # a tab has no width of its own
    room = max(width - len(BAR), 2)
    if line.isascii():
        return [line[start : start + room] for start in range(0, max(len(line), 1), room)]
    return broken(line, room)


def _left_out(text: str, head: str) -> str:
    return f"… {len(text) - len(head):,} of {len(text):,} characters are left out; --whole shows them"
