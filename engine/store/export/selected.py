"""Selections: a row each, with its training rows under their keys."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from engine.store.export.names import Names, responses_by_id
from engine.store.export.table import Row, Table
from engine.store.rows import select_in
from engine.store.selections import SelectedRow, read_rows, read_selection
from engine.store.sqlite import Connection

_COLUMNS = {
    "selection": "integer",
    "selection_key": "text",
    "arena": "text",
    "judge": "text",
    "target": "text",
    "stage": "text",
    "round": "integer",
    "strategy": "text",
    "parameters": "json",
    "considered": "integer",
    "reasons": "json",
    "training_rows": "json",
    "created_at": "number",
}


def _selections(connection: Connection, names: Names, numbers: Sequence[int]) -> Iterable[tuple[int, Row]]:
    for number in numbers:
        one = read_selection(connection, number)
        said: tuple[Any, ...] = (
            one.id, one.key, one.arena, one.judge, one.target, one.stage, one.round, one.strategy, one.parameters,
            one.considered, one.reasons, list(_rows(connection, names, number)), one.created_at,
        )  # fmt: skip
        yield number, dict(zip(_COLUMNS, said, strict=True))


def _rows(connection: Connection, names: Names, number: int) -> Iterator[Row]:
    rows = list(read_rows(connection, number))
    prompts = names.prompts(row.prompt_id for row in rows)
    responses = responses_by_id(connection, (n for row in rows for n in (row.chosen, row.other)))
    wanted = sorted({battle for row in rows for battle in row.battles})
    battles = dict(select_in(connection, "SELECT id, key FROM battles WHERE id IN", wanted))
    for row in rows:
        yield {
            "number": row.number,
            "prompt_key": prompts[row.prompt_id][2],
            "chosen_key": responses[row.chosen],
            "other_key": responses[row.other],
            "battle_keys": [battles[battle] for battle in row.battles],
            **_figures(row),
        }


def _figures(row: SelectedRow) -> Row:
    return {
        "category": row.category,
        "difficulty": row.difficulty,
        "score_chosen": row.score_chosen,
        "score_other": row.score_other,
        "gap": row.gap,
    }


SELECTIONS = Table(
    _COLUMNS,
    "SELECT s.id FROM selections s {where} ORDER BY s.id",
    _selections,
    {
        "arena": "s.arena_id = (SELECT id FROM arenas WHERE name = ?)",
        "judge": "s.judge_id = (SELECT id FROM judges WHERE name = ?)",
    },
)
