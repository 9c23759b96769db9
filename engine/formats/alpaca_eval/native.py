"""AlpacaEval's own files: model_outputs.json and annotations.json, joined by the text of the instruction.

Their rows have no id, and annotations may be in any order: a prompt is named after its text.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from engine.formats.alpaca_eval.tables import NO_PREFERENCE, Met
from engine.formats.dialogues import status_of
from engine.formats.entry import Record
from engine.formats.fields import FieldError, missing, model_name, number, optional_text, text
from engine.formats.mapping import Field, resolve
from engine.formats.replies import Reply, judge_name
from engine.formats.rows import BattleRow, PromptRef, ResponseRow, Row
from engine.formats.sources import Source
from engine.keys import content_hash
from engine.records import Conversation, Game, Prompt, Turn, VerdictKind

_PROMPT = (Field("instruction", required=True), Field("input"), Field("category", ("dataset",)))


class OutputReader:
    """model_outputs.json: [{instruction, output, generator, dataset}]."""

    layout = "model_outputs"
    judge: str | None = None

    def __init__(self, source: Source, met: Met) -> None:
        self._met = met
        fields = (
            *_PROMPT,
            Field("output", required=True),
            Field("generator", ("model",), required=True),
        )
        self.columns = resolve(fields, source.columns, {}, source.name)

    def rows(self, record: Record) -> Sequence[Row]:
        row = self.columns.apply(record.value)
        answer = text(row["output"], "output")
        model = model_name(row["generator"], "generator")
        new, prompt, _ = introduce(self._met, row)
        return [
            *new,
            ResponseRow(
                prompt, model, (Turn(answer),), status_of((answer,)), line=record.line, file=record.file
            ),
        ]


class AnnotationReader:
    """annotations.json: [{instruction, output_1, output_2, generator_1, generator_2, annotator, preference,
    raw_completion}], preference being 1 (output_1) to 2 (output_2), 0 for a tie in older files, or null."""

    layout = "annotations"

    def __init__(self, source: Source, met: Met, judge: str | None) -> None:
        self._met = met
        self._fallback = judge
        fields = (
            *_PROMPT,
            *(Field(name, required=True) for name in ("output_1", "output_2", "generator_1", "generator_2")),
            Field("preference", required=True),
            Field("judge", ("annotator",)),
            Field("raw", ("raw_completion",)),
        )
        self.columns = resolve(fields, source.columns, {}, source.name)
        first = self.columns.apply(source.first[0].value).get("judge") if source.first else None
        self.judge = first if isinstance(first, str) else judge

    def rows(self, record: Record) -> Sequence[Row]:
        row = self.columns.apply(record.value)
        shown = [text(row[name], name) for name in ("output_1", "output_2")]
        models = [model_name(row[name], name) for name in ("generator_1", "generator_2")]
        judge = judge_name(row.get("judge"), self._fallback)
        game = _game(row["preference"], _raw(row.get("raw")))
        new, prompt, category = introduce(self._met, row)
        said = (game.verdict.value, game.verdict.raw)
        self._met.pairs.claim("\n".join((judge, prompt.name, *models, *shown)), said)
        battle = BattleRow(
            prompt,
            models[0],
            models[1],
            (game,),
            judge,
            response_a=(Turn(shown[0]),),
            response_b=(Turn(shown[1]),),
            source_id=prompt.name,
            category=category,
            line=record.line,
            file=record.file,
        )
        return [*new, battle]


def introduce(met: Met, row: Mapping[str, Any]) -> tuple[list[Prompt], PromptRef, str | None]:
    """The prompt of a row, itself where it is new, its name, and its category.

    AlpacaFarm's older files keep a part of the instruction in `input` (joined as in upstream's
    annotators/base.py).
    """
    instruction, more = text(row["instruction"], "instruction"), optional_text(row.get("input"), "input")
    category = optional_text(row.get("category"), "dataset")
    whole = f"{instruction}\n\n{more}" if more else instruction
    name = content_hash([whole])[:16]
    new, prompt = met.prompts.introduce(name, Conversation.of(whole), category)
    category = met.categories.setdefault(name, category)
    return new, prompt, category


def _game(preference: Any, raw: str | None) -> Game:
    reply = Reply.of(raw)
    if missing(preference):
        return Game(False, reply.without_verdict(VerdictKind.PREFERENCE, NO_PREFERENCE))
    value = number(preference, "preference")
    if value == 0:  # AlpacaFarm's tie (annotators/pairwise_evaluator.py: annotate_pairs)
        value = 1.5
    if not 1 <= value <= 2:
        raise FieldError("preference is neither 0 nor in 1 to 2")
    return Game(False, reply.verdict(VerdictKind.PREFERENCE, value - 1))


def _raw(value: Any) -> str | None:
    """The judge's raw completion: text, or whatever a function call returned, as JSON."""
    if missing(value) or isinstance(value, str):
        return None if missing(value) else value
    return json.dumps(value, ensure_ascii=False)
