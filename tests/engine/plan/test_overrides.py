"""`--set`: values above those of the file, typed as TOML."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.plan.overrides import toml_value
from tests.engine.plan.writing import PLAN, mistakes, read


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("2", 2),
        ("0.5", 0.5),
        ("true", True),
        ('"2"', "2"),
        ('["a", "b"]', ["a", "b"]),
        ('{ model = "x", rating = 1100 }', {"model": "x", "rating": 1100}),
        ("strict", "strict"),
        ("3h50m", "3h50m"),
        ("round-robin", "round-robin"),
        ("a = b", "a = b"),
        ("1\nother = 2", "1\nother = 2"),
        ("[" * 5000, "[" * 5000),
    ],
)
def test_a_value_is_toml_or_text(text: str, value: object) -> None:
    assert toml_value(text) == value


def test_values_above_the_file_and_new_ones(tmp_path: Path) -> None:
    sets = (
        "run.seed=7",
        "run.outcome_rule=strict",
        " run.stop_after = 90s",
        'prompts.categories=["math"]',
        "players.llama.sampling.temperature=0.5",
        'players."q 2".kind=recorded',
        "ratings.anchor=llama",
    )
    plan = read(tmp_path, PLAN, *sets).plan
    assert (plan.run.seed, plan.run.outcome_rule, plan.run.stop_after) == (7, "strict", 90)
    assert plan.prompts.categories == ("math",)
    assert plan.players["llama"].sampling.temperature == 0.5
    assert list(plan.players) == ["llama", "qwen", "q 2"]
    assert plan.ratings.anchor is not None


def test_the_last_setting_of_a_key_counts(tmp_path: Path) -> None:
    assert read(tmp_path, PLAN, "run.seed=1", "run.seed=2").plan.run.seed == 2


def test_what_takes_only_text_needs_no_quotes(tmp_path: Path) -> None:
    sets = ("run.name=2024", "players.llama.revision=2", "prompts.split='1'", "run.arena=true")
    plan = read(tmp_path, PLAN, *sets).plan
    assert (plan.run.name, plan.run.arena, plan.prompts.split) == ("2024", "true", "1")
    assert plan.players["llama"].revision == "2"


def test_nothing_behind_the_equals_sign_takes_a_key_out(tmp_path: Path) -> None:
    plan = read(tmp_path, PLAN.replace("[run]", "[run]\nseed = 5"), "run.seed=", "run.no_such_key=").plan
    assert plan.run.seed == 0
    prompts = tmp_path / "prompts.jsonl"
    prompts.touch()
    effective = read(tmp_path, PLAN, "prompts.set=", f"prompts.file={prompts}")
    assert (effective.plan.prompts.set, effective.plan.prompts.file) == (None, str(prompts))


def test_items_of_lists_are_set_by_place(tmp_path: Path) -> None:
    plan = read(tmp_path, PLAN, "players.llama.endpoints[0]=http://other/v1").plan
    assert plan.players["llama"].endpoints == ("http://other/v1",)


@pytest.mark.parametrize(
    ("text", "key", "words"),
    [
        ("run.seed", "", "expected KEY=VALUE"),
        ("run..seed=1", "", "expected a dotted key"),
        ("=1", "", "expected a dotted key"),
        ("run.name.x=1", "run.name.x", "run.name is no table"),
        ("run.name.x.y=1", "run.name.x.y", "run.name is no table"),
        ("players.llama.endpoints[1]=x", "players.llama.endpoints[1]", "no item 1"),
        ("run[0]=1", "run[0]", "no item 0"),
        ("run.sede=1", "run.sede", "unknown key"),
        ("run.seed=x", "run.seed", "expected an integer, found a string"),
        ("prompts.categories=7", "prompts.categories", "expected a list, found an integer"),
        ("run={}x", "run", "expected a table, found a string"),
        ("prompts.limit=0", "prompts.limit", "above 0"),
    ],
)
def test_mistakes_are_those_of_set(tmp_path: Path, text: str, key: str, words: str) -> None:
    found = {problem.key: problem for problem in mistakes(tmp_path, PLAN, text)}
    assert words in found[key].message
    assert found[key].source == "--set"
    assert found[key].line is None


@pytest.mark.parametrize("seed", ["abc", "-1"])
def test_a_mistake_is_not_told_again_of_what_follows_from_it(tmp_path: Path, seed: str) -> None:
    assert [problem.key for problem in mistakes(tmp_path, PLAN, f"run.seed={seed}")] == ["run.seed"]


def test_mistakes_of_file_and_set_come_together(tmp_path: Path) -> None:
    found = mistakes(tmp_path, PLAN.replace("[run]", "[run]\nsede = 1"), "run.samples=0", "nonsense")
    assert [(problem.source.endswith(".toml"), problem.key) for problem in found] == [
        (False, ""),
        (False, "run.samples"),
        (True, "run.sede"),
    ]
