"""Tables of results as people see them, narrow and wide, few models and many, with ratings and without."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pytest
from rich.cells import cell_len

from engine.records import ResponseStatus
from engine.store import open_store
from tests.cli.battle_logs import write_battles
from tests.cli.commanding import Result, command
from tests.engine.ratings.stored_log import Fight, Log

WIDTHS = (40, 80, 132, 200)


def body(result: Result) -> list[str]:
    """The rows between the rule and the notes."""
    rule = next(i for i, line in enumerate(result.lines) if line.startswith("─"))
    rows = result.lines[rule + 1 :]
    return rows[: rows.index("")] if "" in rows else rows


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize(
    "arguments", [["leaderboard"], ["matrix"], ["compare", "*", "--baseline"], ["verdicts", "list"]]
)
@pytest.mark.parametrize("which", ["few", "many", "hostile"])
def test_nothing_is_wider_than_the_terminal(
    which: str, arguments: list[str], width: int, request: pytest.FixtureRequest
) -> None:
    store: Path = request.getfixturevalue(which)
    baseline = {"few": "ada", "many": "lab-0/checkpoint-of-a-long-run-000000", "hostile": "plain"}[which]
    said = [*arguments, baseline] if arguments[0] == "compare" else arguments
    shown = command(*said, store=store, width=width)
    assert shown.code == 0, shown.err
    assert [line for line in shown.lines if cell_len(line) > width] == []


def test_a_narrow_leaderboard_has_what_a_decision_needs(few: Path) -> None:
    shown = command("leaderboard", store=few, width=80)
    assert shown.lines[0] == "few · judge crowd · category all"
    assert shown.lines[2].startswith("rank  model  rating  ")
    assert {"interval", "win rate", "battles", "tied with"} <= set(re.split(r"\s{2,}", shown.lines[2]))
    rows = body(shown)
    assert [row.split()[1] for row in rows] == ["ada", "bob", "cyd", "eve"]
    assert "240 of 240 battles decided" in shown.out
    assert "left out for want of width: " in shown.out
    assert "TrueSkill" in shown.out.partition("left out")[2]


def test_a_wide_leaderboard_has_everything(few: Path) -> None:
    shown = command("leaderboard", store=few, width=200)
    for heading in ("median", "wins", "losses", "ties", "Elo online", "TrueSkill", "not whole"):
        assert heading in shown.lines[2]
    assert "left out" not in shown.out


def test_all_columns_fit_a_narrow_terminal_in_parts(few: Path) -> None:
    shown = command("leaderboard", "--all-columns", store=few, width=80)
    assert "TrueSkill" in shown.out
    assert "left out" not in shown.out
    assert max(map(cell_len, shown.lines)) <= 80


def test_a_matrix_of_60_models_names_each_column_by_number(many: Path) -> None:
    shown = command("matrix", store=many, width=80)
    numbers = [int(word) for line in shown.lines if line.startswith("beats") for word in line.split()[1:]]
    assert numbers == list(range(1, 61))
    rows = body(shown)
    assert [row.split()[0] for row in rows] == [str(n) for n in range(1, 61)]


def test_rows_of_names_that_differ_stay_different(many: Path) -> None:
    """Long names lose their middle, so that the number at their end can be read."""
    rows = body(command("leaderboard", store=many, width=80))
    assert len({row.split()[1] for row in rows}) == 60


def test_models_without_ratings_say_why(tmp_path: Path) -> None:
    """Best always wins, worst always loses, two others only met each other."""
    rows = [("best", "worst", "model_a"), ("mid", "worst", "model_a"), ("best", "mid", "model_a")] * 3
    rows += [("far", "away", "tie")] * 2
    log = write_battles(tmp_path / "log.csv", [(*row, f"q{i}", "c") for i, row in enumerate(rows)])
    store = tmp_path / "arena.db"
    assert command("import", "arena", log, store=store).code == 0
    shown = command("leaderboard", store=store, width=80)
    best = next(row for row in body(shown) if " best " in row)
    assert best.split()[:4] == ["-", "best", "-", "-"]
    assert "nan" not in shown.out.lower()
    facts = command("leaderboard", "--json", store=store).json
    for row in facts["models"]:
        if row["rating"] is None:
            assert row["reason"]
            assert row["reason"][:30] in " ".join(shown.out.split())


def test_csv_is_read_back_by_agree_and_by_a_spreadsheet(few: Path, tmp_path: Path) -> None:
    shown = command("leaderboard", "--format", "csv", store=few)
    rows = list(csv.DictReader(io.StringIO(shown.out)))
    facts = command("leaderboard", "--json", store=few).json["models"]
    assert [float(row["rating"]) for row in rows] == [row["rating"] for row in facts]
    assert [row["reason"] for row in rows] == [""] * 4
    matrix = list(csv.reader(io.StringIO(command("matrix", "--format", "csv", store=few).out)))
    assert matrix[0] == ["model", "ada", "bob", "cyd", "eve"]
    assert [row[0] for row in matrix[1:]] == matrix[0][1:]
    assert matrix[1][1] == ""


def test_markdown_has_one_line_a_model(many: Path) -> None:
    shown = command("leaderboard", "--format", "markdown", store=many)
    lines = [line for line in shown.lines if line.startswith("|")]
    assert len(lines) == 62
    assert {line.replace("\\|", "").count("|") for line in lines} == {lines[0].count("|")}


def test_compare_by_category_and_against_a_baseline(few: Path) -> None:
    two = command("compare", "ada", "eve", store=few, width=80)
    assert [row.split()[0] for row in body(two)] == ["all", "math", "prose"]
    assert two.lines[0].startswith("ada minus eve · few · judge crowd")
    many = command("compare", "b*", "eve", "--baseline", "ada", store=few, width=80)
    assert [row.split()[0] for row in body(many)] == ["bob", "eve"]
    assert "simultaneous 95 % intervals" in many.out


@pytest.mark.parametrize(
    ("condition", "code"),
    [("difference>0", 1), ("difference<0", 0), ("upper<0", 0), ("win_rate>=0.5", 1), ("lower > -10000", 1)],
)
def test_fail_if(few: Path, condition: str, code: int) -> None:
    result = command("compare", "ada", "eve", "--fail-if", condition, store=few)
    assert result.code == code
    assert ("it holds" in result.err) == bool(code)
    assert body(result)


@pytest.mark.parametrize(
    ("lost", "condition", "said"),
    [
        (4, "upper<0", "cannot be decided of dpo minus base: never won"),
        (4, "difference<0", "it holds of dpo minus base"),
        (6, "upper<0", "it holds of dpo minus base"),
        (6, "lower>0", ""),
        (6, "win_rate<0.5", "it holds of dpo minus base"),
    ],
)
@pytest.mark.parametrize("shape", [["dpo", "base"], ["dpo", "--baseline", "base"]], ids=len)
def test_fail_if_of_a_model_that_never_won(
    tmp_path: Path, lost: int, condition: str, said: str, shape: list[str]
) -> None:
    battles = [("dpo", "base", "model_b", f"q{i}", "x") for i in range(lost)]
    store = tmp_path / "arena.db"
    command("import", "arena", write_battles(tmp_path / "log.csv", battles), "--judge", "j", store=store)
    result = command("compare", *shape, "--fail-if", condition, store=store)
    assert result.code == bool(said)
    assert said in result.err


@pytest.mark.parametrize("outcomes", [["tie"] * 9, ["model_a", "model_b"] * 2])
def test_fail_if_of_an_interval_that_cannot_be_had(tmp_path: Path, outcomes: list[str]) -> None:
    battles = [("dpo", "base", winner, f"q{i}", "x") for i, winner in enumerate(outcomes)]
    store = tmp_path / "arena.db"
    command("import", "arena", write_battles(tmp_path / "log.csv", battles), "--judge", "j", store=store)
    result = command("compare", "dpo", "base", "--fail-if", "upper<0", store=store)
    assert result.code == 1
    assert "cannot be decided" in result.err


def test_fail_if_looks_at_every_row_of_a_baseline(few: Path) -> None:
    arguments = ["compare", "bob", "eve", "--baseline", "ada", "--json"]
    rows = command(*arguments, store=few).json["rows"]
    worst = min(row["difference"] for row in rows)
    assert command(*arguments, "--fail-if", f"difference<={worst + 0.01:.4f}", store=few).code == 1
    assert command(*arguments, "--fail-if", f"difference<{worst - 0.01:.4f}", store=few).code == 0


def test_every_table_says_of_how_many_battles_how_many_are_decided(tmp_path: Path) -> None:
    """Nine of twelve battles are decided: two have a failed response and wait, one an empty one and is void."""
    store = tmp_path / "arena.db"
    with open_store(store, writable=True) as opened:
        Log(opened).land(
            *(Fight("ann", "ben", (9, 1) if i % 2 else (1, 9), i) for i in range(9)),
            *(Fight("ann", "ben", prompt=i, status_a=ResponseStatus.FAILED) for i in (9, 10)),
            Fight("ann", "ben", prompt=11, status_b=ResponseStatus.EMPTY),
        )
    for said in (
        ["leaderboard"],
        ["matrix"],
        ["compare", "ann", "ben"],
        ["compare", "ann", "--baseline", "ben"],
    ):
        assert "9 of 12 battles decided" in command(*said, store=store, width=200).out
        facts = command(*said, "--json", store=store).json
        assert [facts[key] for key in ("judged", "waiting", "void", "total")] == [9, 2, 1, 12]
        assert sum(facts["undecided"].values()) == 3
