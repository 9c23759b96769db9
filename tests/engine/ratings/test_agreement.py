"""The figures of merit against the paper's table and a published notebook's."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from engine.ratings.agreement import ScoreTable, agreement, mean_ranks, spearman
from tests.engine.ratings.battle_logs import FIXTURES, read_csv
from tests.engine.ratings.conftest import ExpectedOf


def wizardarena(column: str) -> ScoreTable:
    rows = read_csv(FIXTURES / "wizardarena_mix.csv")
    score, plus, minus = (
        [float(row[f"{column}_{part}"]) for row in rows] for part in ("elo", "plus", "minus")
    )
    return ScoreTable(
        tuple(row["model"] for row in rows),
        tuple(score),
        tuple(s - m for s, m in zip(score, minus, strict=True)),
        tuple(s + p for s, p in zip(score, plus, strict=True)),
    )


def read_table(path: Path, score: str, lower: str, upper: str) -> ScoreTable:
    rows = read_csv(path)
    columns = (tuple(float(row[name]) for row in rows) for name in (score, lower, upper))
    return ScoreTable(tuple(row["model"] for row in rows), *columns)


def test_the_papers_22_models() -> None:
    """Arena Learning, with the figures that its table gives by its definitions."""
    figures = agreement(wizardarena("mix"), wizardarena("arena"))
    assert len(figures.models) == 22
    assert figures.spearman == pytest.approx(0.9912, abs=5e-5)
    assert figures.agreement == pytest.approx(0.9901, abs=5e-5)
    assert figures.differentiation == pytest.approx(0.9784, abs=5e-5)
    assert figures.mean == pytest.approx((0.9912 + 0.9901 + 0.9784) / 3, abs=5e-5)


@pytest.mark.parametrize("benchmark", ["arena_hard", "mt_bench"])
def test_consistency_of_two_benchmarks_with_the_arena(
    benchmark: str, test_data: Path, expected_of: ExpectedOf
) -> None:
    folder = test_data / "chatbot_arena_20240329"
    row = next(
        row for row in read_csv(FIXTURES / "expected_consistency.csv") if row["benchmark"] == benchmark
    )
    figures = agreement(
        read_table(folder / f"benchmark_{benchmark}.csv", "score", "lower", "upper"),
        read_table(folder / "leaderboard.csv", "rating", "rating_q025", "rating_q975"),
    )
    assert len(figures.models) == int(row["models"])
    assert len(figures.only_reference) == 76 - 20
    assert figures.only_benchmark == ()
    assert figures.reference_separated == int(row["reference_separated_pairs"])
    assert figures.spearman == pytest.approx(float(row["spearman"]), abs=1e-6)
    assert figures.differentiation == pytest.approx(float(row["differentiation"]), abs=1e-6)
    assert figures.agreement == pytest.approx(float(row["agreement_with_confidence"]), abs=1e-6)
    assert figures.order_agreement == pytest.approx(float(row["order_agreement_no_intervals"]), abs=1e-6)


def test_a_benchmark_agrees_with_itself_and_its_mirror_does_not() -> None:
    table = ScoreTable(("x", "y", "z"), (1.0, 2.0, 3.0), (0.9, 1.9, 2.9), (1.1, 2.1, 3.1))
    mirror = ScoreTable(table.models, (3.0, 2.0, 1.0), (2.9, 1.9, 0.9), (3.1, 2.1, 1.1))
    same, opposite = agreement(table, table), agreement(mirror, table)
    assert (same.spearman, same.agreement, same.differentiation, same.order_agreement) == pytest.approx(
        (1, 1, 1, 1)
    )
    assert (opposite.spearman, opposite.agreement, opposite.order_agreement) == pytest.approx((-1, -1, 0))
    assert opposite.differentiation == 1


def test_what_the_benchmark_cannot_separate_counts_nothing_for_agreement() -> None:
    reference = ScoreTable(("x", "y"), (1.0, 2.0), (0.9, 1.9), (1.1, 2.1))
    wide = ScoreTable(("x", "y"), (1.0, 2.0), (0.0, 1.5), (1.5, 3.0))
    figures = agreement(wide, reference)
    assert (figures.agreement, figures.differentiation, figures.benchmark_separated) == (0.0, 0.0, 0)


def test_a_missing_bound_separates_nothing_on_its_side() -> None:
    reference = ScoreTable(("x", "y"), (1.0, 2.0), (0.9, 1.9), (None, None))
    assert agreement(reference, reference).reference_separated == 0


@pytest.mark.parametrize("models", [(), ("x",)])
def test_figures_that_nothing_defines_are_none(models: tuple[str, ...]) -> None:
    table = ScoreTable(models, *[(1.0,) * len(models)] * 3)
    figures = agreement(table, table)
    assert (figures.spearman, figures.agreement, figures.differentiation) == (None, None, None)
    assert (figures.mean, figures.order_agreement) == (None, None)


def test_names_that_one_of_both_lacks_are_listed() -> None:
    first = ScoreTable(("x", "y"), (1.0, 2.0), (1.0, 2.0), (1.0, 2.0))
    second = ScoreTable(("y", "z"), (1.0, 2.0), (1.0, 2.0), (1.0, 2.0))
    figures = agreement(first, second)
    assert (figures.models, figures.only_reference, figures.only_benchmark) == (("y",), ("z",), ("x",))


VALUES = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6)), min_size=2, max_size=15)


@given(VALUES)
def test_spearman_is_scipys(pairs: list[tuple[int, int]]) -> None:
    x, y = np.array(pairs, dtype=float).T
    assert mean_ranks(x) == pytest.approx(stats.rankdata(x))
    if np.ptp(x) and np.ptp(y):
        assert spearman(x, y) == pytest.approx(stats.spearmanr(x, y).statistic)
    else:
        assert spearman(x, y) is None


@pytest.mark.parametrize(
    "columns",
    [
        (("x", "x"), (1.0, 2.0), (1.0, 2.0), (1.0, 2.0)),
        (("x",), (float("nan"),), (1.0,), (1.0,)),
        (("x", "y"), (1.0,), (1.0,), (1.0,)),
    ],
    ids=["name twice", "nan", "lengths"],
)
def test_broken_tables_are_refused(columns: tuple[tuple[object, ...], ...]) -> None:
    with pytest.raises(ValueError):
        ScoreTable(*columns)  # type: ignore[arg-type]
