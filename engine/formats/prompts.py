"""`prompts`: any table of instructions, questions or conversations; and one instruction a line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from engine.errors import UsageError
from engine.formats import fields
from engine.formats.dialogues import to_be_answered
from engine.formats.entry import Record
from engine.formats.fields import FieldError
from engine.formats.identity import RowIds
from engine.formats.importer import Names, RecordReader, TableImporter
from engine.formats.jsons import loads
from engine.formats.keyed.nouns import prompt_reader
from engine.formats.keyed.tables import KEYS_OPTION, KeyedReader, is_keyed
from engine.formats.mapping import ColumnMap, Field, resolve
from engine.formats.rows import ImportOptions
from engine.formats.sources import Source
from engine.records import Conversation, Message, Prompt

_FIELDS = (
    Field("name", ("id", "question_id", "prompt_id", "idx", "uid")),
    Field("set_name", ("prompt_set", "set")),
    Field("turns"),
    Field("messages", ("conversations", "conversation")),
    Field("text", ("instruction", "prompt", "question")),
    Field("input"),
    Field("system", ("system_prompt",)),
    Field("category", ("skill", "category_tag", "type")),
    Field("difficulty"),
    Field("meta"),
)
_BODIES = ("turns", "messages", "text")


class PromptsImporter(TableImporter):
    """Prompts under their ids, or under their line where they have none."""

    name: ClassVar[str] = "prompts"
    summary: ClassVar[str] = (
        "instructions: id, and instruction, text, turns or messages; category, difficulty"
    )
    bare: ClassVar[str | None] = "text"
    options: ClassVar[Mapping[str, str]] = KEYS_OPTION

    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        if is_keyed("prompts", source.columns, options):
            return KeyedReader("prompts", source.columns, prompt_reader())
        columns = resolve(_FIELDS, source.columns, options.mapping, source.name)
        if not any(body in columns for body in _BODIES):
            raise UsageError(
                f"{source.name} has no column with the text of prompts",
                f"Looked for instruction, prompt, question, text, turns, messages, conversations; "
                f"its columns: {', '.join(source.columns)}.",
                "Say which column it is with --map COLUMN=text (or turns, or messages).",
            )
        return PromptReader(columns, names.set_name)


class PromptReader:
    """Reads one file of prompts."""

    layout = "prompts"
    judge: str | None = None

    def __init__(self, columns: ColumnMap, set_name: str) -> None:
        self.columns = columns
        self._set_name = set_name
        self._ids = RowIds()

    def rows(self, record: Record) -> Sequence[Prompt]:
        """The prompt of a row.

        Raises:
            FieldError: it has no text, or an id that has been met.
        """
        row = self.columns.apply(record.value)
        name = fields.optional_identifier(row.get("name"), "id") or str(record.line)
        set_name = fields.optional_text(row.get("set_name"), "set_name") or self._set_name
        conversation = conversation_of(row)
        category = fields.optional_identifier(row.get("category"), "category")
        difficulty = fields.optional_number(row.get("difficulty"), "difficulty")
        self._ids.claim((set_name, name), (conversation, category, difficulty))
        return (Prompt(name, conversation, set_name, category, difficulty, _meta(row.get("meta"))),)


def _meta(value: Any) -> dict[str, Any]:
    """What else the source says: an object, or the JSON text of one as in tables of text; anything else by its name."""
    if fields.absent(value):
        return {}
    if isinstance(value, str):
        try:
            value = loads(value)
        except (ValueError, RecursionError):
            return {"meta": value}
    return value if isinstance(value, dict) else {"meta": value}


def conversation_of(row: Mapping[str, Any]) -> Conversation:
    """The conversation of a row, from the first of turns, messages and text that it has.

    turns: user turns, all to be answered. messages: up to the last user turn, earlier assistant turns given; or, as in
    our own export, with assistant turns that are null, which are the open ones. text: one user turn, with `input`
    after a blank line.

    Raises:
        FieldError: it has none of them, or not of that form.
    """
    if not fields.absent(row.get("turns")):
        items = fields.turn_list(row["turns"], "turns")
        return _asked(fields.turns(items, "turns"), row)
    if not fields.absent(row.get("messages")):
        return _of_messages(row["messages"], "messages")
    if isinstance(row.get("text"), list):  # sets of preferences keep messages in a column named prompt
        return _of_messages(row["text"], "text")
    text = fields.text(row.get("text"), "text")
    context = fields.optional_text(row.get("input"), "input")
    return _asked((text if context is None else f"{text}\n\n{context}",), row)


def _asked(turns: tuple[str, ...], row: Mapping[str, Any]) -> Conversation:
    if any(not turn.strip() for turn in turns):
        raise FieldError("empty prompt")
    return Conversation.of(*turns, system=fields.optional_text(row.get("system"), "system"))


def _of_messages(value: Any, field: str) -> Conversation:
    items = fields.turn_list(value, field)
    if not any(_is_open(item) for item in items):
        return to_be_answered(fields.messages(items, field), field)
    return Conversation(
        tuple(
            Message("assistant", None) if _is_open(item) else fields.messages([item], field)[0]
            for item in items
        )
    )


def _is_open(item: Any) -> bool:
    return isinstance(item, dict) and item.get("role") == "assistant" and item.get("content", "") is None
