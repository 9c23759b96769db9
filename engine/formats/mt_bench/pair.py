"""FastChat's pair judgments: two games of two models on one turn, the second with the answers swapped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from engine.formats.benches.answers import ERROR_OUTPUT
from engine.formats.benches.questions import QUESTION_ID, Bench
from engine.formats.entry import Record
from engine.formats.fields import (
    FieldError,
    identifier,
    missing,
    model_name,
    optional_seconds,
    optional_text,
)
from engine.formats.identity import RowIds
from engine.formats.mapping import Field, resolve
from engine.formats.mt_bench.quotes import judged_answer, quoted
from engine.formats.mt_bench.single import (
    fastchat_judge,
    first_judge,
    optional_source_id,
    optional_turn,
)
from engine.formats.replies import Reply
from engine.formats.rows import BattleRow, Row
from engine.formats.sources import Source
from engine.records import Game, Turn, Verdict, VerdictKind, VerdictStatus

# The winner is named by model; what a verdict says is first or second, as shown.
_SHOWN = {
    False: {"model_1": "first", "model_2": "second", "tie": "tie"},
    True: {"model_1": "second", "model_2": "first", "tie": "tie"},
}


class PairReader:
    """model_judgment/JUDGE_pair.jsonl: game 1 shows model_1 first, game 2 model_2; the winners are models, mapped
    back already. `error` is a reply without a verdict."""

    layout = "pair judgments"

    def __init__(self, source: Source, bench: Bench, judge: str | None) -> None:
        self._bench = bench
        self._judge = judge
        self._ids = RowIds()
        fields = (
            QUESTION_ID,
            *(Field(name, required=True) for name in ("model_1", "model_2", "g1_winner", "g2_winner")),
            *(Field(name) for name in ("judge", "turn", "tstamp")),
            *(Field(f"g{game}_{name}") for game in (1, 2) for name in ("judgment", "user_prompt")),
            *(Field(name) for name in ("m1_score", "m2_score")),
        )
        self.columns = resolve(fields, source.columns, {}, source.name)
        self.judge = first_judge(source, judge, "pair")

    def rows(self, record: Record) -> Sequence[Row]:
        row = self.columns.apply(record.value)
        if not missing(row.get("m1_score")):
            raise FieldError("the winner of two single scores: nothing was compared")
        question = identifier(row["question_id"], "question_id")
        model_1, model_2 = model_name(row["model_1"], "model_1"), model_name(row["model_2"], "model_2")
        judge = fastchat_judge(row.get("judge"), self._judge, "pair")
        turn = optional_turn(row.get("turn"))
        games = tuple(_game(row, number, turn) for number in (1, 2))
        occurred_at = optional_seconds(row.get("tstamp"), "tstamp")
        source_id = optional_source_id(question, f"{model_1}/{model_2}", turn, row.get("tstamp"))
        if source_id is not None:
            self._ids.claim(f"{judge}/{source_id}", tuple((g.verdict.value, g.verdict.raw) for g in games))
        return [
            BattleRow(
                self._bench.refer(question),
                model_1,
                model_2,
                games,
                judge,
                response_a=self._answer(model_1, question, row.get("g1_user_prompt"), " A"),
                response_b=self._answer(model_2, question, row.get("g1_user_prompt"), " B"),
                source_id=source_id,
                category=self._bench.categories.get(question),
                occurred_at=occurred_at,
                turn=turn,
                line=record.line,
                file=record.file,
            )
        ]

    def _answer(self, model: str, question: str, prompt: Any, side: str) -> tuple[Turn, ...] | None:
        return judged_answer(self._bench, model, question, quoted(prompt, side))


def _game(row: Mapping[str, Any], number: int, turn: int | None) -> Game:
    swapped = number == 2
    judgment = optional_text(row.get(f"g{number}_judgment"), f"g{number}_judgment")
    return Game(swapped, _verdict(row[f"g{number}_winner"], judgment, swapped, turn))


def _verdict(winner: Any, judgment: str | None, swapped: bool, turn: int | None) -> Verdict:
    reply = Reply.of(judgment)
    if judgment == ERROR_OUTPUT:
        return reply.without_verdict(
            VerdictKind.WINNER, "the judge's request failed", turn, VerdictStatus.FAILED
        )
    if missing(winner) or winner == "error":
        return reply.without_verdict(VerdictKind.WINNER, "no winner in the reply", turn)
    shown = _SHOWN[swapped].get(winner) if isinstance(winner, str) else None
    if shown is None:
        raise FieldError("unknown winner")
    return reply.verdict(VerdictKind.WINNER, shown, turn)
