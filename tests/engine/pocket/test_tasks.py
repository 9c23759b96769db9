"""Prompts are the same for a seed, belong to one split only, and are spread evenly."""

from __future__ import annotations

import json
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.pocket.checker import is_pocket_prompt
from engine.pocket.ladders import CATEGORIES, DIFFICULTIES, LADDERS
from engine.pocket.tasks import SPLITS, generate, split_of, to_jsonl

SPLIT = st.sampled_from(SPLITS)
SEED = st.integers(0, 2**32)


@given(SPLIT, SEED)
@settings(max_examples=25, deadline=None)
def test_the_same_seed_gives_the_same_prompts(split: str, seed: int) -> None:
    prompts = generate(split, 40, seed)
    assert generate(split, 40, seed) == prompts
    assert generate(split, 60, seed)[:40] == prompts


@given(st.lists(SPLIT, min_size=2, max_size=2, unique=True), SEED, SEED)
@settings(max_examples=25, deadline=None)
def test_no_prompt_is_in_two_splits(splits: list[str], seed: int, other_seed: int) -> None:
    one, other = (
        {prompt.conversation for prompt in generate(split, 60, number, difficulties=(1, 3))}
        for split, number in zip(splits, (seed, other_seed), strict=True)
    )
    assert len(one) == len(other) == 60
    assert not one & other


@given(SPLIT, SEED)
@settings(max_examples=10, deadline=None)
def test_a_prompt_says_its_split_and_can_be_checked(split: str, seed: int) -> None:
    for prompt in generate(split, 80, seed):
        assert prompt.conversation is not None
        assert split_of(prompt.conversation) == split
        assert prompt.set_name == f"pocket:{split}"
        assert is_pocket_prompt(prompt.conversation)


def test_prompts_are_spread_evenly() -> None:
    prompts = generate("test", 320, seed=3)
    counts = Counter((prompt.category, prompt.difficulty) for prompt in prompts)
    assert counts == {(name, float(difficulty)): 4 for name in CATEGORIES for difficulty in DIFFICULTIES}
    assert len({prompt.name for prompt in prompts}) == 320


def test_slices_can_be_harder_and_of_some_categories_only() -> None:
    prompts = generate("D7", 100, seed=3, difficulties=(6, 9), categories=("math", "sorting"))
    assert {prompt.category for prompt in prompts} == {"math", "sorting"}
    assert {prompt.difficulty for prompt in prompts} == {6.0, 7.0, 8.0, 9.0}


def test_every_category_has_ten_rungs_and_one_has_two_turns() -> None:
    assert {len(rungs) for rungs in LADDERS.values()} == {10}
    open_turns = {
        name: max(
            p.conversation.open_turns for p in generate("dev", 40, 1, categories=(name,)) if p.conversation
        )
        for name in CATEGORIES
    }
    assert open_turns == dict.fromkeys(CATEGORIES, 1) | {"dialogue": 2}


@pytest.mark.parametrize(
    ("split", "options", "message"),
    [
        ("D10", {}, "unknown split 'D10'"),
        ("D1", {"categories": ("maths",)}, "unknown category 'maths'"),
        ("D1", {"difficulties": (0, 4)}, "within 1 to 10"),
        ("D1", {"difficulties": (5, 4)}, "within 1 to 10"),
        ("D1", {"difficulties": (3, 3), "categories": ("reasoning",)}, "has only"),
    ],
)
def test_what_cannot_be_drawn_is_said(split: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(UsageError, match=message):
        generate(split, 2000, 1, **options)  # type: ignore[arg-type]


def test_json_lines_hold_messages_with_open_turns_as_null() -> None:
    (prompt,) = generate("test", 1, 5, categories=("writing",), difficulties=(1, 1))
    assert prompt.conversation is not None
    assert json.loads(to_jsonl([prompt])) == {
        "id": "test-5-00001",
        "category": "writing",
        "difficulty": 1.0,
        "messages": [
            {"role": "user", "content": prompt.conversation.messages[0].content},
            {"role": "assistant", "content": None},
        ],
    }
