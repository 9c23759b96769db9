"""Lessons: right where a player is strong, and wrong in its own way elsewhere."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.pocket.checker import right_answers, turn_score
from engine.pocket.curriculum import RECIPES, TARGET, Habit, babble, base_lesson, half, initial, slip
from engine.pocket.ladders import CATEGORIES
from engine.pocket.tasks import split_of

ANSWERS = st.text("abcxyzABC", min_size=1, max_size=8) | st.integers(0, 999).map(str)


@pytest.mark.parametrize("habit", [slip, half, initial, babble])
@settings(deadline=None)
@given(right=ANSWERS, seed=st.integers())
def test_habits_give_wrong_answers(habit: Habit, right: str, seed: int) -> None:
    answer = habit(right, Random(seed))
    assert answer
    assert answer != right


def test_habits_are_worth_less_the_weaker_the_player() -> None:
    def worth(habit: Habit) -> float:
        rng = Random(1)
        return sum(turn_score("kofumo", habit("kofumo", rng)) for _ in range(200)) / 200

    assert worth(babble) < worth(initial) < worth(half) < worth(slip)
    assert [RECIPES[name].habit for name in RECIPES] == [babble, initial, half, slip]


def test_every_category_has_an_opponent_that_is_strong_there() -> None:
    strong = {category for recipe in RECIPES.values() for category in recipe.strong}
    assert strong == set(CATEGORIES)
    assert not RECIPES[TARGET].strong


@pytest.mark.parametrize("name", sorted(RECIPES))
def test_lessons_are_of_the_base_split_and_right_where_the_player_is_strong(name: str) -> None:
    rng, recipe = Random(4), RECIPES[name]
    lessons = [recipe.lesson(rng) for _ in range(400)]
    assert {split_of(conversation) for conversation, _ in lessons} == {"base"}
    right = sum(right_answers(conversation) == answers for conversation, answers in lessons) / len(lessons)
    assert sum(recipe.strong.values()) <= right + 0.05
    assert right < 1


def test_the_base_learns_only_what_is_right() -> None:
    rng = Random(4)
    assert all(
        right_answers(conversation) == answers for conversation, answers in map(base_lesson, [rng] * 200)
    )
