"""Pair counts and expected ratings, as fixtures that take a name."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.ratings.counts import PairCounts
from tests.engine.ratings.battle_logs import FIXTURES, read_csv

Table = dict[str, dict[str, float]]
CountsOf = Callable[[str], PairCounts]
ExpectedOf = Callable[..., Table]


@pytest.fixture(scope="session")
def counts_of() -> CountsOf:
    """The pair counts of a log in pair_counts.csv."""
    logs: dict[str, list[dict[str, str]]] = {}
    for row in read_csv(FIXTURES / "pair_counts.csv"):
        logs.setdefault(row["log"], []).append(row)

    def counts(name: str) -> PairCounts:
        rows = logs[name]
        models = sorted({row[side] for row in rows for side in ("model_a", "model_b")})
        sides = [[models.index(row[side]) for row in rows] for side in ("model_a", "model_b")]
        cells = [[int(row[column]) for row in rows] for column in ("wins", "losses", "ties")]
        return PairCounts.of(models, *sides, *cells)

    return counts


@pytest.fixture(scope="session")
def expected_of() -> ExpectedOf:
    """The columns of an expected_*.csv by model; of one group, where the file has several."""

    def expected(name: str, **group: str) -> Table:
        rows = read_csv(FIXTURES / f"expected_{name}.csv")
        wanted = [row for row in rows if all(row[key] == value for key, value in group.items())]
        numbers = (
            [(key, value) for key, value in row.items() if key not in ("model", *group)] for row in wanted
        )
        return {
            row["model"]: {k: float(v) for k, v in cells if v}
            for row, cells in zip(wanted, numbers, strict=True)
        }

    return expected
