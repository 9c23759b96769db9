"""PandaLM's test set: three people's labels a pair, or the result of a recorded judge beside the same pairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from engine.formats import fields
from engine.formats.arena.reading import Fields
from engine.formats.dialogues import turns_of
from engine.formats.entry import Record, refuse
from engine.formats.fields import FieldError, Winner
from engine.formats.games import game
from engine.formats.identity import PromptNames, RowIds
from engine.formats.mapping import ColumnMap
from engine.formats.rows import BattleRow, PromptRef, Row
from engine.records import Conversation, Game, Prompt, Turn, Verdict, VerdictKind, VerdictStatus

ANNOTATORS = ("annotator1", "annotator2", "annotator3")
_LABELS: dict[Any, Winner] = {
    1: "model_a",
    "1": "model_a",
    2: "model_b",
    "2": "model_b",
    0: "tie",
    "0": "tie",
}
_LABELS["Tie"] = "tie"
# What upstream wrote where a judge's reply could not be read.
_UNREADABLE = "garbage"


def label(value: Any, field: str) -> Winner:
    """1 is the first model, 2 the second, 0 a tie.

    Raises:
        FieldError: it is anything else.
    """
    if fields.missing(value) or value == "":
        raise FieldError(f"no {field}")
    if isinstance(value, bool) or not isinstance(value, int | float | str) or value not in _LABELS:
        raise FieldError(f"unknown {field}")
    return _LABELS[value]


class PandaLmReader:
    """Reads the pairs of one file.

    Args:
        judge: of a recorded judge's results, or of the majority.
        annotators: `each` makes three battles a row, one a person; `majority` one.
    """

    layout = "PandaLM labels"

    def __init__(self, columns: ColumnMap, judge: str, annotators: str, set_name: str) -> None:
        self.columns = columns
        self._recorded = "result" in columns
        self._each = annotators == "each" and not self._recorded
        self._judge = judge
        self.judge: str | None = ", ".join(ANNOTATORS) if self._each else judge
        self._ids = RowIds()
        self._prompts = PromptNames(set_name)

    def rows(self, record: Record) -> Sequence[Row]:
        """The battles of a pair, after its prompt.

        Raises:
            FieldError: it cannot be used, or no label of it can.
        """
        row = self.columns.apply(record.value)
        models = _models(row)
        votes, unusable = self._votes(row, record)
        category = fields.optional_identifier(row.get("category"), "category")
        asked, response_a, response_b = _texts(row)
        source_id = fields.optional_identifier(row.get("source_id"), "idx")
        if source_id is not None:
            self._ids.claim(source_id, (models, tuple(votes), asked, response_a, response_b))
        prompts, prompt = self._prompt(source_id, asked, category, record.line)
        battles = [
            BattleRow(
                prompt=prompt,
                model_a=models[0],
                model_b=models[1],
                games=games,
                judge=judge,
                response_a=response_a,
                response_b=response_b,
                source_id=source_id,
                category=category,
                meta=_without_text(row),
                line=record.line,
                file=record.file,
            )
            for judge, games in votes
        ]
        return (*prompts, *battles, *unusable)

    def _votes(self, row: Fields, record: Record) -> tuple[list[tuple[str, tuple[Game, ...]]], list[Row]]:
        if self._recorded:
            return [(self._judge, _recorded_game(row))], []
        if not self._each:
            return [(self._judge, game(_majority(row)))], []
        votes, unusable, reasons = [], [], []
        for name in ANNOTATORS:
            try:
                votes.append((name, game(label(row.get(name), name))))
            except FieldError as error:
                reasons.append(error)
                unusable.append(refuse(record, str(error)))
        if not votes:
            raise reasons[0]
        return votes, list[Row](unusable)

    def _prompt(
        self, source_id: str | None, asked: Conversation | None, category: str | None, line: int
    ) -> tuple[list[Prompt], PromptRef]:
        name = source_id or f"#{line}"
        if asked is None:
            return [], self._prompts.refer(name)
        return self._prompts.introduce(name, asked, category)


def _models(row: Fields) -> tuple[str, str]:
    model_a, _, model_b = fields.text(row.get("cmp_key"), "cmp_key").partition("_")
    return fields.model_name(model_a, "model_a"), fields.model_name(model_b, "model_b")


def _texts(row: Fields) -> tuple[Conversation | None, tuple[Turn, ...] | None, tuple[Turn, ...] | None]:
    """Instruction and input make one user turn, a blank line between them."""
    instruction = row.get("prompt")
    if fields.missing(instruction):
        return None, None, None
    context = fields.optional_text(row.get("input"), "input")
    asked = fields.text(instruction, "prompt") + (f"\n\n{context}" if context else "")
    responses = (_response(row, "response_a"), _response(row, "response_b"))
    return Conversation.of(asked), *responses


def _response(row: Fields, field: str) -> tuple[Turn, ...] | None:
    value = row.get(field)
    if fields.missing(value) or field in _without_text(row):
        return None
    return turns_of((fields.text(value, field),))


def _without_text(row: Fields) -> dict[str, Any]:
    """Responses that are JSON's true or false, as six of upstream's are: their text cannot be told, and is unknown."""
    return {field: row[field] for field in ("response_a", "response_b") if isinstance(row.get(field), bool)}


def _recorded_game(row: Fields) -> tuple[Game, ...]:
    said = row.get("result")
    explanation = fields.optional_text(row.get("explanation"), "explanation")
    if said == _UNREADABLE:
        verdict = Verdict(
            VerdictKind.WINNER, VerdictStatus.UNPARSABLE, reason=_UNREADABLE, explanation=explanation
        )
        return (Game(False, verdict),)
    return game(label(said, "result"), explanation)


def _majority(row: Fields) -> Winner:
    counts = Counter(label(row.get(name), name) for name in ANNOTATORS)
    winner, votes = counts.most_common(1)[0]
    if votes < 2:
        raise FieldError("no majority")
    return winner
