"""Games that stand row by row, as battles."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from engine.formats.rows import BattleRow, Row


def join_games(rows: Iterable[Row]) -> Iterator[Row]:
    """Join a battle of one game with the next one, when they are the two orders of one battle.

    What stands between them (prompts, rows set aside) goes before.
    """
    waiting: BattleRow | None = None
    for row in rows:
        if not isinstance(row, BattleRow):
            yield row
            continue
        if waiting is not None and _is_other_order(waiting, row):
            yield _joined(waiting, row)
            waiting = None
            continue
        if waiting is not None:
            yield waiting
        waiting = row
    if waiting is not None:
        yield waiting


def _is_other_order(first: BattleRow, second: BattleRow) -> bool:
    if len(first.games) != 1 or len(second.games) != 1 or first.games[0].swapped is second.games[0].swapped:
        return False
    if first.games[0].verdict.kind is not second.games[0].verdict.kind:
        return False
    return _identity(first) == _identity(second)


def _identity(row: BattleRow) -> tuple[object, ...]:
    return (
        row.source_id,
        row.prompt,
        row.model_a,
        row.model_b,
        row.judge,
        row.turn,
        row.round,
        row.arena,
        row.response_a,
        row.response_b,
    )


def _joined(first: BattleRow, second: BattleRow) -> BattleRow:
    games = tuple(sorted((*first.games, *second.games), key=lambda game: game.swapped))
    keys = [key for row in (first, second) for key in row.meta.get("verdict_keys", [])]
    times = [row.occurred_at for row in (first, second) if row.occurred_at is not None]
    return replace(
        first,
        games=games,
        occurred_at=max(times, default=None),
        meta={"verdict_keys": keys} if keys else {},
        lines=(first.line, second.line),
    )
