"""Win rates against files computed elsewhere."""

from __future__ import annotations

import pytest
from hypothesis import given

from engine.ratings.counts import PairCounts
from engine.ratings.win_rates import model_records, win_rate_matrix
from tests.engine.ratings.battle_logs import FIXTURES, read_csv
from tests.engine.ratings.conftest import CountsOf, ExpectedOf
from tests.engine.ratings.samples import pair_counts
from tests.engine.ratings.test_bradley_terry import WHOLE_LOGS


@pytest.mark.parametrize("log", [log for log, _ in WHOLE_LOGS])
def test_records_equal_the_expected_columns(log: str, counts_of: CountsOf, expected_of: ExpectedOf) -> None:
    table = expected_of(log)
    for record in model_records(counts_of(log)):
        row = table[record.model]
        counted = (record.battles, record.wins, record.losses, record.ties)
        assert counted == (row["battles"], row["wins"], row["losses"], row["ties"])
        assert record.win_rate == pytest.approx(row["win_rate_ties_half"], abs=1e-6)
        assert record.win_rate_no_ties == pytest.approx(row["win_rate_no_ties"], abs=1e-6)
        assert record.win_share == record.win_rate


@pytest.mark.parametrize(("name", "ties"), [("win_rate_ties_half", True), ("win_rate_no_ties", False)])
def test_matrix_equals_the_expected_one(name: str, ties: bool, counts_of: CountsOf) -> None:
    matrix = win_rate_matrix(counts_of("layout_all"), ties=ties)
    for row in read_csv(FIXTURES / f"expected_layout_{name}.csv"):
        i = matrix.models.index(row["row_beats_column"])
        for j, model in enumerate(matrix.models):
            expected = float(row[model]) if row[model] else None
            assert matrix.rates[i][j] == (None if expected is None else pytest.approx(expected, abs=1e-6))


@given(pair_counts(most=3))
def test_what_one_wins_the_other_loses(counts: PairCounts) -> None:
    for ties in (True, False):
        matrix = win_rate_matrix(counts, ties=ties)
        for i, row in enumerate(matrix.rates):
            for j, rate in enumerate(row):
                other = matrix.rates[j][i]
                assert (rate is None) == (other is None) == (matrix.battles[i, j] == 0)
                assert rate is None or other is None or rate + other == pytest.approx(1)


def test_the_mean_preference_of_a_judge_stands_beside_the_win_rate() -> None:
    counts = PairCounts.from_battles(["x", "x"], ["y", "y"], ["a", "b"], win_share=[0.9, 0.4])
    first, second = model_records(counts)
    assert (first.win_rate, first.win_share) == (0.5, pytest.approx(0.65))
    assert (second.win_rate, second.win_share) == (0.5, pytest.approx(0.35))


def test_who_never_fought_has_no_rate() -> None:
    record = model_records(PairCounts.of("xy", [0], [0], [4], [0], [0]))[0]
    assert (record.battles, record.win_rate, record.win_rate_no_ties, record.win_share) == (
        0,
        None,
        None,
        None,
    )
