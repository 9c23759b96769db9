"""Functions that score answers in place of a reward model."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from engine.errors import PluginError, UsageError
from engine.training.scoring import load_score

ASKED = [{"role": "user", "content": "What is 36 - 26?"}]


def test_the_pocket_world_scores_from_0_to_1() -> None:
    score = load_score("pocket")
    assert score(ASKED, "10") == 1.0
    # The checker's own rule: 1 + round(7 * (1 - 1/11)) = 7 of 10, and (7 - 1) / 9 here.
    assert score(ASKED, "11") == pytest.approx(6 / 9)
    assert score(ASKED, "") == 0.0


def test_a_number_of_a_function_of_the_users_is_taken_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = tmp_path / "scores_of_mine.py"
    module.write_text(
        "def length(conversation, answers):\n    return len(answers[0]) - conversation.open_turns\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    assert load_score("scores_of_mine:length")(ASKED, "four") == 3.0
    del sys.modules["scores_of_mine"]


@pytest.mark.parametrize("name", ["pockets", "json:", ":loads", "json:no_such_function"])
def test_a_name_that_is_none_is_a_mistake(name: str) -> None:
    with pytest.raises(UsageError):
        load_score(name)


def test_a_module_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(PluginError, match="no_such_module:f"):
        load_score("no_such_module:f")


def test_what_it_raises_is_told_with_its_name() -> None:
    with pytest.raises(PluginError, match="the reward 'pocket' failed"):
        load_score("pocket")([{"role": "user", "content": "Who are you?"}], "x")
