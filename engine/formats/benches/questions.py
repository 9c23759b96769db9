"""Questions of a benchmark as prompts, with their reference answers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from engine.formats.entry import Record, refuse
from engine.formats.fields import FieldError, identifier, model_name, optional_text, turns
from engine.formats.mapping import Field, resolve
from engine.formats.rows import PromptRef, Row, SetAside
from engine.formats.sources import Source
from engine.records import Conversation, Prompt, Turn

QUESTION_ID = Field("question_id", ("uid",), required=True)


class Bench:
    """What is met of one benchmark in an import; its size is that of the benchmark, not of its judgments.

    Attributes:
        conversations: question -> what is asked.
        categories: question -> its category, where it has one.
        answers: (model, question) -> the answer that judges are shown, where `keeps_answers`.
    """

    def __init__(self, set_name: str, keeps_answers: bool = False) -> None:
        self.set_name = set_name
        self.keeps_answers = keeps_answers
        self.conversations: dict[str, Conversation] = {}
        self.categories: dict[str, str] = {}
        self.answers: dict[tuple[str, str], tuple[Turn, ...]] = {}
        self._references: dict[str, PromptRef] = {}
        self._reference_answers: dict[str, dict[str, tuple[str, ...]]] = {}
        self._reference_records: dict[tuple[str, str], Record] = {}

    def refer(self, question: str) -> PromptRef:
        """A question by its name."""
        reference = self._references.get(question)
        if reference is None:
            reference = self._references[question] = PromptRef(self.set_name, question)
        return reference

    def add_reference(self, question: str, model: str, answers: tuple[str, ...], record: Record) -> None:
        """Keep a reference answer until its question comes.

        Raises:
            FieldError: the model has another reference answer to it.
        """
        known = self._reference_answers.setdefault(question, {}).setdefault(model, answers)
        if known != answers:
            raise FieldError("two reference answers to one question")
        self._reference_records[question, model] = record

    def take_references(self, question: str) -> dict[str, list[str]]:
        """model -> its reference answers, a text a turn."""
        found = self._reference_answers.get(question, {})
        for model in found:
            self._reference_records.pop((question, model), None)
        return {model: list(answers) for model, answers in found.items()}

    def unused_references(self) -> Iterator[SetAside]:
        """Reference answers whose question never came."""
        for record in self._reference_records.values():
            yield refuse(record, "a reference answer to a question that is not here")


class QuestionReader:
    """question.jsonl: `question_id` and `turns` (FastChat, old Arena-Hard), or `uid` and `prompt`.

    What else a row says is kept in the prompt's `meta`; reference answers stand there as
    `reference_answers`: {model: [text, ...]}.
    """

    layout = "questions"
    judge: str | None = None

    def __init__(self, source: Source, bench: Bench) -> None:
        self._bench = bench
        fields = (QUESTION_ID, Field("turns", ("prompt",), required=True), Field("category"))
        columns = resolve(fields, source.columns, {}, source.name)
        self.columns = replace(columns, ignored=())
        self._used = {theirs for _, theirs in columns.plain}

    def rows(self, record: Record) -> Sequence[Row]:
        row = self.columns.apply(record.value)
        question = identifier(row["question_id"], "question_id")
        conversation = Conversation.of(*turns(row["turns"], "turns"))
        category = optional_text(row.get("category"), "category")
        if self._bench.conversations.setdefault(question, conversation) != conversation:
            raise FieldError("question_id stands for two questions")
        if category is not None:
            self._bench.categories[question] = category
        meta = self._meta(record.value, question)
        return [Prompt(question, conversation, self._bench.set_name, category, meta=meta)]

    def _meta(self, value: dict[str, Any], question: str) -> dict[str, Any]:
        meta = {name: said for name, said in value.items() if name not in self._used and said is not None}
        references = self._bench.take_references(question)
        return meta | {"reference_answers": references} if references else meta


class ReferenceReader:
    """reference_answer/MODEL.jsonl: what a judge is shown beside the answers. They become part of their prompts."""

    layout = "reference answers"
    judge: str | None = None

    def __init__(self, source: Source, bench: Bench) -> None:
        self._bench = bench
        fields = (QUESTION_ID, Field("model", ("model_id",), required=True), Field("choices", required=True))
        self.columns = resolve(fields, source.columns, {}, source.name)

    def rows(self, record: Record) -> Sequence[Row]:
        row = self.columns.apply(record.value)
        question = identifier(row["question_id"], "question_id")
        model = model_name(row["model"], "model")
        self._bench.add_reference(question, model, choices(row["choices"])[0], record)
        return []


def choices(value: Any) -> list[tuple[str, ...]]:
    """FastChat's `choices`: [{index, turns}], one of them a sample; `turns` are texts or {content, ...}.

    Raises:
        FieldError: it is of another form, or holds anything but text.
    """
    if not isinstance(value, list) or not value or not all(isinstance(choice, dict) for choice in value):
        raise FieldError("choices is not a list of answers")
    return [turns(choice.get("turns"), "turns") for choice in value]
