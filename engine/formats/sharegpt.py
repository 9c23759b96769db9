"""`sharegpt`: conversations of people with a model, as prompts; and as that model's responses where it is named."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from engine.formats import fields
from engine.formats.dialogues import open_all, open_last, status_of, to_be_answered, turns_of
from engine.formats.entry import Record
from engine.formats.fields import FieldError
from engine.formats.identity import RowIds
from engine.formats.importer import Names, RecordReader, TableImporter, choice
from engine.formats.mapping import ColumnMap, Field, resolve
from engine.formats.rows import ImportOptions, ResponseRow, Row
from engine.formats.sources import Source
from engine.records import Conversation, Message, Prompt

_FIELDS = (
    Field("name", ("id", "conversation_id", "uid")),
    Field("messages", ("conversations", "conversation"), required=True),
    Field("category"),
)


class ShareGptImporter(TableImporter):
    """`{id, conversations: [{from, value}]}`, or messages with role and content."""

    name: ClassVar[str] = "sharegpt"
    summary: ClassVar[str] = "conversations of {from: human|gpt, value} or {role, content}, as prompts"
    options: ClassVar[Mapping[str, str]] = {
        "open": "what is to be answered: the `last` turn, those before being given (the default), `all`, "
        "or only the `first`",
        "model": "the model that gave the answers: they become its responses",
    }

    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        columns = resolve(_FIELDS, source.columns, options.mapping, source.name)
        opened = choice(options, "open", ("last", "all", "first"))
        return ConversationReader(columns, names.set_name, opened, options.extra.get("model"))


class ConversationReader:
    """Reads one file of conversations.

    Args:
        opened: last, all or first.
        model: whose answers they are; None leaves them out.
    """

    judge: str | None = None

    def __init__(self, columns: ColumnMap, set_name: str, opened: str, model: str | None) -> None:
        self.layout = f"conversations, {opened} open"
        self.columns = columns
        self._set_name = set_name
        self._opened = opened
        self._model = model
        self._ids = RowIds()

    def rows(self, record: Record) -> Sequence[Row]:
        """The prompt of a conversation, and its response where the model is named.

        Raises:
            FieldError: it is no conversation that starts with a user turn, or its id has been met.
        """
        row = self.columns.apply(record.value)
        name = fields.optional_identifier(row.get("name"), "id") or str(record.line)
        messages = fields.messages(row["messages"], "messages")
        category = fields.optional_identifier(row.get("category"), "category")
        conversation, answers = _opened(messages, self._opened)
        self._ids.claim(name, messages)
        prompt = Prompt(name, conversation, self._set_name, category)
        if self._model is None or not answers:
            return (prompt,)
        response = ResponseRow(
            prompt, self._model, turns_of(answers), status_of(answers), line=record.line, file=record.file
        )
        return (prompt, response)


def _opened(messages: tuple[Message, ...], opened: str) -> tuple[Conversation, tuple[str, ...]]:
    """The prompt, and the answers that it had; none where the conversation ends with a user turn."""
    spoken = [i for i, message in enumerate(messages) if message.role != "system"]
    if not spoken or messages[spoken[0]].role != "user":
        raise FieldError("the conversation does not start with a user turn")
    if opened == "first":
        messages = messages[: spoken[0] + 2]
    if messages[-1].role != "assistant":
        return to_be_answered(messages, "messages"), ()
    if opened == "all":
        return open_all(messages, "messages")
    conversation, answer = open_last(messages, "messages")
    return conversation, (answer,)
