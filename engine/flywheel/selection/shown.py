"""Rows of a stored selection with names in place of numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice

from engine.store.export.names import Names
from engine.store.rows import select_in
from engine.store.selections import SelectedRow, read_rows
from engine.store.sqlite import Connection


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A training row and where it came from.

    Attributes:
        question_id: name of the prompt in the first set that has it, else its key.
        chosen, other: models. `other` gave the rejected response; of sft the target's that lost.
        battles: their numbers: arena-tui verdicts show NUMBER.
    """

    number: int
    question_id: str
    prompt_key: str
    category: str | None
    difficulty: float | None
    chosen: str
    chosen_key: str
    other: str | None
    other_key: str | None
    score_chosen: float
    score_other: float | None
    gap: float | None
    length_chosen: int
    length_other: int | None
    battles: tuple[int, ...]


def show_rows(connection: Connection, selection_id: int, limit: int) -> list[ShownRow]:
    """The first rows of a selection."""
    rows = list(islice(read_rows(connection, selection_id), limit))
    names = Names(connection)
    prompts = names.prompts(row.prompt_id for row in rows)
    wanted = sorted({number for row in rows for number in (row.chosen, row.other) if number is not None})
    query = "SELECT id, key, player_id FROM responses WHERE id IN"
    responses = {number: (names.players[by], key) for number, key, by in select_in(connection, query, wanted)}
    return [_shown(row, prompts[row.prompt_id][1:], responses) for row in rows]


def _shown(row: SelectedRow, prompt: tuple[str, str], responses: dict[int, tuple[str, str]]) -> ShownRow:
    question_id, prompt_key = prompt
    chosen, chosen_key = responses[row.chosen]
    other, other_key = (None, None) if row.other is None else responses[row.other]
    return ShownRow(
        row.number, question_id, prompt_key, row.category, row.difficulty, chosen, chosen_key, other, other_key,
        row.score_chosen, row.score_other, row.gap, row.length_chosen, row.length_other, row.battles,
    )  # fmt: skip
