"""Defaults: the paper's where it states one, and every value with where it came from."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import PlanError, UserError
from engine.plugin_options import read_options
from engine.plugins import Group, load, names
from engine.training.arguments import batch_of
from engine.training.options import (
    DpoOptions,
    GrpoOptions,
    PpoOptions,
    RewardOptions,
    SftOptions,
    StageOptions,
    settings,
)

PAPER = {
    SftOptions: {"num_train_epochs": 3, "learning_rate": 5e-6, "batch_size": 128, "max_length": 4096},
    DpoOptions: {"num_train_epochs": 2, "learning_rate": 5e-7, "beta": 0.3},
    RewardOptions: {"num_train_epochs": 1, "learning_rate": 1e-6},
    PpoOptions: {"num_train_epochs": 1, "learning_rate": 1e-7, "kl_coef": 0.4},
    GrpoOptions: {},
}
"""Hyper-parameters as Arena Learning states them."""


@pytest.mark.parametrize("options", list(PAPER))
def test_what_the_paper_states_is_the_default_and_nothing_else_is_called_so(
    options: type[StageOptions],
) -> None:
    of_the_paper = {s.name: s.value for s in settings(options()) if s.origin == "paper"}
    assert of_the_paper == PAPER[options]


def test_a_given_value_is_given_even_where_it_is_the_default() -> None:
    found = {s.name: s.origin for s in settings(SftOptions(learning_rate=5e-6))}
    assert found["learning_rate"] == "given"
    assert found["num_train_epochs"] == "paper"


def test_an_unknown_option_is_told_with_the_nearest() -> None:
    with pytest.raises(PlanError) as error:
        read_options(DpoOptions, Group.STAGES, "spring/DPO-I1", {"betta": 0.1})
    assert "stages.spring/DPO-I1.options.betta" in str(error.value)
    assert "'beta'" in str(error.value)


@given(st.integers(1, 64), st.integers(1, 8), st.one_of(st.none(), st.integers(1, 16)))
def test_a_step_is_the_same_rows_on_any_number_of_devices(
    each: int, world: int, at_a_time: int | None
) -> None:
    options = StageOptions(batch_size=each * world, per_device_batch_size=at_a_time)
    if at_a_time is not None and each % min(at_a_time, each):
        with pytest.raises(UserError, match="cannot be taken"):
            batch_of(options, world)
        return
    batch = batch_of(options, world)
    assert batch.per_device * batch.accumulation * world == each * world
    assert batch.per_device <= (at_a_time or 8)


def test_a_step_that_cannot_be_split_is_refused() -> None:
    with pytest.raises(UserError, match="cannot be split over 3 processes"):
        batch_of(StageOptions(batch_size=128), 3)


def test_the_six_stages_are_found_by_name() -> None:
    assert set(names(Group.STAGES)) >= {"sft", "dpo", "reward", "ppo", "grpo", "external"}
    assert all(load(Group.STAGES, name).Options for name in names(Group.STAGES))
