"""Single scores as MT-Bench publishes them, from the command line."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from tests.cli.commanding import command
from tests.cli.schemas import check_command


def test_single_scores_are_the_published_means(test_data: Path, tmp_path: Path) -> None:
    store = tmp_path / "a.db"
    assert command("import", "mt-bench", str(test_data / "mt_bench" / "mt_bench"), store=store).code == 0
    shown = command("verdicts", "scores", "--json", store=store).json
    check_command("verdicts scores", shown)
    with (test_data / "mt_bench" / "expected_single.csv").open(newline="") as file:
        expected = {row["model"]: row for row in csv.DictReader(file)}
    assert {one["model"] for one in shown} == set(expected)
    for one in shown:
        row = expected[one["model"]]
        assert one["mean"] == pytest.approx(float(row["average"]), abs=1e-6)
        assert one["turns"]["2"] == pytest.approx(float(row["turn2"]), abs=1e-6)
        assert one["categories"]["math"] == pytest.approx(float(row["avg_math"]), abs=1e-6)
        assert (one["scored"] + one["invalid"], one["invalid"]) == (int(row["rows"]), int(row["invalid"]))
    table = command("verdicts", "scores", store=store).out
    assert "phi-3-dpo" in table
    assert "8.200" in table


def test_a_store_without_single_scores_says_so(few: Path) -> None:
    shown = command("verdicts", "scores", store=few)
    assert (shown.code, "no single scores" in shown.out) == (0, True)
