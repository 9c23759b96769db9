"""`preferences`: pairs of a chosen and a rejected answer.

A pair lands as a battle that `chosen` won against `rejected`, models of those names unless the row names them. Their
ratings say nothing (one never loses); the pairs are there to train on and to check judges with. `chosen` is a.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from engine import keys
from engine.formats import fields
from engine.formats.dialogues import open_last, transcript, turns_of
from engine.formats.entry import Record
from engine.formats.fields import FieldError
from engine.formats.games import game
from engine.formats.identity import RowIds
from engine.formats.importer import Names, RecordReader, TableImporter
from engine.formats.mapping import ColumnMap, Field, resolve
from engine.formats.rows import BattleRow, ImportOptions
from engine.formats.sources import Source
from engine.records import Conversation, Message, Prompt

CHOSEN = "chosen"
REJECTED = "rejected"

_FIELDS = (
    Field(CHOSEN, required=True),
    Field(REJECTED, required=True),
    Field("prompt", ("instruction", "question", "messages")),
    Field("source_id", ("id", "prompt_id", "uid")),
    Field("model_a", ("chosen_model", "chosen-model")),
    Field("model_b", ("rejected_model", "rejected-model")),
    Field("judge"),
    Field("category"),
)


class PreferencesImporter(TableImporter):
    """`{chosen, rejected}` as transcripts of Anthropic's HH set, as messages, or as texts beside a prompt."""

    name: ClassVar[str] = "preferences"
    summary: ClassVar[str] = "pairs: chosen, rejected (HH transcripts, messages, or texts beside a prompt)"

    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        columns = resolve(_FIELDS, source.columns, options.mapping, source.name)
        return PreferenceReader(columns, names.set_name, options.judge or source.stem)


class PreferenceReader:
    """Reads one file of pairs."""

    layout = "preference pairs"

    def __init__(self, columns: ColumnMap, set_name: str, judge: str) -> None:
        self.columns = columns
        self.judge: str | None = judge
        self._default_judge = judge
        self._set_name = set_name
        self._ids = RowIds()

    def rows(self, record: Record) -> Sequence[BattleRow]:
        """The battle of a pair.

        Raises:
            FieldError: it is no pair of different answers to one prompt, or its id has been met.
        """
        row = self.columns.apply(record.value)
        conversation, chosen = _answered(row, CHOSEN)
        other, rejected = _answered(row, REJECTED)
        if conversation != other:
            raise FieldError("chosen and rejected do not share their history")
        if chosen == rejected:
            raise FieldError("chosen equals rejected")
        source_id = fields.optional_identifier(row.get("source_id"), "id")
        category = fields.optional_identifier(row.get("category"), "category")
        judge = fields.optional_text(row.get("judge"), "judge") or self._default_judge
        model_a, model_b = _model(row, "model_a", CHOSEN), _model(row, "model_b", REJECTED)
        if source_id is not None:
            self._ids.claim(source_id, (model_a, model_b, judge, category, conversation, chosen, rejected))
        name = source_id or keys.prompt_key(conversation)
        battle = BattleRow(
            prompt=Prompt(name, conversation, self._set_name, category),
            model_a=model_a,
            model_b=model_b,
            games=game("model_a"),
            judge=judge,
            response_a=turns_of((chosen,)),
            response_b=turns_of((rejected,)),
            source_id=source_id,
            category=category,
            line=record.line,
            file=record.file,
        )
        return (battle,)


def _model(row: Mapping[str, Any], field: str, default: str) -> str:
    value = row.get(field)
    return default if fields.missing(value) or value == "" else fields.model_name(value, field)


def _answered(row: Mapping[str, Any], side: str) -> tuple[Conversation, str]:
    """The prompt and the answer of one side."""
    value = row[side]
    if isinstance(value, str) and value.startswith("\n\nHuman:"):
        return open_last(transcript(value, side), side)
    before = _before(row.get("prompt"))
    if isinstance(value, list):
        said = fields.messages(value, side)
        if said[0].role == "assistant":  # only the answer; the conversation stands in the prompt
            said = (*before, *said)
        return open_last(said, side)
    if not before:
        raise FieldError("no prompt")
    return open_last((*before, Message("assistant", fields.text(value, side))), side)


def _before(prompt: Any) -> tuple[Message, ...]:
    """The conversation that is to be answered, as messages."""
    if fields.missing(prompt) or prompt == "":
        return ()
    if isinstance(prompt, list):
        return fields.messages(prompt, "prompt")
    said = fields.text(prompt, "prompt")
    if not said.startswith("\n\nHuman:"):
        return (Message("user", said),)
    turns = transcript(said, "prompt")
    ends_open = turns[-1].role == "assistant" and not turns[-1].content
    return turns[:-1] if ends_open else turns
