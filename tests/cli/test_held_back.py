"""Ratings that are held back, from the command line: the table, CSV, JSON, and what else uses ratings."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from engine.records import ResponseStatus
from engine.store import open_store
from tests.cli.commanding import command
from tests.cli.schemas import check_command
from tests.engine.ratings.stored_log import Fight, Log


@pytest.fixture
def half_failed(tmp_path: Path) -> Path:
    """ann and bob fight on 40 prompts; eve, whose responses failed on 15 of them, fights ann."""
    path = tmp_path / "a.db"
    with open_store(path, writable=True) as store:
        fights = [
            Fight("ann", other, (6, 5) if n % 3 else (5, 6), n) for n in range(40) for other in ("bob", "eve")
        ]
        failed = ResponseStatus.FAILED
        Log(store).land(
            *(
                Fight(one.a, one.b, one.scores, one.prompt, status_b=failed)
                if one.b == "eve" and one.prompt < 15
                else one
                for one in fights
            )
        )
    return path


def test_the_table_says_who_is_held_back_and_why(half_failed: Path) -> None:
    shown = command("leaderboard", store=half_failed)
    (row,) = [line for line in shown.lines if line.lstrip().startswith("-")]
    assert "eve" in row
    assert "eve: held back: 37.5% of its battles came to nothing (15 of 40," in shown.out
    asked = command("leaderboard", "--allow-invalid", store=half_failed)
    assert "*" in next(line for line in asked.lines if line.split()[1:2] == ["eve"])
    assert "eve: not to be relied on: 37.5%" in asked.out


def test_json_and_csv_have_no_rating_but_a_reason(half_failed: Path) -> None:
    shown = command("leaderboard", "--json", store=half_failed).json
    check_command("leaderboard", shown)
    eve = next(one for one in shown["models"] if one["model"] == "eve")
    assert (eve["rating"], eve["rank"], eve["held_back"], eve["invalid"]) == (None, None, True, 15)
    assert shown["held_back"] == [{"model": "eve", "invalid": 15, "of": 40, "share": 0.375}]
    assert shown["max_invalid"] == 0.2
    table = command("leaderboard", "--format", "csv", store=half_failed).out.splitlines()
    row = next(row for row in csv.DictReader(table) if row["model"] == "eve")
    ratings = (
        "rank",
        "rating",
        "rating_lower",
        "rating_upper",
        "rating_median",
        "elo_online",
        "trueskill_mu",
    )
    assert {row[name] for name in ratings} == {""}
    assert row["reason"].startswith("held back: 37.5%")
    assert (row["invalid"], row["held_back"]) == ("15", "true")


def test_what_else_uses_ratings_warns(half_failed: Path, tmp_path: Path) -> None:
    compared = command("compare", "ann", "eve", "--n-resamples", "40", store=half_failed)
    assert "warning: the rating of eve is held back" in compared.err
    assert "warning" not in command("compare", "ann", "bob", "--n-resamples", "40", store=half_failed).err
    reference = tmp_path / "reference.csv"
    reference.write_text(
        "model,rating,rating_lower,rating_upper\nann,1100,1090,1110\nbob,900,890,910\neve,1000,990,1010\n"
    )
    agreed = command("ratings", "agree", "--reference", reference, "--json", store=half_failed)
    assert agreed.json["only_reference"] == ["eve"]
    assert "warning: the rating of eve is held back" in agreed.err


def test_the_plan_of_the_arena_says_the_limit(half_failed: Path) -> None:
    with open_store(half_failed, writable=True) as store, store.write() as tx:
        plan = '[run]\nname = "x"\narena = "log"\n[ratings]\nmax_invalid = 0.5\n'
        tx.connection.execute(
            "INSERT INTO jobs(digest, name, plan, state, created_at) VALUES ('d', 'x', ?, 'done', 0)", (plan,)
        )
    shown = command("leaderboard", "--json", store=half_failed).json
    assert (shown["max_invalid"], shown["held_back"]) == (0.5, [])
