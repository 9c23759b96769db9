"""`responses`: a plain table of who answered what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from engine.errors import UsageError
from engine.formats import fields
from engine.formats.dialogues import status_of
from engine.formats.entry import Record
from engine.formats.fields import FieldError
from engine.formats.identity import PromptNames
from engine.formats.importer import Names, RecordReader, TableImporter
from engine.formats.keyed.nouns import read_response
from engine.formats.keyed.tables import KEYS_OPTION, KeyedReader, is_keyed
from engine.formats.mapping import ColumnMap, Field, resolve
from engine.formats.rows import ImportOptions, PromptRef, ResponseRow, Row
from engine.formats.sources import Source
from engine.records import Conversation, Prompt, ResponseStatus, Turn

_FIELDS = (
    Field("prompt_id", ("question_id", "prompt_name", "id", "idx"), required=True),
    Field("model", ("model_id", "model_name", "generator", "player"), required=True),
    Field("turns", ("responses", "answers")),
    Field("response", ("answer", "output", "completion")),
    Field("prompt", ("instruction", "question")),
    Field("set_name", ("prompt_set", "set")),
    Field("category"),
    Field("status"),
    Field("error"),
    Field("thinking", ("reasoning", "reasoning_content")),
    Field("finish_reason"),
    Field("tokens_in", ("prompt_tokens",)),
    Field("tokens_out", ("completion_tokens",)),
    Field("latency_ms"),
)
_STATUS_OF_FINISH = {"length": ResponseStatus.CUT, "content_filter": ResponseStatus.REFUSED}


class ResponsesImporter(TableImporter):
    """Responses of models to prompts that are named by their id; their text may stand beside them."""

    name: ClassVar[str] = "responses"
    summary: ClassVar[str] = "responses: prompt_id, model, response or turns; perhaps the prompt's text"
    options: ClassVar[Mapping[str, str]] = KEYS_OPTION

    def reader(self, source: Source, options: ImportOptions, names: Names) -> RecordReader:
        if is_keyed("responses", source.columns, options):
            return KeyedReader("responses", source.columns, read_response)
        columns = resolve(_FIELDS, source.columns, options.mapping, source.name)
        if "response" not in columns and "turns" not in columns:
            raise UsageError(
                f"{source.name} has no column for response",
                f"Looked for response, answer, output, completion, turns, responses, answers; "
                f"its columns: {', '.join(source.columns)}.",
                "Say which column it is with --map COLUMN=response.",
            )
        return ResponseReader(columns, names.set_name)


class ResponseReader:
    """Reads one file of responses."""

    layout = "responses"
    judge: str | None = None

    def __init__(self, columns: ColumnMap, set_name: str) -> None:
        self.columns = columns
        self._prompts = PromptNames(set_name)

    def rows(self, record: Record) -> Sequence[Row]:
        """The response of a row, after its prompt where that is new.

        Raises:
            FieldError: it cannot be used.
        """
        row = self.columns.apply(record.value)
        name = fields.identifier(row["prompt_id"], "prompt_id")
        model = fields.model_name(row["model"], "model")
        said = _said_status(row)
        turns = () if said is ResponseStatus.FAILED and _absent(row) else _turns(row)
        status = said or _status(turns)
        error = fields.optional_text(row.get("error"), "error")
        conversation = _conversation(row, turns, status)
        prompts, prompt = self._prompt(row, name, conversation)
        return (*prompts, ResponseRow(prompt, model, turns, status, error, record.line, record.file))

    def _prompt(
        self, row: Mapping[str, Any], name: str, conversation: Conversation | None
    ) -> tuple[list[Prompt], PromptRef]:
        set_name = fields.optional_text(row.get("set_name"), "set_name")
        category = fields.optional_identifier(row.get("category"), "category")
        if conversation is None:
            return [], self._prompts.refer(name, set_name)
        return self._prompts.introduce(name, conversation, category, set_name)


def _absent(row: Mapping[str, Any]) -> bool:
    return all(fields.missing(row.get(name)) or row[name] == "" for name in ("turns", "response"))


def _said_status(row: Mapping[str, Any]) -> ResponseStatus | None:
    said = fields.optional_text(row.get("status"), "status")
    if said is None:
        return None
    try:
        return ResponseStatus(said)
    except ValueError as error:
        raise FieldError("unknown status") from error


def _turns(row: Mapping[str, Any]) -> tuple[Turn, ...]:
    value = row.get("turns")
    if fields.missing(value) or value == "":
        value = row.get("response")
        items = value if isinstance(value, list) else [fields.text(value, "response")]
        last = len(items) - 1
        # What is told of the whole response is told of its last turn.
        return tuple(
            _turn({**row, "answer": item} if i == last else {"answer": item}) for i, item in enumerate(items)
        )
    return tuple(
        _turn(item if isinstance(item, dict) else {"answer": item})
        for item in fields.turn_list(value, "turns")
    )


def _turn(said: Mapping[str, Any]) -> Turn:
    return Turn(
        fields.text(said.get("answer", said.get("content")), "response"),
        thinking=fields.optional_text(said.get("thinking"), "thinking"),
        finish_reason=fields.optional_text(said.get("finish_reason"), "finish_reason"),
        tokens_in=_optional_whole(said, "tokens_in"),
        tokens_out=_optional_whole(said, "tokens_out"),
        latency_ms=fields.optional_number(said.get("latency_ms"), "latency_ms", low=0.0),
    )


def _optional_whole(said: Mapping[str, Any], field: str) -> int | None:
    value = said.get(field)
    return None if fields.missing(value) or value == "" else fields.whole(value, field)


def _status(turns: Sequence[Turn]) -> ResponseStatus:
    for turn in turns:
        if turn.finish_reason in _STATUS_OF_FINISH:
            return _STATUS_OF_FINISH[turn.finish_reason]
    return status_of([turn.answer for turn in turns])


def _conversation(
    row: Mapping[str, Any], turns: Sequence[Turn], status: ResponseStatus
) -> Conversation | None:
    if fields.missing(row.get("prompt")):
        return None
    asked = Conversation.of(*fields.turns(row["prompt"], "prompt"))
    if len(turns) != asked.open_turns and status is not ResponseStatus.FAILED:
        raise FieldError("the response has not one text for each turn of the prompt")
    return asked
