"""TRL's conversational formats (its documentation, Dataset formats and types).

prompt-completion  {"id", "prompt": [...], "completion": [...]}             SFTTrainer; loss on the completion
messages           {"id", "messages": [...]}                                SFTTrainer, as language modelling
preference         {"id", "prompt": [...], "chosen": [...], "rejected": [...]}  DPOTrainer, RewardTrainer
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from engine.flywheel.exporting.files import Cell, Columns, Row
from engine.flywheel.exporting.rows import TrainingRow

PAIRS: Columns = {
    "id": Cell.TEXT,
    "prompt": Cell.MESSAGES,
    "chosen": Cell.MESSAGES,
    "rejected": Cell.MESSAGES,
}
COMPLETIONS: Columns = {"id": Cell.TEXT, "prompt": Cell.MESSAGES, "completion": Cell.MESSAGES}
MESSAGES: Columns = {"id": Cell.TEXT, "messages": Cell.MESSAGES}


def trl_columns(*, has_pairs: bool, as_messages: bool = False) -> Columns:
    """The columns of a selection.

    Args:
        as_messages: of sft rows, one conversation in place of prompt and completion.
    """
    return PAIRS if has_pairs else MESSAGES if as_messages else COMPLETIONS


def trl_rows(rows: Iterable[TrainingRow]) -> Iterator[Row]:
    """Rows with every column that they can have."""
    for row in rows:
        yield {
            "id": row.id,
            "prompt": row.prompt,
            "completion": row.chosen,
            "messages": [*row.prompt, *row.chosen],
            "chosen": row.chosen,
            "rejected": row.rejected,
        }
