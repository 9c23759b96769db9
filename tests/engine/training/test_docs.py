"""The page on training names every option there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.plugins import Group, load, names

PAGE = Path(__file__).parents[3] / "docs" / "training.md"


@pytest.mark.parametrize("name", ["sft", "dpo", "reward", "ppo", "grpo", "external"])
def test_every_option_is_on_the_page(name: str) -> None:
    assert name in names(Group.STAGES)
    told = set(re.findall(r"`(\w+)`", PAGE.read_text(encoding="utf-8")))
    assert set(load(Group.STAGES, name).Options.model_fields) <= told
