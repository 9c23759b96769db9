"""Short ways to write conversations in tests."""

from __future__ import annotations

from engine.records import Conversation, Message


def after(first: str, given: str, second: str) -> Conversation:
    """Two turns, the first of which is answered in the prompt."""
    return Conversation(
        (
            Message("user", first),
            Message("assistant", given),
            Message("user", second),
            Message("assistant", None),
        )
    )
