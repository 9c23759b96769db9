"""Prompts that never train, and what is too near to them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.flywheel.selection.shingles import Likeness
from engine.ratings.naming import pick
from engine.records import Conversation
from engine.store.prompts import read_set, set_names
from engine.store.sqlite import Connection


@dataclass(frozen=True, slots=True)
class HeldOut:
    """The prompts of the test sets.

    Attributes:
        prompt_ids: their numbers.
        texts: all their words, where these are known.
        near: share of word runs from which on another prompt is near; at 1 none is that does not read the same.
    """

    prompt_ids: frozenset[int]
    texts: Likeness
    near: float

    def has(self, prompt_id: int, text: str | None = None) -> bool:
        """Whether a prompt is one of them, or reads the same."""
        return prompt_id in self.prompt_ids or (text is not None and self.texts.has(text))

    def is_near(self, text: str) -> bool:
        """Whether a prompt is too much like one of them."""
        return self.near < 1 and self.texts.nearest(text) >= self.near


def read_held_out(connection: Connection, sets: Iterable[str], near: float) -> HeldOut:
    """The prompts of these sets.

    Raises:
        UsageError: there is no such set.
    """
    found = [one for name in known_sets(connection, sets) for one in read_set(connection, name)]
    texts = (words(one.prompt.conversation) for one in found if one.prompt.conversation is not None)
    return HeldOut(frozenset(one.id for one in found), Likeness(texts), near)


def known_sets(connection: Connection, names: Iterable[str]) -> list[str]:
    """These prompt sets.

    Raises:
        UsageError: there is none of such a name.
    """
    known = [name for name, _ in set_names(connection)]
    return [pick("prompt set", name, known) for name in names]


def words(conversation: Conversation) -> str:
    """All that is said in a prompt, as engine.store.answers has it."""
    return "\n".join(message.content for message in conversation.messages if message.content is not None)
