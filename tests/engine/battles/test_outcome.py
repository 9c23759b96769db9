"""The outcome rules, on games worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.battles.outcome import before_judging, decide
from engine.records import (
    BattleState,
    Decision,
    Game,
    OnCut,
    Outcome,
    OutcomeRule,
    ResponseStatus,
    Verdict,
    VerdictKind,
    VerdictStatus,
)

OK, CUT, EMPTY, REFUSED, FAILED = (
    ResponseStatus.OK,
    ResponseStatus.CUT,
    ResponseStatus.EMPTY,
    ResponseStatus.REFUSED,
    ResponseStatus.FAILED,
)


def game(first: float, second: float, *, swapped: bool = False) -> Game:
    return Game(swapped, Verdict(VerdictKind.SCORES, VerdictStatus.OK, (first, second)))


def invalid(status: VerdictStatus, *, swapped: bool = False) -> Game:
    return Game(swapped, Verdict(VerdictKind.SCORES, status))


# Game 1 shows a first: 8 to 6, a leads by 2. Game 2 shows b first: 7 to 6, so a trails by 1.
SPLIT = [game(8, 6), game(7, 6, swapped=True)]


def test_mean_margin_takes_the_sign_of_the_mean() -> None:
    found = decide(OutcomeRule.MEAN_MARGIN, SPLIT, 2)
    assert found == Decision(BattleState.DECIDED, None, Outcome.A, 0.5, 0.5, 1, 0, 0)


def test_strict_ties_when_the_games_disagree() -> None:
    found = decide(OutcomeRule.STRICT, SPLIT, 2)
    assert (found.outcome, found.margin, found.ties) == (Outcome.TIE, 0.5, 1)


def test_strict_follows_games_that_agree() -> None:
    found = decide(OutcomeRule.STRICT, [game(4, 9), game(9, 2, swapped=True)], 2)
    assert (found.outcome, found.margin, found.wins_b) == (Outcome.B, -6.0, 1)


def test_per_game_counts_each_game() -> None:
    found = decide(OutcomeRule.PER_GAME, SPLIT, 2)
    assert (found.wins_a, found.wins_b, found.ties) == (1, 1, 0)


@pytest.mark.parametrize("rule", list(OutcomeRule))
def test_equal_scores_tie_under_every_rule(rule: OutcomeRule) -> None:
    found = decide(rule, [game(5, 5), game(5, 5, swapped=True)], 2)
    assert (found.outcome, found.margin, found.win_share) == (Outcome.TIE, 0.0, 0.5)


@pytest.mark.parametrize("status", [s for s in VerdictStatus if s is not VerdictStatus.OK])
@pytest.mark.parametrize("rule", list(OutcomeRule))
def test_an_invalid_verdict_makes_the_battle_wait(rule: OutcomeRule, status: VerdictStatus) -> None:
    found = decide(rule, [game(9, 1), invalid(status, swapped=True)], 2)
    assert found == Decision(BattleState.WAITING, f"{status.value} verdict")


def test_a_missing_game_makes_the_battle_wait() -> None:
    assert decide(OutcomeRule.STRICT, [game(9, 1)], 2) == Decision(BattleState.WAITING, "missing game")


def test_a_preference_keeps_its_share() -> None:
    verdict = Verdict(VerdictKind.PREFERENCE, VerdictStatus.OK, 0.75)  # for the second, which is b
    found = decide(OutcomeRule.MEAN_MARGIN, [Game(False, verdict)], 1)
    assert (found.outcome, found.win_share, found.margin) == (Outcome.B, 0.25, -0.5)


scores = st.integers(1, 10)


@given(rule=st.sampled_from(list(OutcomeRule)), s=st.tuples(scores, scores, scores, scores))
def test_swapping_a_and_b_mirrors_the_decision(rule: OutcomeRule, s: tuple[int, int, int, int]) -> None:
    one = decide(rule, [game(s[0], s[1]), game(s[2], s[3], swapped=True)], 2)
    other = decide(rule, [game(s[2], s[3]), game(s[0], s[1], swapped=True)], 2)
    mirror = {Outcome.A: Outcome.B, Outcome.B: Outcome.A, Outcome.TIE: Outcome.TIE}
    assert one.outcome is not None
    assert other.outcome is mirror[one.outcome]
    assert (other.wins_a, other.wins_b, other.ties) == (one.wins_b, one.wins_a, one.ties)
    assert one.margin is not None
    assert other.margin == -one.margin


@pytest.mark.parametrize(
    ("on_cut", "a", "b", "expected"),
    [
        (OnCut.VOID, OK, OK, None),
        (OnCut.VOID, CUT, OK, Decision(BattleState.VOID, "cut response")),
        (OnCut.VOID, OK, EMPTY, Decision(BattleState.VOID, "empty response")),
        (OnCut.LOSS, OK, REFUSED, Decision(BattleState.DECIDED, None, Outcome.A, None, 1.0, 1, 0, 0)),
        (OnCut.LOSS, CUT, OK, Decision(BattleState.DECIDED, None, Outcome.B, None, 0.0, 0, 1, 0)),
        (OnCut.LOSS, CUT, EMPTY, Decision(BattleState.VOID, "cut response")),
        (OnCut.JUDGE, CUT, EMPTY, None),
    ],
)
def test_what_a_response_that_is_not_whole_means(
    on_cut: OnCut, a: ResponseStatus, b: ResponseStatus, expected: Decision | None
) -> None:
    assert before_judging(on_cut, a, b) == expected


@pytest.mark.parametrize("on_cut", list(OnCut))
@pytest.mark.parametrize("other", [OK, CUT, FAILED])
def test_a_failed_response_is_never_judged_and_never_loses(on_cut: OnCut, other: ResponseStatus) -> None:
    for a, b in ((FAILED, other), (other, FAILED)):
        assert before_judging(on_cut, a, b) == Decision(BattleState.WAITING, "failed response")
