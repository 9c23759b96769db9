"""Draws that depend on the seed and on what is drawn alone: no state, no order of calls."""

from __future__ import annotations

import hashlib


def draw(random_state: int, key: str) -> bytes:
    """32 bytes by which things can be put in a random order."""
    return hashlib.sha256(f"{random_state}/{key}".encode()).digest()
