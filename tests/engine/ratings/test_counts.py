"""Pair counts: what goes in comes out, mirrored, merged, renamed, or refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.ratings.counts import PairCounts, named
from tests.engine.ratings.battle_logs import FIXTURES, logs, pair_rows, read_csv
from tests.engine.ratings.conftest import CountsOf
from tests.engine.ratings.samples import outcomes, pair_counts

Battles = list[tuple[str, str, str]]


def from_battles(battles: Battles) -> PairCounts:
    return PairCounts.from_battles(
        [a for a, _, _ in battles], [b for _, b, _ in battles], [outcome for _, _, outcome in battles]
    )


def mirrored(battles: Battles) -> Battles:
    other = {"a": "b", "b": "a", "tie": "tie"}
    return [(b, a, other[outcome]) for a, b, outcome in battles]


def test_one_row_a_pair_in_canonical_form() -> None:
    counts = PairCounts.of("xyz", [2, 0, 1], [0, 2, 1], [5, 1, 4], [2, 0, 0], [1, 3, 0])
    assert (counts.a.tolist(), counts.b.tolist()) == ([0], [2])
    assert (counts.wins.tolist(), counts.losses.tolist(), counts.ties.tolist()) == ([3], [5], [4])
    assert counts.win_share.tolist() == [5.0]
    assert counts.self_battles == 4
    assert counts.total == 12


def test_win_share_is_that_of_the_first_model() -> None:
    counts = PairCounts.from_battles(["y", "x"], ["x", "y"], ["a", "tie"], win_share=[0.9, 0.5])
    assert counts.win_share.tolist() == [pytest.approx(0.1 + 0.5)]


@given(outcomes())
def test_counts_say_what_a_plain_tally_says(battles: Battles) -> None:
    counts = from_battles(battles)
    fought = [(a, b, outcome) for a, b, outcome in battles if a != b]
    rows = zip(counts.a, counts.b, counts.wins, counts.losses, counts.ties, strict=True)
    assert [(counts.models[a], counts.models[b], *cells) for a, b, *cells in rows] == pair_rows(fought)
    assert counts.self_battles == len(battles) - len(fought)


@given(outcomes())
def test_swapping_a_and_b_gives_the_same_counts(battles: Battles) -> None:
    assert from_battles(battles) == from_battles(mirrored(battles))


@given(outcomes(), outcomes())
def test_merging_counts_is_counting_all_battles(first: Battles, second: Battles) -> None:
    merged = from_battles(first).merged(from_battles(second))
    together = from_battles(first + second)
    assert together.among(sorted(together.models)) == merged.among(sorted(merged.models))
    assert merged.self_battles == together.self_battles
    assert merged.total == from_battles(first).total + from_battles(second).total


@given(outcomes(), st.permutations("abcde"))
def test_renaming_battles_is_renaming_counts(battles: Battles, names: list[str]) -> None:
    new = dict(zip("abcde", names, strict=True))
    renamed = from_battles([(new[a], new[b], outcome) for a, b, outcome in battles])
    assert from_battles(battles).renamed(new).among(renamed.models) == renamed.among(renamed.models)


@given(outcomes())
def test_an_alias_makes_two_models_one(battles: Battles) -> None:
    alias = {"b": "a"}
    counted = from_battles([(alias.get(a, a), alias.get(b, b), outcome) for a, b, outcome in battles])
    renamed = from_battles(battles).renamed(alias)
    assert renamed.among(counted.models) == counted.among(counted.models)
    assert renamed.self_battles == counted.self_battles


@given(pair_counts())
def test_every_battle_counts_for_two_models(counts: PairCounts) -> None:
    assert counts.per_model(counts.battles, counts.battles).sum() == 2 * counts.total
    assert counts.per_model(counts.score, counts.battles - counts.score).sum() == counts.total


@pytest.mark.parametrize(
    "arguments",
    [
        ("xx", [0], [1], [1], [0], [0]),
        ("xy", [0], [2], [1], [0], [0]),
        ("xy", [-1], [1], [1], [0], [0]),
        ("xy", [0], [1], [-1], [0], [0]),
        ("xy", [0], [1], [0.5], [0], [0]),
        ("xy", [0, 0], [1, 1], [1], [0], [0]),
        ("xy", [0], [1], [1], [0], [0], [1.5]),
        ("xy", [0], [1], [1], [0], [0], [float("nan")]),
    ],
    ids=[
        "name twice",
        "no such model",
        "negative index",
        "negative",
        "broken",
        "lengths",
        "share",
        "nan share",
    ],
)
def test_what_cannot_be_counted_is_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(ValueError):
        PairCounts.of(*arguments)  # type: ignore[arg-type]


def test_an_unknown_outcome_is_no_tie() -> None:
    with pytest.raises(ValueError, match="both bad"):
        PairCounts.from_battles(["x"], ["y"], ["both bad"])


def test_counts_cannot_be_changed() -> None:
    counts = PairCounts.of("xy", [0], [1], [1], [0], [0])
    with pytest.raises(ValueError, match="read-only"):
        counts.wins[0] = 2


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="gpt-4") as raised:
        named(("gpt-4", "vicuna"), "gtp-4")
    assert raised.value.exit_code == 2


def test_fixtures_are_the_counts_of_the_real_logs(test_data: Path) -> None:
    rows = read_csv(FIXTURES / "pair_counts.csv")
    written = Counter(
        (row["log"], row["model_a"], row["model_b"], row["wins"], row["losses"], row["ties"]) for row in rows
    )
    real = Counter(
        (name, a, b, str(wins), str(losses), str(ties))
        for name, battles in logs(test_data).items()
        for a, b, wins, losses, ties in pair_rows(battles)
    )
    assert written == real


def test_counting_a_log_equals_its_fixture(test_data: Path, counts_of: CountsOf) -> None:
    for name, battles in logs(test_data).items():
        assert from_battles(battles) == counts_of(name), name


def test_no_battles_at_all() -> None:
    counts = PairCounts.of("xy", [], [], [], [], [])
    assert counts.total == 0
    assert counts.merged(counts) == counts
    assert np.array_equal(counts.per_model(counts.battles, counts.battles), [0, 0])
