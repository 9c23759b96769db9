"""What has been met before in an import: ids of rows, and prompts under their names."""

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

    def claim(self, source_id: str, content: Hashable) -> None:
        """Remember an id.

        Raises:
            FieldError: it has been met, with the same content or with another.
        """
        id_hash, content_hash = hash(source_id), hash(content)
        known = self._contents.get(id_hash)
        if known is None:
            self._contents[id_hash] = content_hash
            return
        raise FieldError("duplicate id" if known == content_hash else "id stands for two different rows")


class PromptNames:
    """Prompts that rows share: each is yielded once, and referred to from then on."""

    def __init__(self, set_name: str) -> None:
        self._set_name = set_name
        self._texts: dict[str, int] = {}
        self._references: dict[str, PromptRef] = {}

    def refer(self, name: str) -> PromptRef:
        """A prompt by its name alone."""
        reference = self._references.get(name)
        if reference is None:
            reference = self._references[name] = PromptRef(self._set_name, name)
        return reference

    def introduce(
        self, name: str, conversation: Conversation, category: str | None
    ) -> tuple[list[Prompt], PromptRef]:
        """A prompt with its text: itself when it is new, and how to refer to it.

        Raises:
            FieldError: the name stands for another text.
        """
        text_hash = hash(conversation)
        known = self._texts.get(name)
        if known is None:
            self._texts[name] = text_hash
            return [Prompt(name, conversation, self._set_name, category)], self.refer(name)
        if known != text_hash:
            raise FieldError("prompt id stands for two texts")
        return [], self.refer(name)
