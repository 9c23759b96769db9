"""FastChat's single judgments: a score of 1 to 10 for one turn of one model's answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.formats.benches.answers import ERROR_OUTPUT
from engine.formats.benches.questions import QUESTION_ID, Bench
from engine.formats.entry import Record
from engine.formats.fields import (
    FieldError,
    identifier,
    missing,
    model_name,
    number,
    optional_number,
    optional_text,
    whole,
)
from engine.formats.identity import RowIds
from engine.formats.mapping import Field, resolve
from engine.formats.mt_bench.quotes import Quotes, judged_answer, quoted
from engine.formats.replies import Reply, judge_name
from engine.formats.rows import Row, SingleRow
from engine.formats.sources import Source
from engine.records import Verdict, VerdictKind, VerdictStatus

NO_RATING = -1.0
"""What FastChat writes where it found no rating in the reply (llm_judge/common.py: run_judge_single)."""


class SingleReader:
    """model_judgment/JUDGE_single.jsonl. All rows are kept: a model that was judged twice has two verdicts, told
    apart by their time."""

    layout = "single judgments"

    def __init__(self, source: Source, bench: Bench, judge: str | None, quotes: Quotes) -> None:
        self._bench = bench
        self._judge = judge
        self._quotes = quotes
        self._ids = RowIds()
        fields = (
            QUESTION_ID,
            Field("model", ("model_id",), required=True),
            Field("judge"),
            Field("score", required=True),
            Field("turn"),
            Field("judgment"),
            Field("user_prompt"),
            Field("tstamp"),
        )
        self.columns = resolve(fields, source.columns, {}, source.name)
        self.judge = first_judge(source, judge, "single")

    def rows(self, record: Record) -> Sequence[Row]:
        row = self.columns.apply(record.value)
        question = identifier(row["question_id"], "question_id")
        model = model_name(row["model"], "model")
        judge = fastchat_judge(row.get("judge"), self._judge, "single")
        turn = optional_turn(row.get("turn"))
        verdict = _verdict(row["score"], optional_text(row.get("judgment"), "judgment"), turn)
        source_id = optional_source_id(question, model, turn, row.get("tstamp"))
        answers = quoted(row.get("user_prompt"), "")
        known = self._quotes.get((model, question, answers[0]), ()) if answers else ()
        response = judged_answer(self._bench, model, question, answers, known)
        if source_id is not None:
            self._ids.claim(f"{judge}/{source_id}", (verdict.value, verdict.raw))
        return [
            SingleRow(
                self._bench.refer(question),
                model,
                verdict,
                judge,
                source_id,
                response,
                line=record.line,
                file=record.file,
            )
        ]


def _verdict(score: Any, judgment: str | None, turn: int | None) -> Verdict:
    reply = Reply.of(judgment)
    kind = VerdictKind.SINGLE
    if judgment == ERROR_OUTPUT:
        return reply.without_verdict(kind, "the judge's request failed", turn, VerdictStatus.FAILED)
    value = None if missing(score) else number(score, "score")
    if value is None or value == NO_RATING:
        return reply.without_verdict(kind, "no rating in the reply", turn)
    if not 1 <= value <= 10:
        return reply.without_verdict(kind, "rating outside 1 to 10", turn)
    return reply.verdict(kind, value, turn)


def fastchat_judge(value: Any, fallback: str | None, mode: str) -> str:
    """`gpt-4/pair` of ["gpt-4", "pair-math-v1"]: the model and the mode.

    Raises:
        FieldError: no judge is named, or not as a name or a [name, prompt].
    """
    if isinstance(value, list | tuple):
        if not value or not all(isinstance(part, str) for part in value):
            raise FieldError("judge is not [name, prompt]")
        value = value[0]
    return f"{judge_name(value, fallback)}/{mode}"


def first_judge(source: Source, fallback: str | None, mode: str) -> str | None:
    """The judge of the first row, for people."""
    try:
        return fastchat_judge(source.first[0].value.get("judge") if source.first else None, fallback, mode)
    except FieldError:
        return None


def optional_turn(value: Any) -> int | None:
    """The judged turn, from 1; None where no one says."""
    return None if missing(value) else whole(value, "turn", low=1)


def optional_source_id(question: str, models: str, turn: int | None, tstamp: Any) -> str | None:
    """What makes a judgment unique in its file: what was judged, and when. None without a time."""
    seconds = optional_number(tstamp, "tstamp")
    return None if seconds is None else f"{question}/{models}/{turn}/{seconds!r}"
