"""Who meets whom: the modes of the paper, and what stays the same when a run grows."""

from __future__ import annotations

from collections import Counter
from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.battles.matchmaking import MatchMaker, Mode, shuffled, sides
from engine.errors import UsageError

PROMPTS = [f"p1:{i:032x}" for i in range(400)]
seeds = st.integers(0, 2**63 - 1)


def pairs_on(maker: MatchMaker, prompt: str) -> list[frozenset[str]]:
    return [frozenset((one.one, one.other)) for one in maker.on(prompt)]


@pytest.mark.parametrize(
    ("mode", "players", "battles"),
    [("i", 2, 1), ("ii", 5, 1), ("iii", 3, 3), ("iv", 4, 6), ("round-robin", 5, 10)],
)
def test_each_mode_plays_as_many_battles_a_prompt_as_the_paper_says(
    mode: Mode, players: int, battles: int
) -> None:
    names = [f"m{i}" for i in range(players)]
    maker = MatchMaker.of(names, mode, seed=3)
    assert maker.per_prompt() == battles
    for prompt in PROMPTS[:50]:
        assert len(maker.on(prompt)) == battles
        assert set(maker.players_on(prompt)) == {name for pair in pairs_on(maker, prompt) for name in pair}


@pytest.mark.parametrize("mode", ["iii", "iv", "round-robin"])
def test_every_pair_fights_once_also_the_others_among_themselves(mode: Mode) -> None:
    names = ["target", "x", "y"] + (["z"] if mode != "iii" else [])
    expected = {frozenset(pair) for pair in combinations(names, 2)}
    for prompt in PROMPTS[:20]:
        met = pairs_on(MatchMaker.of(names, mode, seed=0, target="target"), prompt)
        assert set(met) == expected
        assert len(met) == len(expected)


def test_mode_ii_splits_the_prompts_evenly_among_the_others() -> None:
    maker = MatchMaker.of(["target", "x", "y", "z"], "ii", seed=1)
    drawn = Counter(next(iter(pairs_on(maker, prompt)[0] - {"target"})) for prompt in PROMPTS)
    # Binomial(400, 1/3): mean 133, standard deviation 9.4; five of them.
    assert set(drawn) == {"x", "y", "z"}
    assert all(abs(count - 400 / 3) < 47 for count in drawn.values())


def test_being_a_means_nothing_and_does_not_depend_on_who_is_named_first() -> None:
    pairs = [(f"r1:{prompt}x", f"r1:{prompt}y") for prompt in PROMPTS]
    drawn = [sides(one, other) for one, other in pairs]
    first = sum(a == one for (a, _), (one, _) in zip(drawn, pairs, strict=True))
    assert abs(first - 200) < 50  # Binomial(400, 1/2): five standard deviations
    assert drawn == [sides(other, one) for one, other in pairs]


@given(seed=seeds)
def test_the_same_seed_gives_the_same_battles_and_another_one_others(seed: int) -> None:
    few = PROMPTS[:60]
    one, again, other = (MatchMaker.of(["x", "y", "z"], "ii", s) for s in (seed, seed, seed ^ 1))
    assert [one.on(prompt) for prompt in few] == [again.on(prompt) for prompt in few]
    # Each of 60 prompts draws one of two opponents: that both seeds agree on all has a chance of 2**-60.
    assert [one.on(prompt) for prompt in few] != [other.on(prompt) for prompt in few]
    assert shuffled(few, few, seed) != shuffled(few, few, seed ^ 1)


@given(seed=seeds, kept=st.integers(1, 399))
def test_a_prompt_more_or_less_leaves_the_order_of_the_others(seed: int, kept: int) -> None:
    whole = shuffled(PROMPTS, PROMPTS, seed)
    fewer = PROMPTS[:kept]
    assert shuffled(fewer, fewer, seed) == [prompt for prompt in whole if prompt in set(fewer)]


def test_samples_meet_in_turn() -> None:
    maker = MatchMaker.of(["x", "y"], "round-robin", seed=0, samples=3)
    assert [one.sample for one in maker.on(PROMPTS[0])] == [0, 1, 2]
    assert maker.per_prompt() == 3


@pytest.mark.parametrize(
    ("mode", "players"),
    [("i", 1), ("i", 3), ("ii", 1), ("iii", 2), ("iii", 4), ("iv", 3), ("round-robin", 1)],
)
def test_a_mode_says_how_many_players_it_needs(mode: Mode, players: int) -> None:
    with pytest.raises(UsageError) as failure:
        MatchMaker.of([f"m{i}" for i in range(players)], mode, seed=0)
    assert failure.value.exit_code == 2


def test_a_target_that_does_not_play_is_an_error() -> None:
    with pytest.raises(UsageError, match="needs a target"):
        MatchMaker.of(["x", "y"], "i", seed=0, target="w")
