"""The plans that ship are fit to run."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PlanError
from engine.plan import ShippedPlan, list_shipped, read_plan, read_plan_text, to_toml
from engine.pocket.world import PLAYERS
from tests.engine.plan.writing import write


def test_the_pocket_arena_ships_with_all_players_of_the_pocket_world() -> None:
    plan = read_plan("pocket").plan
    assert {entry.model for entry in plan.players.values()} == {f"pocket:{name}" for name in PLAYERS}
    assert set(plan.players) == set(PLAYERS)
    assert plan.prompts.set == "pocket:test"
    assert [judge.kind for judge in plan.judges.values()] == ["checker"]
    assert plan.ratings.over == "prompts"


@pytest.mark.parametrize("shipped", list_shipped(), ids=lambda plan: plan.name)
def test_every_shipped_plan_is_told_of_and_reads_back(shipped: ShippedPlan) -> None:
    plan = read_plan(shipped.name).plan
    assert plan.run.name == shipped.name
    assert read_plan_text(to_toml(plan)).plan == plan
    assert shipped.summary


def test_a_shipped_name_stands_for_the_shipped_plan_and_a_path_for_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, "", "pocket")
    assert read_plan("pocket", options=False).source == "pocket.toml"
    with pytest.raises(PlanError, match="is empty"):
        read_plan("./pocket", options=False)
