"""What a stage says where it cannot train: which step, which rows, what to do; and that it leaves no model."""

from __future__ import annotations

import re

import pytest

from tests.engine.training.conftest import Ended

pytestmark = pytest.mark.torch

SAID = {
    "sft-no-template": ("has no chat template", "chat_template = FILE"),
    "sft-no-end": ("does not end an answer", "eos_token_id"),
    "sft-no-weights": ("cannot be loaded", "transformers"),
    "sft-no-rows": ("no rows to train on", "gap"),
    "sft-too-long": ("no row fits", "max_length"),
    "sft-tracker": ("trackio", "pip install trackio"),
    "sft-field": ("no 'warmup_stepz'", "warmup_steps"),
    "sft-own-field": ("an option of its own", "docs"),
    "sft-two": ("1 processes train together, and 2 were asked for", "accelerate"),
    "sft-held": ("another process trains into", "Wait"),
    "ppo-no-reward": ("nothing scores the answers", "pocket"),
    "ppo-vocabulary": ("another vocabulary", "same tokenizer"),
    "grpo-groups": ("not a number of groups of 3", "multiple"),
}


@pytest.mark.parametrize("name", list(SAID))
def test_what_is_wrong_and_what_to_do(failures: dict[str, Ended], name: str) -> None:
    failure = failures[name].failure
    assert SAID[name][0] in failure.title
    assert SAID[name][1] in failure.mend
    assert not failures[name].layout.model.exists()


def test_a_loss_that_is_no_number_stops_with_step_and_rows(failures: dict[str, Ended]) -> None:
    failure = failures["sft-nan"].failure
    assert re.fullmatch(r"the loss is no number at step \d+", failure.title)
    rows = failure.text.removeprefix("Rows of that step: ").rstrip(".").split(", ")
    assert len(rows) == 8  # those that were in memory
    assert all(row.startswith("D1-1-") for row in rows)
    assert not failures["sft-nan"].layout.model.exists()


def test_no_rows_is_told_apart_so_that_a_round_can_go_on(failures: dict[str, Ended]) -> None:
    assert failures["sft-no-rows"].failure.kind == "NoRows"
    assert failures["sft-too-long"].failure.kind == "NoRows"


def test_nothing_was_trained_where_the_worlds_are_wrong(failures: dict[str, Ended]) -> None:
    assert not failures["sft-two"].layout.metrics.exists()
    assert not failures["sft-two"].layout.checkpoints.exists()
