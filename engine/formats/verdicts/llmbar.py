"""LLMBar: pairs of outputs with a human label (dataset.json), and judges' verdicts on them (result.json).

    FOLDER/dataset.json                              [{input, output_1, output_2, label}], label 1 or 2
    FOLDER/evaluators/JUDGE/PROMPT/result.json       the same, and `results`; the last of them counts

Nobody says which models wrote the outputs: they are called output_1 and output_2. A `winner` names the output in both
orders. The prompt `Rating` scores each output by itself, so its two orders were not shown: they are upstream's, which
draws lots where the scores are equal.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.formats.entry import Record
from engine.formats.fields import FieldError, missing, text, whole
from engine.formats.identity import PromptNames
from engine.formats.mapping import Field, resolve
from engine.formats.replies import Reply
from engine.formats.rows import BattleRow, ImportOptions, Row
from engine.formats.sources import Source
from engine.keys import content_hash
from engine.records import Conversation, Game, Turn, Verdict, VerdictKind

ARENA = "LLMBar"
HUMAN = "human"
_COLUMNS = ("input", "output_1", "output_2", "label")
_ORDERS = {False: "swap = False", True: "swap = True"}
# What was shown first, by the number of the output that won.
_SHOWN = {False: {"1": "first", "2": "second"}, True: {"1": "second", "2": "first"}}


def is_llmbar(columns: Collection[str]) -> bool:
    """Whether a file is one of LLMBar's."""
    return set(_COLUMNS) <= set(columns)


def llmbar_files(folder: Path) -> list[Path]:
    """The data sets and results in a folder.

    Raises:
        UsageError: there are none.
    """
    found = [path for name in ("dataset.json", "result.json") for path in sorted(folder.rglob(name))]
    if not found:
        raise UsageError(
            f"{folder} is a folder",
            "Folders are read in LLMBar's layout only: dataset.json, evaluators/JUDGE/PROMPT/result.json.",
            "Name the tables of verdicts one by one.",
        )
    return found


class LlmBarReader:
    """Reads dataset.json as verdicts of people, or result.json as verdicts of its judge."""

    def __init__(self, source: Source, options: ImportOptions) -> None:
        path = Path(source.name).absolute()
        recorded = "results" in source.columns
        in_place = path.parts[-4:-3] == ("evaluators",)
        self.subset = path.parts[-5] if in_place else path.parent.name
        named = "/".join(path.parts[-3:-1]) if in_place else None
        self._judge = (options.judge or named) if recorded else HUMAN
        if self._judge is None:
            raise UsageError(f"{source.name} does not say whose verdicts it holds", mend="Say --judge NAME.")
        self.judge: str | None = self._judge
        self._recorded = recorded
        self.set_name = options.set_name or f"{ARENA}/{self.subset}"
        self._prompts = PromptNames(self.set_name)
        self.layout = f"LLMBar {'results' if recorded else 'labels'}"
        names = (*_COLUMNS, "results") if recorded else _COLUMNS
        self.columns = resolve(
            [Field(name, required=True) for name in names], source.columns, {}, source.name
        )

    def rows(self, record: Record) -> Sequence[Row]:
        row = self.columns.apply(record.value)
        asked = text(row["input"], "input")
        shown = [(Turn(text(row[name], name)),) for name in ("output_1", "output_2")]
        games, meta = _recorded(row["results"]) if self._recorded else (_labelled(row["label"]), {})
        conversation = Conversation.of(asked)
        new, prompt = self._prompts.introduce(content_hash([asked])[:16], conversation, self.subset)
        battle = BattleRow(
            prompt,
            "output_1",
            "output_2",
            games,
            self._judge or HUMAN,
            response_a=shown[0],
            response_b=shown[1],
            source_id=str(record.line),
            category=self.subset,
            meta=meta,
            line=record.line,
            file=record.file,
        )
        return (*new, battle)


def _labelled(label: Any) -> tuple[Game, ...]:
    number = whole(label, "label", low=1)
    if number > 2:
        raise FieldError("label is neither 1 nor 2")
    return (Game(False, Reply(None).verdict(VerdictKind.WINNER, _SHOWN[False][str(number)])),)


def _recorded(results: Any) -> tuple[tuple[Game, ...], dict[str, Any]]:
    """Both games of the last result, and the scores of each output where the judge gave some."""
    if not isinstance(results, list) or not results or not isinstance(results[-1], dict):
        raise FieldError("results is not a list of results")
    last = results[-1]
    scores = [_first(last[name]) for name in ("score_1", "score_2") if name in last]
    games = tuple(Game(swapped, _verdict(last.get(order), swapped)) for swapped, order in _ORDERS.items())
    return games, {"scores": scores} if scores else {}


def _verdict(game: Any, swapped: bool) -> Verdict:
    if not isinstance(game, Mapping):
        raise FieldError("an order is missing in its results")
    completion = _first(game.get("completion"))
    reply = Reply.of(None if missing(completion) else text(completion, "completion"))
    shown = _SHOWN[swapped].get(str(game.get("winner")))
    if shown is None:
        return reply.without_verdict(VerdictKind.WINNER, "no winner in the reply")
    return reply.verdict(VerdictKind.WINNER, shown)


def _first(value: Any) -> Any:
    """[text, finish reason] as its text."""
    return value[0] if isinstance(value, list) and value else value
