"""Ratings against published examples, files computed elsewhere, other libraries and a second solver."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.errors import UsageError
from engine.ratings.bradley_terry import BradleyTerryFit, bradley_terry
from engine.ratings.counts import PairCounts
from engine.ratings.identifiability import Reason
from engine.ratings.scale import Anchor
from tests.engine.ratings.battle_logs import logs
from tests.engine.ratings.conftest import CountsOf, ExpectedOf
from tests.engine.ratings.samples import connected_counts, minorise_maximise

EXPECTED_TO = 0.001

WHOLE_LOGS = [
    ("llmfao_crowd", "GPT 3.5 Turbo"),
    ("llmfao_gpt4-crowd", "GPT 3.5 Turbo"),
    ("llmfao_gpt3-crowd", "GPT 3.5 Turbo"),
    ("layout_all", "dune"),
    ("layout_anony_only", "dune"),
    ("kaggle", "gpt-4-0314"),
    ("pandalm", "llama-7b"),
]
GROUPED_LOGS = [
    ("llmfao_crowd_by_type", {"type": kind}, f"llmfao_crowd_{kind}")
    for kind in ("creativity", "instruct", "knowledge", "reflexion")
] + [
    (f"layout_by_{column}", {column: value}, f"layout_{column}_{value}")
    for column, values in (
        ("category_tag", ("add", "count", "reverse", "sort", "translate")),
        ("language", ("English", "Japanese", "unknown")),
        ("turn", ("1", "2")),
    )
    for value in values
]


def by_model(fit: BradleyTerryFit) -> dict[str, float | None]:
    return dict(zip(fit.models, fit.rating, strict=True))


@pytest.mark.parametrize(("log", "anchor"), WHOLE_LOGS)
def test_equals_the_expected_ratings(
    log: str, anchor: str, counts_of: CountsOf, expected_of: ExpectedOf
) -> None:
    counts, table = counts_of(log), expected_of(log)
    centred = {model: row["bt_elo_centred"] + 1000 for model, row in table.items()}
    anchored = {model: row["bt_elo_anchored"] for model, row in table.items()}
    assert by_model(bradley_terry(counts)) == pytest.approx(centred, abs=EXPECTED_TO)
    assert by_model(bradley_terry(counts, Anchor(anchor, 1000))) == pytest.approx(anchored, abs=EXPECTED_TO)


@pytest.mark.parametrize(("table", "group", "log"), GROUPED_LOGS, ids=[row[2] for row in GROUPED_LOGS])
def test_equals_the_expected_ratings_of_a_group(
    table: str, group: dict[str, str], log: str, counts_of: CountsOf, expected_of: ExpectedOf
) -> None:
    expected = {model: row["bt_elo_centred"] + 1000 for model, row in expected_of(table, **group).items()}
    assert by_model(bradley_terry(counts_of(log))) == pytest.approx(expected, abs=EXPECTED_TO)


@pytest.mark.parametrize("log", ["layout_language_German", "layout_turn_3"])
def test_groups_without_a_common_scale_say_so(log: str, counts_of: CountsOf) -> None:
    fit = bradley_terry(counts_of(log))
    unrated = [reason for rating, reason in zip(fit.rating, fit.reasons, strict=True) if rating is None]
    assert unrated
    assert set(unrated) <= {Reason.NEVER_LOST, Reason.NEVER_WON, Reason.ABOVE, Reason.BELOW}


def test_the_worked_example_of_wikipedia() -> None:
    """Article "Bradley-Terry model": four teams, 22 games, strengths with geometric mean 1 after convergence."""
    counts = PairCounts.of("ABCD", [0, 0, 1, 2], [1, 3, 2, 3], [2, 1, 5, 1], [3, 4, 3, 3], [0, 0, 0, 0])
    strengths = [
        10 ** ((rating - 1000) / 400) for rating in bradley_terry(counts).rating if rating is not None
    ]
    assert strengths == pytest.approx([0.640, 1.043, 0.660, 2.270], abs=5e-4)


@given(st.integers(1, 10**6), st.integers(1, 10**6), st.integers(0, 10**6))
def test_two_models_have_a_closed_form(wins: int, losses: int, ties: int) -> None:
    counts = PairCounts.of("xy", [0], [1], [wins], [losses], [ties])
    gap = 400 * math.log10((wins + ties / 2) / (losses + ties / 2))
    assert bradley_terry(counts).rating == pytest.approx((1000 + gap / 2, 1000 - gap / 2), abs=1e-6)


def test_one_tie_in_a_million_wins_is_finite() -> None:
    counts = PairCounts.of("xy", [0], [1], [10**6], [0], [1])
    x, y = bradley_terry(counts, Anchor("y", 0.0)).rating
    assert y == 0.0
    assert x == pytest.approx(400 * math.log10((10**6 + 0.5) / 0.5), abs=1e-6)


@given(connected_counts())
@settings(max_examples=60, deadline=None)
def test_a_second_solver_agrees(counts: PairCounts) -> None:
    assert bradley_terry(counts).rating == pytest.approx(minorise_maximise(counts), abs=1e-4)


@given(connected_counts())
@settings(deadline=None)
def test_swapping_wins_and_losses_mirrors_every_rating(counts: PairCounts) -> None:
    swapped = PairCounts.of(counts.models, counts.a, counts.b, counts.losses, counts.wins, counts.ties)
    mirrored = [2000 - rating for rating in bradley_terry(counts).rating if rating is not None]
    assert bradley_terry(swapped).rating == pytest.approx(mirrored, abs=1e-8)


@given(connected_counts(), st.randoms())
@settings(deadline=None)
def test_renaming_and_reordering_changes_nothing(counts: PairCounts, random: Random) -> None:
    shuffled = list(counts.models)
    random.shuffle(shuffled)
    new = {name: f"model {name}" for name in counts.models}
    renamed = bradley_terry(counts.among(shuffled).renamed(new))
    expected = {new[name]: rating for name, rating in by_model(bradley_terry(counts)).items()}
    assert by_model(renamed) == pytest.approx(expected, abs=1e-8)


@given(connected_counts(), st.integers(2, 1000))
@settings(deadline=None)
def test_every_battle_twice_changes_nothing(counts: PairCounts, times: int) -> None:
    cells = (counts.wins * times, counts.losses * times, counts.ties * times)
    repeated = PairCounts.of(counts.models, counts.a, counts.b, *cells)
    assert bradley_terry(repeated).rating == pytest.approx(bradley_terry(counts).rating, abs=1e-8)


def test_a_tie_is_half_a_win_for_each() -> None:
    ties = PairCounts.of("xyz", [0, 1], [1, 2], [3, 1], [1, 4], [2, 4])
    halves = PairCounts.of("xyz", [0, 1], [1, 2], [8, 6], [4, 12], [0, 0])
    assert bradley_terry(ties).rating == pytest.approx(bradley_terry(halves).rating, abs=1e-9)


def test_an_unknown_anchor_is_a_usage_error(counts_of: CountsOf) -> None:
    with pytest.raises(UsageError, match="dunes"):
        bradley_terry(counts_of("layout_all"), Anchor("dunes", 1000))


def test_a_self_battle_is_rated_nowhere() -> None:
    with_own = PairCounts.of("xy", [0, 0, 1], [1, 0, 1], [2, 9, 9], [1, 0, 0], [1, 0, 9])
    without = PairCounts.of("xy", [0], [1], [2], [1], [1])
    assert bradley_terry(with_own).rating == bradley_terry(without).rating
    assert with_own.self_battles == 27


@pytest.mark.parametrize("log", ["llmfao_crowd", "llmfao_gpt4-crowd", "layout_all", "pandalm"])
def test_evalica_agrees(log: str, counts_of: CountsOf) -> None:
    evalica = pytest.importorskip("evalica")
    counts = counts_of(log)
    outcome = {"wins": evalica.Winner.X, "losses": evalica.Winner.Y, "ties": evalica.Winner.Draw}
    xs, ys, winners = [], [], []
    for column, winner in outcome.items():
        for a, b, count in zip(counts.a, counts.b, getattr(counts, column), strict=True):
            xs += [counts.models[a]] * int(count)
            ys += [counts.models[b]] * int(count)
            winners += [winner] * int(count)
    scores = evalica.bradley_terry(xs, ys, winners, tolerance=1e-13, limit=100_000).scores
    elo = 400 * np.log10(scores)
    expected = {model: value + 1000 for model, value in (elo - elo.mean()).items()}
    assert by_model(bradley_terry(counts)) == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("log", ["llmfao_crowd", "llmfao_gpt4-crowd", "layout_all", "pandalm"])
def test_arena_rank_agrees(log: str, counts_of: CountsOf, expected_of: ExpectedOf) -> None:
    expected = {model: row["rating"] for model, row in expected_of("arena_rank", log=log).items()}
    assert by_model(bradley_terry(counts_of(log))) == pytest.approx(expected, abs=0.01)


def test_real_logs_give_the_expected_ratings(test_data: Path, expected_of: ExpectedOf) -> None:
    for name, battles in logs(test_data).items():
        if name not in dict(WHOLE_LOGS):
            continue
        a, b, outcome = zip(*battles, strict=True)
        fit = bradley_terry(PairCounts.from_battles(a, b, outcome))
        expected = {model: row["bt_elo_centred"] + 1000 for model, row in expected_of(name).items()}
        assert by_model(fit) == pytest.approx(expected, abs=EXPECTED_TO), name
