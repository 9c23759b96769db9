"""Models' answers to the questions of a benchmark, in FastChat's layout and in the newer one of Arena-Hard."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.formats.benches.questions import QUESTION_ID, Bench, choices
from engine.formats.dialogues import status_of, turns_of
from engine.formats.entry import Record
from engine.formats.fields import FieldError, content, identifier, model_name
from engine.formats.mapping import Field, resolve
from engine.formats.rows import PromptRef, ResponseRow, Row
from engine.formats.sources import Source
from engine.records import Conversation, Prompt, ResponseStatus

ERROR_OUTPUT = "$ERROR$"
"""What FastChat and Arena-Hard write for a request that failed."""


class AnswerReader:
    """model_answer/MODEL.jsonl: `choices` (FastChat, old Arena-Hard), or `messages` whose assistant content is
    {"answer": text}."""

    layout = "answers"
    judge: str | None = None

    def __init__(self, source: Source, bench: Bench) -> None:
        self._bench = bench
        self._stem = source.stem
        fields = (
            QUESTION_ID,
            Field("model", ("model_id",), required=True),
            Field("messages", required="choices" not in source.columns),
            Field("choices"),
        )
        self.columns = resolve(fields, source.columns, {}, source.name)

    def rows(self, record: Record) -> Sequence[Row]:
        row = self.columns.apply(record.value)
        question = identifier(row["question_id"], "question_id")
        model = named_by_file(model_name(row["model"], "model"), self._stem)
        if row.get("choices") is not None or "messages" not in row:
            samples = choices(row.get("choices"))
            prompt: Prompt | PromptRef = self._bench.refer(question)
        else:
            asked, answers = dialogue(row["messages"])
            prompt, samples = self._prompt(question, asked), [answers]
        return self._responses(prompt, question, model, samples, record)

    def _prompt(self, question: str, asked: Conversation) -> Prompt | PromptRef:
        """The question by its name; whole where its file is not there."""
        known = self._bench.conversations.get(question)
        if known is None:
            return Prompt(question, asked, self._bench.set_name)
        if known != asked:
            raise FieldError("its messages do not ask what the question asks")
        return self._bench.refer(question)

    def _responses(
        self,
        prompt: Prompt | PromptRef,
        question: str,
        model: str,
        samples: Sequence[tuple[str, ...]],
        record: Record,
    ) -> list[ResponseRow]:
        known = self._bench.conversations.get(question)
        if known is not None and any(len(answers) != known.open_turns for answers in samples):
            raise FieldError("it has not one answer a turn")
        rows = [_response(prompt, model, answers, record) for answers in samples]
        if self._bench.keeps_answers:
            self._bench.answers[model, question] = rows[0].turns
        return rows


def _response(
    prompt: Prompt | PromptRef, model: str, answers: tuple[str, ...], record: Record
) -> ResponseRow:
    failed = ERROR_OUTPUT in answers
    return ResponseRow(
        prompt,
        model,
        turns_of(answers),
        ResponseStatus.FAILED if failed else status_of(answers),
        error=f"the source says {ERROR_OUTPUT}" if failed else None,
        line=record.line,
        file=record.file,
    )


def dialogue(value: Any) -> tuple[Conversation, tuple[str, ...]]:
    """Newer Arena-Hard's `messages`: user texts, each with its answer as text or as {"answer": text}.

    Raises:
        FieldError: it is of another form, or holds anything but text.
    """
    if not isinstance(value, list) or len(value) < 2 or len(value) % 2:
        raise FieldError("messages are not user turns with an answer each")
    asked = tuple(_said(message, "user") for message in value[::2])
    answers = tuple(_said(message, "assistant") for message in value[1::2])
    return Conversation.of(*asked), answers


def _said(message: Any, role: str) -> str:
    if not isinstance(message, dict) or message.get("role") != role:
        raise FieldError("messages are not user turns with an answer each")
    said = message.get("content")
    return content(said.get("answer") if isinstance(said, dict) else said, "messages")


def named_by_file(model: str, stem: str) -> str:
    """The name under which a model's answers and judgments lie.

    A row may say the organisation too (`jondurbin/bagel-8b-v1.0` in bagel-8b-v1.0.jsonl); in the benchmark, and in
    its published tables, the model goes by the file's name. A file of any other name names nothing.
    """
    return stem if model != stem and model.rpartition("/")[2] == stem else model
