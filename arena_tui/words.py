"""Numbers in sentences."""

from __future__ import annotations


def counted(n: int, noun: str, plural: str = "") -> str:
    """Such as `1 battle`, `1,200 battles`."""
    return f"{n:,} {noun if n == 1 else plural or f'{noun}s'}"
