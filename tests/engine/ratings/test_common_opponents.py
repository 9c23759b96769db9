"""Two models face to face, and against the same opponents on the same prompts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from engine.errors import UsageError
from engine.ratings.common_opponents import face_to_face, share_difference
from engine.ratings.prompt_battles import PromptBattles


def small() -> PromptBattles:
    """On prompt 0, a beat c and b lost to it; on 1 both tied with c; on 2 only a met c; a beat b on 0, lost on 3."""
    rows = [
        (0, 0, 2, 1, 0, 0),
        (0, 1, 2, 0, 1, 0),
        (1, 2, 0, 0, 0, 1),
        (1, 2, 1, 0, 0, 1),
        (2, 0, 2, 1, 0, 0),
        (0, 0, 1, 1, 0, 0),
        (3, 1, 0, 1, 0, 0),
    ]
    return PromptBattles.of("abc", 5, *np.array(rows).T)


def test_only_common_prompts_and_opponents_count() -> None:
    row = share_difference(small(), "a", "b")
    assert (row.value, row.prompts, row.cells) == (0.5, 2, 2)


def test_face_to_face_is_the_share_of_their_own_battles() -> None:
    row = face_to_face(small(), "a", "b")
    assert (row.value, row.prompts, row.cells) == (0.5, 2, 2)


@pytest.mark.parametrize("figure", [face_to_face, share_difference])
def test_turning_two_models_round_mirrors_the_figure(figure) -> None:  # type: ignore[no-untyped-def]
    battles = many()
    there, back = figure(battles, "a", "b"), figure(battles, "b", "a")
    whole = 1 if figure is face_to_face else 0
    assert (back.value, back.lower, back.upper) == pytest.approx(
        (whole - there.value, whole - there.upper, whole - there.lower)
    )


def many(n_prompts: int = 2000) -> PromptBattles:
    """a beats c on 60 % of all prompts, b on 50 %, a beats b on 55 %, all independent."""
    rng = np.random.default_rng(3)
    wins = (rng.random((3, n_prompts)) < np.array([[0.6], [0.5], [0.55]])).astype(int).ravel()
    prompt = np.tile(np.arange(n_prompts), 3)
    first, second = np.repeat([0, 1, 0], n_prompts), np.repeat([2, 2, 1], n_prompts)
    return PromptBattles.of("abc", n_prompts, prompt, first, second, wins, 1 - wins, 0 * wins)


def test_intervals_are_as_wide_as_the_binomial_says() -> None:
    rows = {
        "face": (face_to_face(many(), "a", "b", n_resamples=4000), math.sqrt(0.55 * 0.45 / 2000)),
        "share": (share_difference(many(), "a", "b", n_resamples=4000), math.sqrt((0.24 + 0.25) / 2000)),
    }
    for row, error in rows.values():
        assert row.lower is not None
        assert row.upper is not None
        assert row.upper - row.lower == pytest.approx(2 * 1.96 * error, rel=0.06)


def test_repeated_games_on_a_prompt_do_not_narrow_the_interval() -> None:
    one = many(300).cells
    ten = PromptBattles.of("abc", 300, one.group, one.a, one.b, 10 * one.wins, 10 * one.losses, 10 * one.ties)
    single, repeated = face_to_face(many(300), "a", "b"), face_to_face(ten, "a", "b")
    assert (repeated.value, repeated.lower, repeated.upper) == (single.value, single.lower, single.upper)
    assert repeated.cells == 10 * single.cells


def test_nothing_in_common() -> None:
    battles = PromptBattles.of("abc", 2, [0, 1], [0, 1], [2, 2], [1, 0], [0, 1], [0, 0])
    for row in (face_to_face(battles, "a", "b"), share_difference(battles, "a", "b")):
        assert (row.value, row.lower, row.upper, row.prompts, row.cells) == (None, None, None, 0, 0)


def test_one_prompt_gives_no_interval() -> None:
    row = face_to_face(PromptBattles.of("ab", 1, [0], [0], [1], [5], [3], [0]), "a", "b")
    assert (row.value, row.lower, row.upper) == (5 / 8, None, None)


def test_preferences_count_as_they_are() -> None:
    battles = PromptBattles.of("ab", 2, [0, 1], [0, 1], [1, 0], [1, 1], [0, 0], [0, 0], win_share=[0.9, 0.6])
    assert face_to_face(battles, "a", "b").value == pytest.approx((0.9 + 0.4) / 2)


def test_an_unknown_name_is_a_usage_error() -> None:
    with pytest.raises(UsageError):
        face_to_face(small(), "a", "z")
