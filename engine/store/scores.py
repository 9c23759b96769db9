"""Single scores (a judge that scores one response by itself), averaged by model: they make no battle and no rating."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from engine.store.rows import decode, encode
from engine.store.sqlite import Connection


@dataclass(frozen=True, slots=True)
class ModelScores:
    """The single scores of a model before one judge.

    Attributes:
        mean: over all its ok scores; every row counts, a prompt that was judged twice counts twice.
        scored, invalid: verdicts with a score, and without one.
        turns, categories: means by turn (1, 2, ...) and by category of the prompt, where known.
    """

    judge: str
    model: str
    mean: float | None
    scored: int
    invalid: int
    turns: Mapping[str, float]
    categories: Mapping[str, float]


def read_scores(connection: Connection, judge: str | None = None) -> list[ModelScores]:
    """By judge and model, the best mean first; `judge` None is all judges."""
    clause, values = ("AND j.name = ?", [encode(judge)]) if judge is not None else ("", [])
    rows = connection.execute(
        f"""
        SELECT j.name, p.name, v.turn, (SELECT i.category FROM prompt_set_items i WHERE i.prompt_id = v.prompt_id
            AND i.category IS NOT NULL LIMIT 1) AS category,
            SUM(CASE WHEN v.status = 'ok' THEN CAST(v.value AS REAL) END), SUM(v.status = 'ok'), SUM(v.status != 'ok')
        FROM verdicts v JOIN judges j ON j.id = v.judge_id JOIN players p ON p.id = v.player_first
        WHERE v.kind = 'single' {clause} GROUP BY v.judge_id, v.player_first, v.turn, category
        """,
        values,
    )
    cells: dict[tuple[str, str], list[tuple[int | None, str | None, float, int, int]]] = {}
    for judge_name, model, turn, category, total, scored, invalid in rows:
        cell = (turn, decode(category), total or 0.0, scored, invalid)
        cells.setdefault((decode(judge_name), decode(model)), []).append(cell)
    found = [_scores(judge_name, model, some) for (judge_name, model), some in cells.items()]
    return sorted(found, key=lambda one: (one.judge, one.mean is None, -(one.mean or 0.0), one.model))


def _scores(
    judge: str, model: str, cells: list[tuple[int | None, str | None, float, int, int]]
) -> ModelScores:
    by_turn: dict[str, list[tuple[float, int]]] = {}
    by_category: dict[str, list[tuple[float, int]]] = {}
    for turn, category, total, scored, _ in cells:
        if turn is not None:
            by_turn.setdefault(str(turn), []).append((total, scored))
        if category is not None:
            by_category.setdefault(category, []).append((total, scored))
    everything = [(total, scored) for _, _, total, scored, _ in cells]
    return ModelScores(
        judge,
        model,
        _mean(everything),
        sum(scored for _, scored in everything),
        sum(cell[4] for cell in cells),
        {turn: mean for turn, some in sorted(by_turn.items()) if (mean := _mean(some)) is not None},
        {name: mean for name, some in sorted(by_category.items()) if (mean := _mean(some)) is not None},
    )


def _mean(parts: list[tuple[float, int]]) -> float | None:
    count = sum(n for _, n in parts)
    return sum(total for total, _ in parts) / count if count else None
