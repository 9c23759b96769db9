"""Online Elo and TrueSkill: expected files, closed forms, and folding on from a stored state."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import MissingExtra
from engine.ratings.elo import EloState
from engine.ratings.online import Battle, OnlineState
from engine.ratings.skill import SkillState
from engine.records import Outcome
from tests.engine.ratings.battle_logs import LLMFAO, arena_battle, kaggle, layout_rows, llmfao, pandalm
from tests.engine.ratings.conftest import ExpectedOf
from tests.engine.ratings.samples import outcomes

STATES: dict[str, OnlineState] = {
    "elo": EloState(k=16.0),
    "trueskill": SkillState(),
    "openskill": SkillState(library="openskill"),
}


def battles_of(rows: list[tuple[str, str, str]]) -> list[Battle]:
    return [(a, b, Outcome(outcome)) for a, b, outcome in rows]


def test_online_elo_in_file_order(test_data: Path, expected_of: ExpectedOf) -> None:
    logs = {f"llmfao_{judge}": llmfao(test_data, judge) for judge in LLMFAO}
    logs |= {"kaggle": kaggle(test_data), "pandalm": pandalm(test_data)}
    for name, rows in logs.items():
        expected = {model: row["elo_online_k4"] for model, row in expected_of(name).items()}
        assert EloState().folded(battles_of(rows)).ratings == pytest.approx(expected, abs=1e-6), name


def test_online_elo_depends_on_the_order(test_data: Path, expected_of: ExpectedOf) -> None:
    rows = layout_rows(test_data)
    orders = {"file_order": rows, "time_order": sorted(rows, key=lambda row: float(row["tstamp"]))}
    for order, ordered in orders.items():
        state = EloState().folded(battles_of([arena_battle(row) for row in ordered]))
        expected = {model: row[f"elo_online_k4_{order}"] for model, row in expected_of("layout_all").items()}
        assert state.ratings == pytest.approx(expected, abs=1e-6)


def test_one_elo_battle_by_hand() -> None:
    """Equal ratings expect one half: K = 4 moves each by two. Then 1002 expects 0.50576 against 998."""
    state = EloState().folded([("x", "y", Outcome.A)])
    assert state.ratings == {"x": 1002.0, "y": 998.0}
    assert state.folded([("y", "x", Outcome.TIE)]).ratings["y"] == pytest.approx(
        998 + 4 * (0.5 - 1 / (1 + 10 ** (4 / 400)))
    )


def test_one_trueskill_battle_as_published() -> None:
    """The documentation of the package, rate_1vs1 of two new players; of a draw, its example 1vs1."""
    state = SkillState().folded([("x", "y", Outcome.B)])
    assert state.skills["y"] == pytest.approx((29.396, 7.171), abs=5e-4)
    assert state.skills["x"] == pytest.approx((20.604, 7.171), abs=5e-4)
    drawn = SkillState().folded([("x", "y", Outcome.TIE)])
    assert drawn.skills["x"] == pytest.approx((25.0, 6.458), abs=5e-4)


@pytest.mark.parametrize("name", STATES)
@given(rows=outcomes(), cut=st.integers(0, 40))
@settings(max_examples=30, deadline=None)
def test_folding_on_from_a_stored_state_is_folding_all(
    name: str, rows: list[tuple[str, str, str]], cut: int
) -> None:
    start, battles = STATES[name], battles_of(rows)
    stored = json.loads(json.dumps(start.folded(battles[:cut]).to_json()))
    assert type(start).from_json(stored).folded(battles[cut:]) == start.folded(battles)


@pytest.mark.parametrize("name", STATES)
@given(rows=outcomes())
@settings(max_examples=30, deadline=None)
def test_swapping_a_and_b_changes_nothing(name: str, rows: list[tuple[str, str, str]]) -> None:
    other = {"a": "b", "b": "a", "tie": "tie"}
    start = STATES[name]
    swapped = start.folded(battles_of([(b, a, other[outcome]) for a, b, outcome in rows])).to_json()
    expected = start.folded(battles_of(rows)).to_json()
    key = "ratings" if name == "elo" else "skills"
    assert swapped[key].keys() == expected[key].keys()
    for model, value in expected[key].items():
        assert swapped[key][model] == pytest.approx(value)


@pytest.mark.parametrize("name", STATES)
def test_a_fold_leaves_its_start_alone_and_counts_its_position(name: str) -> None:
    start = STATES[name]
    before = start.to_json()
    state = start.folded(battles_of([("x", "y", "a"), ("x", "x", "a"), ("y", "x", "tie")]))
    assert start.to_json() == before
    assert (start.battles, state.battles) == (0, 3)


@pytest.mark.parametrize("name", STATES)
def test_a_battle_with_oneself_changes_no_rating(name: str) -> None:
    start = STATES[name].folded(battles_of([("x", "y", "a")]))
    state = start.folded(battles_of([("x", "x", "a")]))
    assert {**state.to_json(), "battles": 1} == start.to_json()


def test_skills_that_win_rise_and_all_grow_surer() -> None:
    for library in ("trueskill", "openskill"):
        state = STATES[library].folded(battles_of([("x", "y", "a")] * 5))
        (mu_x, sigma_x), (mu_y, sigma_y) = state.to_json()["skills"]["x"], state.to_json()["skills"]["y"]
        assert mu_x > 25 > mu_y
        assert max(sigma_x, sigma_y) < 25 / 3


@pytest.mark.parametrize("library", ["trueskill", "openskill"])
def test_a_package_that_is_not_installed_is_named(library: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (library, f"{library}.models"):
        monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MissingExtra, match=library):
        SkillState(library=library).folded([])  # type: ignore[arg-type]


def test_a_state_of_another_method_is_refused() -> None:
    with pytest.raises(ValueError, match="elo"):
        SkillState.from_json(EloState().to_json())
    with pytest.raises(ValueError, match="skill"):
        EloState.from_json(SkillState().to_json())
