"""The layouts of battle logs, told apart by their columns.

Kaggle votes        winner_model_a, winner_model_b, winner_tie: exactly one is 1; prompt and responses in the row
PandaLM labels      cmp_key `MODEL1_MODEL2`, annotator1..3 (1, 2, 0 = tie), or a judge's result
llmfao votes        left, right, winner (left, right, tie); `prompt` is an id; a voter's row is (id, worker)
arena conversations conversation_a, conversation_b with their user turns; question_id is the battle's own
plain battles       model_a, model_b, winner, as our own export is
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from engine.formats.entry import Record
from engine.formats.mapping import Field


@dataclass(frozen=True, slots=True)
class BattleLayout:
    """What tells a layout and what its columns are.

    Attributes:
        needs: columns that it has and others have not.
        fields: what its columns can be.
        voted: people voted, so that a judge nobody names is `human`.
    """

    name: str
    needs: tuple[str, ...]
    fields: tuple[Field, ...]
    voted: bool = False


_MODELS = (
    Field("model_a", ("model_1", "model1", "player_a"), required=True),
    Field("model_b", ("model_2", "model2", "player_b"), required=True),
)
_COMMON = (
    Field("judge", ("judge_name", "evaluator")),
    Field("voter", ("worker", "annotator", "user", "user_id")),
    Field("category"),
    Field("occurred_at", ("tstamp", "timestamp", "created_at", "time")),
    Field("round"),
    Field("arena"),
    Field("set_name", ("prompt_set",)),
    Field("margin"),
    Field("explanation", ("judgment", "reason")),
)
_TEXTS = (
    Field("prompt", ("instruction", "text")),
    Field("response_a", ("response_1", "response1", "answer_a", "output_a")),
    Field("response_b", ("response_2", "response2", "answer_b", "output_b")),
)

KAGGLE = BattleLayout(
    "Kaggle votes",
    ("winner_model_a", "winner_model_b", "winner_tie"),
    (
        *_MODELS,
        Field("winner_model_a", required=True),
        Field("winner_model_b", required=True),
        Field("winner_tie", required=True),
        Field("source_id", ("id", "question_id")),
        *_TEXTS,
        *_COMMON,
    ),
    voted=True,
)
PANDALM = BattleLayout(
    "PandaLM labels",
    ("cmp_key",),
    (
        Field("cmp_key", required=True),
        Field("result", ("gpt_result", "pandalm_result")),
        Field("annotator1"),
        Field("annotator2"),
        Field("annotator3"),
        Field("source_id", ("idx", "id")),
        Field("input"),
        *_TEXTS,
        Field("explanation", ("gpt_reason", "pandalm_reason")),
        *(f for f in _COMMON if f.name not in ("voter", "explanation")),
    ),
)
LLMFAO = BattleLayout(
    "llmfao votes",
    ("left", "right", "winner"),
    (
        Field("model_a", ("left",), required=True),
        Field("model_b", ("right",), required=True),
        Field("winner", required=True),
        Field("source_id", ("id",)),
        Field("prompt_id", ("prompt",)),
        Field("prompt", ("text",)),
        Field("response_a", ("result_x",)),
        Field("response_b", ("result_y",)),
        *_COMMON,
    ),
)
CONVERSATIONS = BattleLayout(
    "arena conversations",
    ("conversation_a", "conversation_b"),
    (
        *_MODELS,
        Field("winner", required=True),
        Field("conversation_a", required=True),
        Field("conversation_b", required=True),
        Field("source_id", ("question_id", "id")),
        *_COMMON,
    ),
    voted=True,
)
PLAIN = BattleLayout(
    "plain battles",
    (),
    (
        *_MODELS,
        Field("winner", ("label", "outcome"), required=True),
        Field("source_id", ("id", "battle_id", "battle_key")),
        Field("prompt_id", ("question_id", "prompt_name")),
        Field("turn"),
        Field("state"),
        Field("outcome_rule"),
        Field("on_cut"),
        Field("judge_key"),
        Field("player_key_a"),
        Field("player_key_b"),
        *_TEXTS,
        *_COMMON,
    ),
)
LAYOUTS = (KAGGLE, PANDALM, LLMFAO, CONVERSATIONS, PLAIN)


def find_layout(columns: Collection[str]) -> BattleLayout:
    """The first layout whose telling columns are all there."""
    return next(layout for layout in LAYOUTS if set(layout.needs) <= set(columns))


def with_categories(fields: Sequence[Field], first: Sequence[Record], joined: bool) -> tuple[Field, ...]:
    """Add other people's names for `category`: `category_tag`, and `type` and `Skill` of a joined prompt.

    A column that holds anything but one value a row (newer arena sets keep a table of tags there) is left alone.
    """
    names = ("category_tag", *(("type", "Skill") if joined else ()))
    scalar = tuple(name for name in names if not any(_is_nested(record.value.get(name)) for record in first))
    return tuple(Field("category", scalar) if f.name == "category" else f for f in fields)


def _is_nested(value: Any) -> bool:
    return isinstance(value, dict | list)
