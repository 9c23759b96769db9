"""`arena-hard`: the folder of Arena-Hard-Auto, in its old and its new layout, or files of it.

A judgment has two games against a baseline: game 1 shows the baseline first, game 2 the model. The score is a grade
as shown, not mapped back. In our battles the baseline is a, the model is b.

Which baseline it was stands in new judgments; old ones leave it to upstream's settings
(utils/judge_utils.py: JUDGE_SETTINGS), which go by the question's category, see BASELINES.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from engine.formats.benches.answers import named_by_file
from engine.formats.benches.files import BenchFile, Role
from engine.formats.benches.importer import BenchImporter
from engine.formats.benches.questions import QUESTION_ID, Bench
from engine.formats.entry import Record
from engine.formats.fields import FieldError, identifier, missing, model_name, optional_text
from engine.formats.identity import RowIds
from engine.formats.importer import RecordReader
from engine.formats.mapping import Field, resolve
from engine.formats.replies import Reply, grade, judge_name
from engine.formats.rows import BattleRow, ImportOptions, Row
from engine.records import Game, Verdict, VerdictKind, VerdictStatus

V01, V20 = "arena-hard-v0.1", "arena-hard-v2.0"
BASELINES = {
    V01: "gpt-4-0314",
    "hard_prompt": "o3-mini-2025-01-31",
    "coding": "o3-mini-2025-01-31",
    "math": "o3-mini-2025-01-31",
    "creative_writing": "gemini-2.0-flash-001",
}
_VERSION = re.compile(r"arena-hard-v\d+(\.\d+)*")


class ArenaHard(BenchImporter):
    """Imports Arena-Hard's question.jsonl, model_answer and model_judgment/JUDGE."""

    name = "arena-hard"
    summary = (
        "Arena-Hard-Auto's folder, old or new layout: questions, answers, graded games against a baseline"
    )
    options: ClassVar[Mapping[str, str]] = {
        "baseline": "the model that the others were compared with, where the judgments do not say it"
    }

    def bench_name(self, root: Path, files: Sequence[BenchFile]) -> str:
        """The version, by the folder's name or the categories of the questions; v0.1 where neither tells."""
        version = _VERSION.match(root.name)
        if version:
            return version[0]
        said = [row.value.get("category") for file in files for row in file.first]
        return V20 if any(category in said for category in BASELINES if category != V01) else V01

    def judgments(self, file: BenchFile, bench: Bench, options: ImportOptions) -> RecordReader:
        return JudgmentReader(file, bench, options)


class JudgmentReader:
    """model_judgment/JUDGE/MODEL.jsonl: `games` of {score, judgment}."""

    layout = "graded judgments"

    def __init__(self, file: BenchFile, bench: Bench, options: ImportOptions) -> None:
        self._bench = bench
        self._stem = file.stem
        self._baseline = options.extra.get("baseline")
        in_place = file.role is Role.JUDGMENTS and file.folder != "model_judgment"
        self._fallback = options.judge or (file.folder if in_place else None)
        self._ids = RowIds()
        fields = (
            QUESTION_ID,
            Field("model", required=True),
            Field("games", required=True),
            Field("judge"),
            Field("baseline"),
            Field("category"),
        )
        self.columns = resolve(fields, file.columns, {}, file.name)
        named = (row.value.get("judge") for row in file.first)
        self.judge = next((name for name in named if isinstance(name, str)), self._fallback)

    def rows(self, record: Record) -> Sequence[Row]:
        row = self.columns.apply(record.value)
        question = identifier(row["question_id"], "question_id")
        said = model_name(row["model"], "model")
        model = named_by_file(said, self._stem)
        judge = judge_name(row.get("judge"), self._fallback)
        category = optional_text(row.get("category"), "category") or self._bench.categories.get(question)
        baseline = self._baseline_of(row.get("baseline"), category)
        games = _games(row["games"])
        self._ids.claim(f"{judge}/{question}/{model}", tuple((g.verdict.value, g.verdict.raw) for g in games))
        return [
            BattleRow(
                self._bench.refer(question),
                baseline,
                model,
                games,
                judge,
                source_id=question,
                category=category,
                meta={} if said == model else {"model": said},
                line=record.line,
                file=record.file,
            )
        ]

    def _baseline_of(self, said: Any, category: str | None) -> str:
        """As the row says, else as a person says, else by the category.

        Raises:
            FieldError: nobody says, and upstream has no baseline for the category.
        """
        if not missing(said):
            return model_name(said, "baseline")
        if self._baseline is not None:
            return self._baseline
        known = BASELINES.get(category if category is not None else self._bench.set_name)
        if known is None:
            raise FieldError("no baseline, and none is known for its category")
        return known


def _games(value: Any) -> tuple[Game, ...]:
    if not isinstance(value, list) or len(value) not in (1, 2):
        raise FieldError("games are not one or two")
    return tuple(Game(number == 1, _verdict(game)) for number, game in enumerate(value))


def _verdict(game: Any) -> Verdict:
    """What one game says. A null game is a request that failed (upstream's gen_judgment.py)."""
    if game is None:
        return Reply(None).without_verdict(
            VerdictKind.GRADE, "the judge's request failed", status=VerdictStatus.FAILED
        )
    if not isinstance(game, dict):
        raise FieldError("a game is no object")
    judgment, score = game.get("judgment"), game.get("score")
    reply = Reply.of(
        optional_text(judgment.get("answer") if isinstance(judgment, dict) else judgment, "judgment")
    )
    if missing(score):
        return reply.without_verdict(VerdictKind.GRADE, "no verdict in the reply")
    value = grade(score) if isinstance(score, str) else None
    if value is None:
        raise FieldError("score is no grade")
    return reply.verdict(VerdictKind.GRADE, value)
