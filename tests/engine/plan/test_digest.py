"""A job is known by what decides its rows, and by nothing else."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from engine.plan import plan_digest
from engine.plan.emit import toml_literal
from tests.engine.plan.test_mistakes import flywheel
from tests.engine.plan.writing import PLAN, read


@pytest.mark.parametrize(
    "setting",
    [
        "players.llama.endpoints=http://elsewhere/v1",
        "players.llama.api_key_env=KEY",
        "players.llama.price_in=1",
        "players.llama.price_out=1",
        "players.llama.serve=x",
        "run.max_cost=1",
        "run.max_tokens=1",
        "run.max_calls=1",
        "run.stop_after=1h",
        "run.on_event=x",
        "run.mirror=x",
        "cluster.nodes=2",
        "run.seed=0",
        "run.arena=spring",
        "ratings={}",
    ],
)
def test_how_it_is_reached_and_when_it_stops_play_no_part(tmp_path: Path, setting: str) -> None:
    assert plan_digest(read(tmp_path, PLAN, setting).plan) == plan_digest(read(tmp_path, PLAN).plan)


@pytest.mark.parametrize(
    "setting",
    [
        "run.name=autumn",
        "run.seed=1",
        "run.arena=other",
        "run.mode=ii",
        "run.outcome_rule=strict",
        "run.on_cut=loss",
        "run.samples=2",
        "prompts.set=other",
        "prompts.limit=10",
        'prompts.categories=["math"]',
        "players.llama.model=llama-4",
        "players.llama.revision=main",
        "players.llama.sampling.temperature=0.5",
        "players.llama.options.x=1",
        "players.third.kind=recorded",
        "judges.scorer.games=1",
        "judges.other.kind=recorded",
        "ratings.anchor=llama",
    ],
)
def test_what_decides_rows_changes_it(tmp_path: Path, setting: str) -> None:
    assert plan_digest(read(tmp_path, PLAN, setting).plan) != plan_digest(read(tmp_path, PLAN).plan)


@pytest.mark.parametrize("mode", ["round-robin", "ii"])
def test_the_order_of_keys_plays_no_part(tmp_path: Path, mode: str) -> None:
    more = f'[run]\nmode = "{mode}"\n' + ('target = "qwen"\n' if mode == "ii" else "")
    text = PLAN.replace("[run]\n", more) + '[players.x]\nkind = "recorded"\n'
    data = tomllib.loads(text)
    turned = "\n".join(
        f"{section} = {toml_literal(dict(reversed(table.items())))}"
        for section, table in reversed(data.items())
    )
    plan, other = read(tmp_path, text).plan, read(tmp_path, turned).plan
    assert list(plan.players) == list(reversed(other.players))
    assert plan_digest(plan) == plan_digest(other)
    assert plan.fighters == other.fighters


def test_a_flywheel_decides_rows(tmp_path: Path) -> None:
    plan = read(tmp_path, flywheel()).plan
    assert plan_digest(plan) != plan_digest(read(tmp_path, flywheel(), "flywheel.rounds=2",
                                                 "flywheel.stage[0].min_gap=1").plan)  # fmt: skip


def test_one_and_the_same_number_in_two_spellings(tmp_path: Path) -> None:
    one = read(tmp_path, PLAN, "players.llama.sampling.temperature=1")
    other = read(tmp_path, PLAN, "players.llama.sampling.temperature=1.0")
    assert plan_digest(one.plan) == plan_digest(other.plan)
