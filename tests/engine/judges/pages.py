"""Reads a judge's page back, by the fences alone: written apart from the renderer, as a check of it."""

from __future__ import annotations

from dataclasses import dataclass

BEGIN, END, DASHES = "-----BEGIN ", "-----END ", "-----"


@dataclass(frozen=True)
class Block:
    """A fenced text as it stands on the page."""

    label: str
    text: str


def fenced_blocks(page: str) -> list[Block]:
    """All fenced texts in order. A text that could open or close a fence would break this."""
    blocks: list[Block] = []
    inside: list[str] | None = None
    label = ""
    for line in page.split("\n"):
        if inside is None:
            if line.startswith(BEGIN):
                label, inside = line.removeprefix(BEGIN).removesuffix(DASHES), []
        elif line.startswith(BEGIN):
            raise AssertionError(f"a fence inside a fence: {line}")
        elif line.startswith(END):
            assert line == f"{END}{label}{DASHES}"
            blocks.append(Block(label, "\n".join(inside)))
            inside = None
        else:
            inside.append(line)
    assert inside is None
    return blocks
