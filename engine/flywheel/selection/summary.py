"""The paper's tables of what was kept: by opponent, by category, with mean difficulty, gap and length."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.flywheel.selection.choosing import Selection
from engine.store.rows import decode
from engine.store.selections import SelectedRow, read_rows
from engine.store.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Summary:
    """What the rows of a selection are like. Means are None where nothing is known.

    Attributes:
        gap: mean gap, in the units of the judge.
        difficulty: mean difficulty of the prompts that have one.
        length_chosen, length_other: mean characters.
        opponents: rows by the model that they are owed to, `-` where there is none, the most first.
        categories: rows by category, `-` where there is none, the most first.
    """

    rows: int
    gap: float | None
    difficulty: float | None
    length_chosen: float | None
    length_other: float | None
    opponents: Mapping[str, int]
    categories: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class _Figures:
    opponent: str | None
    category: str | None
    gap: float | None
    difficulty: float | None
    length_chosen: int
    length_other: int | None


def summarise(selection: Selection) -> Summary:
    """Of rows that are not stored."""
    names = selection.pool.names
    return _summary(
        _Figures(
            None if one.candidate.opponent is None else names[one.candidate.opponent],
            one.category,
            one.candidate.gap,
            one.difficulty,
            one.length_chosen,
            one.length_other,
        )
        for one in selection.rows
    )


def summarise_stored(connection: Connection, selection_id: int) -> Summary:
    """Of a stored selection."""
    rows = connection.execute(
        "SELECT p.id, COALESCE(o.name, p.name) FROM players p LEFT JOIN players o ON o.id = p.alias_of"
    )
    names = {number: decode(name) for number, name in rows}
    return _summary(_stored(row, names) for row in read_rows(connection, selection_id))


def _stored(row: SelectedRow, names: Mapping[int, str]) -> _Figures:
    opponent = None if row.opponent_id is None else names[row.opponent_id]
    return _Figures(opponent, row.category, row.gap, row.difficulty, row.length_chosen, row.length_other)


def _summary(rows: Iterable[_Figures]) -> Summary:
    some = list(rows)
    return Summary(
        len(some),
        _mean(one.gap for one in some),
        _mean(one.difficulty for one in some),
        _mean(one.length_chosen for one in some),
        _mean(one.length_other for one in some),
        _counted(one.opponent for one in some),
        _counted(one.category for one in some),
    )


def _mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return math.fsum(known) / len(known) if known else None


def _counted(names: Iterable[str | None]) -> dict[str, int]:
    counts = Counter("-" if name is None else name for name in names)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
