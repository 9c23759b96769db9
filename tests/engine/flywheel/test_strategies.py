"""Ways of choosing that the method is compared with."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.cluster.vq import kmeans2

from engine.errors import UserError
from engine.flywheel.selection.strategies.k_means import k_means
from engine.flywheel.selection.strategies.tf_idf import tf_idf
from engine.flywheel.selection.strategy import Offer, find_strategy
from engine.plugins import Group, names


def order(name: str, offers: list[Offer], seed: int = 0, **options: object) -> list[str]:
    strategy, read = find_strategy(name, options)
    return [offers[place].key for place in strategy.order(offers, read, seed)]


OFFERS = [Offer("p:b", None, 2.0, "bb"), Offer("p:a", None, 5.0, "aaaa"), Offer("p:c", None, 2.0, "cccc")]


def test_all_ways_come_through_the_door() -> None:
    assert names(Group.SELECTIONS) == ("all", "battles", "cluster", "longest", "random")


def test_battles_takes_the_widest_gap_first_and_longest_the_longest_prompt() -> None:
    assert order("battles", OFFERS) == ["p:a", "p:b", "p:c"]
    assert order("longest", OFFERS) == ["p:a", "p:c", "p:b"]
    assert order("all", OFFERS) == ["p:a", "p:b", "p:c"]


def test_random_depends_on_the_seed_and_on_each_prompt_alone() -> None:
    many = [Offer(f"p:{n}", None, None) for n in range(50)]
    first = order("random", many, 1)
    assert first == order("random", many[::-1], 1)
    assert first != order("random", many, 2)
    assert sorted(first) == sorted(one.key for one in many)
    assert [key for key in first if key in {one.key for one in many[:20]}] == order("random", many[:20], 1)


def test_random_is_fair() -> None:
    """Each of four prompts is first in a quarter of 2,000 seeds; four standard deviations are 77."""
    four = [Offer(f"p:{n}", None, None) for n in range(4)]
    firsts = [order("random", four, seed)[0] for seed in range(2000)]
    assert all(abs(firsts.count(one.key) - 500) < 78 for one in four)


def test_cluster_takes_one_of_each_cluster_in_turn() -> None:
    words = {"fruit": "apple pear plum", "metal": "iron zinc lead", "river": "rhine nile volga"}
    offers = [
        Offer(f"p:{kind}{n}", None, None, f"{text} w{n}") for kind, text in words.items() for n in range(4)
    ]
    taken = order("cluster", offers, 3, n_clusters=3)
    assert sorted(taken) == sorted(one.key for one in offers)
    for turn in range(4):
        assert {key[2:-1] for key in taken[3 * turn : 3 * turn + 3]} == set(words)
    assert taken == order("cluster", offers[::-1], 3, n_clusters=3)


def test_cluster_of_nothing_and_of_prompts_without_words() -> None:
    assert order("cluster", []) == []
    assert sorted(order("cluster", [Offer("p:a", None, None, "?"), Offer("p:b", None, None, "!")])) == [
        "p:a",
        "p:b",
    ]
    with pytest.raises(UserError):
        find_strategy("cluster", {"n_cluster": 3})


def test_tf_idf_by_hand() -> None:
    """`a` is in two of three texts, `b` in one: weights 1 + ln(4/3) and 1 + ln 2."""
    a, b = 1 + math.log(4 / 3), 1 + math.log(2)
    vector = np.array([2 * a, b]) / math.hypot(2 * a, b)
    np.testing.assert_allclose(tf_idf(["a a b", "A", "c"], 2), [vector, [1, 0], [0, 0]], rtol=1e-6)


def test_k_means_ends_where_scipy_says_that_it_ends() -> None:
    """From the centres of our labels scipy's Lloyd moves no point."""
    points = np.random.default_rng(0).normal(size=(200, 3)).astype(np.float32)
    labels = k_means(points, 5, random_state=1, max_iter=500)
    centres = np.stack([points[labels == one].mean(axis=0) for one in range(5)])
    _, theirs = kmeans2(points, centres, iter=1, minit="matrix")
    assert np.array_equal(theirs, labels)
    assert np.array_equal(labels, k_means(points, 5, random_state=1, max_iter=500))


def test_k_means_of_as_many_points_as_clusters() -> None:
    points = np.eye(3, dtype=np.float32)
    assert sorted(k_means(points, 8, random_state=0)) == [0, 1, 2]
    assert len(k_means(np.zeros((4, 2), np.float32), 2, random_state=0)) == 4
