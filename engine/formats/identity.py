"""What has been met before in a file: ids that stand for one row, and prompts that rows share."""

from __future__ import annotations

from collections.abc import Hashable

from engine.formats.fields import FieldError
from engine.formats.rows import PromptRef
from engine.records import Conversation, Prompt


class RowIds:
    """Ids that must stand for one row each.

    Of each, 64 bits of the id and of its content are kept (by SipHash, keyed anew in each process), about 150 bytes
    a row, so that a million rows cost 150 MB whatever their texts.
    """

    def __init__(self) -> None:
        self._contents: dict[int, int] = {}

    def claim(self, row_id: Hashable, content: Hashable) -> None:
        """Remember an id.

        Raises:
            FieldError: it has been met, with the same content or with another.
        """
        id_hash, content_hash = hash(row_id), hash(content)
        known = self._contents.get(id_hash)
        if known is None:
            self._contents[id_hash] = content_hash
            return
        raise FieldError("duplicate id" if known == content_hash else "id stands for two different rows")


class PromptNames:
    """Prompts that rows share: each is yielded once, and referred to from then on."""

    def __init__(self, set_name: str) -> None:
        self._set_name = set_name
        self._texts: dict[PromptRef, int] = {}
        self._references: dict[tuple[str, str | None], PromptRef] = {}

    def refer(self, name: str, set_name: str | None = None) -> PromptRef:
        """A prompt by its name alone, in the set that is said or the usual one."""
        reference = self._references.get((name, set_name))
        if reference is None:
            reference = PromptRef(set_name or self._set_name, name)
            self._references[name, set_name] = reference
        return reference

    def introduce(
        self, name: str, conversation: Conversation, category: str | None, set_name: str | None = None
    ) -> tuple[list[Prompt], PromptRef]:
        """A prompt with its text: itself when it is new, and how to refer to it.

        Raises:
            FieldError: the name stands for another text.
        """
        reference = self.refer(name, set_name)
        text_hash = hash(conversation)
        known = self._texts.get(reference)
        if known is None:
            self._texts[reference] = text_hash
            return [Prompt(name, conversation, reference.set_name, category)], reference
        if known != text_hash:
            raise FieldError("prompt id stands for two texts")
        return [], reference
