"""Battles by prompt."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ratings.counts import PairCounts
from engine.ratings.prompt_battles import PromptBattles

ROW = st.tuples(st.integers(0, 4), st.integers(0, 3), st.integers(0, 3), *([st.integers(0, 2)] * 3))


def prompt_battles(rows: list[tuple[int, ...]]) -> PromptBattles:
    columns = np.array(rows, dtype=int).reshape(-1, 6).T
    return PromptBattles.of("wxyz", 5, *columns)


@given(st.lists(ROW, max_size=30))
def test_counts_are_those_of_all_prompts_together(rows: list[tuple[int, ...]]) -> None:
    columns = np.array(rows, dtype=int).reshape(-1, 6).T
    assert prompt_battles(rows).counts() == PairCounts.of("wxyz", *columns[1:])


@given(st.lists(ROW, max_size=30), st.lists(st.integers(0, 3), min_size=5, max_size=5))
def test_weighted_prompts_are_prompts_that_many_times(rows: list[tuple[int, ...]], weight: list[int]) -> None:
    battles = prompt_battles(rows)
    repeated = prompt_battles([row for row in rows for _ in range(weight[row[0]])]).counts()
    counts = battles.counts()
    count, score = battles.weighted(np.array(weight))
    drawn = {(a, b): (n, s) for a, b, n, s in zip(counts.a, counts.b, count, score, strict=True) if n}
    rows_again = zip(repeated.a, repeated.b, repeated.battles, repeated.score, strict=True)
    assert drawn == {(a, b): (n, s) for a, b, n, s in rows_again}


@given(st.lists(ROW, max_size=30))
def test_common_prompts_are_those_of_both(rows: list[tuple[int, ...]]) -> None:
    seen: list[set[int]] = [set() for _ in range(4)]
    for prompt, a, b, *cells in rows:
        if a != b and sum(cells):
            seen[a].add(prompt)
            seen[b].add(prompt)
    assert prompt_battles(rows).common_prompts().tolist() == [[len(x & y) for y in seen] for x in seen]


def test_an_unknown_prompt_is_refused() -> None:
    with pytest.raises(ValueError, match="prompt"):
        PromptBattles.of("xy", 1, [1], [0], [1], [1], [0], [0])
