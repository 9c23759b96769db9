"""Tables of AlpacaEval: prompts, responses and verdicts that are joined by `prompt_id`.

Hundreds of thousands of verdicts are nothing unusual: rows are made from the columns without a mapping in between,
and prompts and games that are equal are one object.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from engine.formats.dialogues import status_of
from engine.formats.entry import Record
from engine.formats.fields import FieldError, identifier, missing, model_name, number, optional_text, text
from engine.formats.identity import PromptNames, RowIds
from engine.formats.mapping import ColumnMap, Field, resolve
from engine.formats.replies import Reply, judge_name
from engine.formats.rows import BattleRow, ResponseRow, Row
from engine.formats.sources import Source
from engine.records import Conversation, Game, Turn, VerdictKind

NO_PREFERENCE = "the judge gave no preference"
_UNJUDGED = (Game(False, Reply(None).without_verdict(VerdictKind.PREFERENCE, NO_PREFERENCE)),)


class Met:
    """What has been met in an import: prompts and their categories, and judged pairs."""

    def __init__(self, set_name: str) -> None:
        self.set_name = set_name
        self.prompts = PromptNames(set_name)
        self.categories: dict[str, str | None] = {}
        self.pairs = RowIds()


@lru_cache(maxsize=1 << 16)
def games_of(preference: float) -> tuple[Game, ...]:
    """The one game of a battle, with the probability that the second model is better."""
    return (Game(False, Reply(None).verdict(VerdictKind.PREFERENCE, preference)),)


class PromptReader:
    """prompts: prompt_id, instruction, source."""

    layout = "prompts"
    judge: str | None = None

    def __init__(self, source: Source, met: Met) -> None:
        self._met = met
        fields = (
            Field("prompt_id", required=True),
            Field("instruction", required=True),
            Field("category", ("source", "dataset")),
        )
        self.columns = resolve(fields, source.columns, {}, source.name)

    def rows(self, record: Record) -> Sequence[Row]:
        row = self.columns.apply(record.value)
        name = identifier(row["prompt_id"], "prompt_id")
        instruction = text(row["instruction"], "instruction")
        category = optional_text(row.get("category"), "category")
        new, _ = self._met.prompts.introduce(name, Conversation.of(instruction), category)
        if not new:
            raise FieldError("duplicate prompt_id")
        self._met.categories[name] = category
        return new


class ResponseReader:
    """responses: prompt_id, model, response."""

    layout = "responses"
    judge: str | None = None

    def __init__(self, source: Source, met: Met) -> None:
        self._met = met
        self.columns = _required(source, ("prompt_id", "model", "response"))
        self._prompt_id, self._model, self._response = _theirs(
            self.columns, ("prompt_id", "model", "response")
        )

    def rows(self, record: Record) -> Sequence[Row]:
        value = record.value
        name = identifier(value.get(self._prompt_id), "prompt_id")
        model = model_name(value.get(self._model), "model")
        answer = text(value.get(self._response), "response")
        prompt = self._met.prompts.refer(name)
        return (
            ResponseRow(
                prompt, model, (Turn(answer),), status_of((answer,)), line=record.line, file=record.file
            ),
        )


class VerdictReader:
    """verdicts: prompt_id, model_a, model_b, preference_b, judge."""

    layout = "verdicts"

    def __init__(self, source: Source, met: Met, judge: str | None) -> None:
        self._met = met
        self._fallback = judge
        names = ("prompt_id", "model_a", "model_b", "preference_b")
        self.columns = _required(source, names, Field("judge"))
        self._prompt_id, self._model_a, self._model_b, self._preference = _theirs(self.columns, names)
        self._judge = dict(self.columns.plain).get("judge", "judge")
        first: Any = source.first[0].value.get(self._judge) if source.first else None
        self.judge = first if isinstance(first, str) else judge

    def rows(self, record: Record) -> Sequence[Row]:
        value = record.value
        name = identifier(value.get(self._prompt_id), "prompt_id")
        model_a = model_name(value.get(self._model_a), "model_a")
        model_b = model_name(value.get(self._model_b), "model_b")
        judge = judge_name(value.get(self._judge), self._fallback)
        said = value.get(self._preference)
        preference = None if missing(said) else number(said, "preference_b", 0.0, 1.0)
        self._met.pairs.claim(f"{judge}\n{name}\n{model_a}\n{model_b}", preference)
        return (
            BattleRow(
                self._met.prompts.refer(name),
                model_a,
                model_b,
                _UNJUDGED if preference is None else games_of(preference),
                judge,
                source_id=name,
                category=self._met.categories.get(name),
                line=record.line,
                file=record.file,
            ),
        )


def _required(source: Source, names: Sequence[str], *others: Field) -> ColumnMap:
    fields = (*(Field(name, required=True) for name in names), *others)
    return resolve(fields, source.columns, {}, source.name)


def _theirs(columns: ColumnMap, names: Sequence[str]) -> list[str]:
    theirs = dict(columns.plain)
    return [theirs[name] for name in names]
