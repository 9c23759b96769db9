"""Ranks against a published leaderboard; ties by overlap and by paired differences."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.ratings.bootstrap import bootstrap, bootstrap_prompts
from engine.ratings.counts import PairCounts
from engine.ratings.prompt_battles import PromptBattles
from engine.ratings.ranks import overlapping, ranks, tied_with
from engine.ratings.scale import Anchor
from tests.engine.ratings.conftest import CountsOf, ExpectedOf

BOUND = st.one_of(st.none(), st.integers(-5, 5).map(float))


def test_the_76_ranks_of_the_chatbot_arena(expected_of: ExpectedOf) -> None:
    rows = expected_of("final_ranking").values()
    assert len(rows) == 76
    columns = ([row[name] for row in rows] for name in ("rating", "rating_q025", "rating_q975"))
    assert ranks(*columns) == tuple(row["final_ranking"] for row in rows)


@given(st.lists(st.tuples(BOUND, BOUND, BOUND), max_size=12))
def test_ranks_count_who_lies_above_for_certain(rows: list[tuple[float | None, ...]]) -> None:
    rating, lower, upper = ([row[i] for row in rows] for i in range(3))
    above = [
        sum(
            r is not None and low is not None and high is not None and low > high
            for r, low in zip(rating, lower, strict=True)
        )
        for high in upper
    ]
    expected = tuple(None if r is None else 1 + count for r, count in zip(rating, above, strict=True))
    assert ranks(rating, lower, upper) == expected


def test_intervals_that_touch_overlap() -> None:
    holds = overlapping([0.0, 1.0, 2.5, None], [1.0, 2.0, 3.0, None])
    assert holds.tolist() == [
        [True, True, False, True],
        [True, True, False, True],
        [False, False, True, True],
        [True, True, True, True],
    ]


def test_without_common_prompts_overlap_decides(counts_of: CountsOf) -> None:
    intervals = bootstrap(counts_of("layout_all"))
    ties = tied_with(intervals)
    assert ties.basis == "overlap"
    table = zip(intervals.models, intervals.rating_lower, intervals.rating_upper, ties.tied_with, strict=True)
    bounds = {model: (low, high) for model, low, high, _ in table}
    for model, names in zip(ties.models, ties.tied_with, strict=True):
        low, high = bounds[model]
        overlap = {m for m, (lower, upper) in bounds.items() if m != model and lower <= high and low <= upper}
        assert set(names) == overlap


def paired_battles(n_prompts: int = 400) -> PromptBattles:
    """a and b both fight c on every prompt. Prompts are easy or hard for both alike; b loses 25 more than a."""
    rng = np.random.default_rng(0)
    a_wins = (rng.random(n_prompts) < 0.5).astype(int)
    b_wins = a_wins.copy()
    b_wins[np.flatnonzero(a_wins)[:25]] = 0
    prompt = np.tile(np.arange(n_prompts), 2)
    wins = np.concatenate([a_wins, b_wins])
    first = np.repeat([0, 1], n_prompts)
    return PromptBattles.of("abc", n_prompts, prompt, first, np.full(wins.size, 2), wins, 1 - wins, 0 * wins)


def test_paired_differences_tell_apart_what_overlap_does_not() -> None:
    battles = paired_battles()
    intervals = bootstrap_prompts(battles, Anchor("c", 1000), n_resamples=400)
    by_overlap, paired = tied_with(intervals), tied_with(intervals, battles.common_prompts())
    assert (by_overlap.basis, paired.basis) == ("overlap", "paired")
    assert "b" in by_overlap.tied_with[0]
    assert "b" not in paired.tied_with[0]
    assert "a" not in paired.tied_with[1]


def test_pairs_that_share_few_prompts_are_told_by_overlap() -> None:
    """c fought d on the common prompts, a and b fought each other on others."""
    wins = np.tile([1, 0], 20)
    first, second = np.repeat([0, 2], 20), np.repeat([1, 3], 20)
    first[-1], second[-1], first[-2], second[-2] = 0, 2, 2, 0
    battles = PromptBattles.of("abcd", 40, np.arange(40), first, second, wins, 1 - wins, 0 * wins)
    ties = tied_with(bootstrap_prompts(battles), battles.common_prompts())
    assert ties.basis == "both"
    assert ties.paired[0, 1]
    assert not ties.paired[0, 3]


def test_who_has_no_rating_is_tied_with_nobody() -> None:
    ties = tied_with(bootstrap(PairCounts.of("xyz", [0, 1], [1, 2], [3, 5], [0, 5], [0, 0])))
    assert ties.tied_with == ((), ("z",), ("y",))


def test_without_a_bound_no_rank_is_lost() -> None:
    assert ranks([1100.0, 1000.0, None], [1050.0, None, None], [None, 1020.0, None]) == (1, 2, None)


def test_equal_intervals_share_a_rank() -> None:
    assert ranks([1.0, 1.0], [0.0, 0.0], [2.0, 2.0]) == pytest.approx((1, 1))
