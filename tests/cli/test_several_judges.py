"""One judge by default, said so where there are others; several where they are asked for."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.battle_logs import random_battles, write_battles
from tests.cli.commanding import command
from tests.cli.schemas import check_command

MODELS = ["ada", "bob", "cyd"]
BATTLES = {"crowd": 120, "gpt-4": 90, "gpt-4/mini": 60}


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three judges of one arena, on the same twenty prompts; to be read only."""
    folder = tmp_path_factory.mktemp("judges")
    for seed, (judge, count) in enumerate(BATTLES.items()):
        log = write_battles(folder / f"{seed}.csv", random_battles(MODELS, count, seed))
        said = ["--judge", judge, "--arena", "votes", "--set-name", "votes", "--store", folder / "arena.db"]
        assert command("import", "arena", log, *said).code == 0
    return folder / "arena.db"


@pytest.mark.parametrize("shape", ["leaderboard", "matrix", "compare"])
@pytest.mark.parametrize(
    ("said", "meant"),
    [
        ([], ["crowd"]),
        (["gpt-4"], ["gpt-4"]),
        (["gpt-4", "crowd"], ["crowd", "gpt-4"]),
        (["gpt-4*"], ["gpt-4", "gpt-4/mini"]),
        (["all"], list(BATTLES)),
    ],
    ids=str,
)
def test_json_names_the_judges(store: Path, shape: str, said: list[str], meant: list[str]) -> None:
    options = [word for name in said for word in ("--judge", name)]
    models = ["ada", "bob"] if shape == "compare" else []
    facts = command(shape, *models, *options, "--json", store=store).json
    check_command(shape, facts)
    assert facts["judges"] == meant
    assert facts["judge"] == " + ".join(meant)


def test_battles_of_all_judges_add_up(store: Path) -> None:
    facts = command("leaderboard", "--judge", "all", "--json", store=store).json
    assert facts["judged_by"] == BATTLES
    assert facts["battles"] == facts["judged"] == sum(BATTLES.values())
    assert (facts["prompts"], facts["shared_prompts"]) == (20, 20)
    assert facts["judged_by_some"] == 0
    assert (facts["over"], facts["online"], bool(facts["online_reason"])) == ("prompts", {}, True)
    cells = command("matrix", "--judge", "all", "--json", store=store).json["battles"]
    assert sum(map(sum, cells)) == 2 * sum(BATTLES.values())


def test_a_table_says_whose_battles_count(store: Path) -> None:
    shown = command("leaderboard", "--judge", "all", "--all-columns", store=store)
    assert shown.lines[0] == "votes · judges crowd + gpt-4 + gpt-4/mini · category all"
    assert (
        "decided: crowd 120, gpt-4 90, gpt-4/mini 60; 20 of 20 prompts were judged by more than one"
        in shown.out
    )
    assert "TrueSkill" not in shown.out
    assert "too narrow" not in shown.out
    told = command("leaderboard", "--judge", "all", "--over", "battles", store=store).out
    assert "too narrow; --over prompts" in told
    assert "too narrow" in command("leaderboard", "--judge", "all", "--interval", "sandwich", store=store).out


@pytest.mark.parametrize("arguments", [["leaderboard"], ["matrix"], ["compare", "ada", "bob"]], ids=" ".join)
def test_a_table_of_the_busiest_judge_says_that_there_are_others(store: Path, arguments: list[str]) -> None:
    shown = command(*arguments, store=store).out
    assert "judge crowd" in shown
    assert "others here: gpt-4 90, gpt-4/mini 60" in shown
    assert "others here" not in command(*arguments, "--judge", "crowd", store=store).out


def test_stored_ratings_are_exported_of_the_judges_that_are_meant(store: Path) -> None:
    lines = command("export", "ratings", "--judge", "crowd", "--judge", "*/mini", store=store).lines
    assert [json.loads(line)["judge"] for line in lines] == ["crowd", "gpt-4/mini"]
    battles = command("export", "battles", "--judge", "all", store=store).lines
    assert len(battles) == sum(BATTLES.values())


def test_battles_are_listed_of_one_judge(store: Path) -> None:
    listed = command("verdicts", "list", "--judge", "all", store=store)
    assert (listed.code, "there is no judge 'all'" in listed.err) == (2, True)
    assert command("verdicts", "list", "--judge", "gpt-4", store=store).code == 0


def test_a_reference_may_be_held_against_pooled_judges(store: Path, tmp_path: Path) -> None:
    reference = tmp_path / "mine.json"
    reference.write_text(command("leaderboard", "--judge", "all", "--json", store=store).out)
    facts = command(
        "ratings", "agree", "--reference", reference, "--judge", "all", "--json", store=store
    ).json
    assert (facts["spearman"], facts["order_agreement"]) == (1.0, 1.0)
