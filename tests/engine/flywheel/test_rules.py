"""The rules on groups that are worked out by hand."""

from __future__ import annotations

import pytest

from engine.flywheel.selection.parameters import Pairs, Parameters, Stage
from engine.flywheel.selection.reasons import Reason
from engine.flywheel.selection.rules import Candidate, offer
from tests.engine.flywheel.fighting import ME, fight, group, side

ANN, BOB = 1, 2
SFT = Parameters("me")


def pairs(rule: str) -> Parameters:
    return Parameters("me", Stage.DPO, pairs=Pairs(rule))


def taken(found: Candidate | Reason) -> tuple[str, str | None, float | None, tuple[int, ...]]:
    assert isinstance(found, Candidate)
    return found.chosen.key, found.other.key if found.other else None, found.gap, found.battles


# me: 4, 4, 5, 6 (mean 4.75) · ann: 8, 7, 6, 6 (6.75) · bob: 5, 7, 6, 6 (6)
THREE = (
    fight(1, side(ME), side(ANN), [(4, 8), (4, 7)]),
    fight(2, side(ME), side(BOB), [(5, 5), (6, 7)]),
    fight(3, side(ANN), side(BOB), [(6, 6), (6, 6)]),
)


def test_responses_are_ranked_by_their_mean_over_all_games() -> None:
    ranking = group(*THREE).ranking
    assert [(one.key, one.mean, one.games) for one in ranking] == [
        ("r:1.0", 6.75, 4),
        ("r:2.0", 6.0, 4),
        ("r:0.0", 4.75, 4),
    ]


def test_sft_takes_the_best_one_by_the_margin_of_the_lost_battle() -> None:
    """(8 - 4 + 7 - 4) / 2 = 3.5, not the difference of means, which is 2."""
    assert taken(offer(group(*THREE), ME, SFT, needs_gap=True)) == ("r:1.0", "r:0.0", 3.5, (1,))


def test_a_pair_of_the_group_is_best_and_worst_by_the_difference_of_means() -> None:
    assert taken(offer(group(*THREE), ME, pairs("group"), needs_gap=True)) == (
        "r:1.0",
        "r:0.0",
        2.0,
        (1, 2, 3),
    )


def test_the_targets_wins_count_in_a_pair_of_the_group_but_not_for_sft() -> None:
    won = (
        fight(1, side(ME), side(ANN), [(9, 3), (9, 4)]),
        fight(2, side(ME), side(BOB), [(8, 7), (8, 7)]),
        fight(3, side(ANN), side(BOB), [(5, 6), (5, 7)]),
    )
    assert offer(group(*won), ME, SFT, needs_gap=True) is Reason.NOT_LOST
    assert offer(group(*won), ME, pairs("target-lost"), needs_gap=True) is Reason.NOT_LOST
    key, other, gap, _ = taken(offer(group(*won), ME, pairs("group"), needs_gap=True))
    assert (key, other, gap) == ("r:0.0", "r:1.0", 8.5 - 4.25)


def test_target_lost_rejects_the_targets_own() -> None:
    found = offer(group(*THREE), ME, pairs("target-lost"), needs_gap=True)
    assert taken(found) == ("r:1.0", "r:0.0", 3.5, (1,))


def test_own_worst_rejects_the_worst_of_the_targets_samples() -> None:
    """Samples 0 and 1 of the target: means 7 and 3; the best is ann's, mean 8."""
    battles = (
        fight(1, side(ME, 0), side(ANN), [(7, 8), (7, 8)]),
        fight(2, side(ME, 1), side(ANN, 1), [(3, 6), (3, 6)]),
    )
    found = offer(group(*battles), ME, pairs("own-worst"), needs_gap=True)
    assert taken(found) == ("r:1.0", "r:0.1", 5.0, (1, 2))
    # The best may be the target's own.
    own = (
        fight(1, side(ME, 0), side(ANN), [(9, 8), (9, 8)]),
        fight(2, side(ME, 1), side(ANN, 1), [(3, 6), (3, 6)]),
    )
    key, other, gap, _ = taken(offer(group(*own), ME, pairs("own-worst"), needs_gap=True))
    assert (key, other, gap) == ("r:0.0", "r:0.1", 6.0)


def test_sft_looks_at_the_sample_that_met_the_best_one() -> None:
    battles = (
        fight(1, side(ME, 0), side(ANN, 0), [(5, 6)]),
        fight(2, side(ME, 1), side(ANN, 1), [(2, 9)]),
    )
    assert taken(offer(group(*battles), ME, SFT, needs_gap=True)) == ("r:1.1", "r:0.1", 7.0, (2,))


def test_ties_are_broken_by_key() -> None:
    battles = (
        fight(1, side(ME), side(BOB), [(4, 8)]),
        fight(2, side(ME), side(ANN), [(4, 8)]),
    )
    assert taken(offer(group(*battles), ME, SFT, needs_gap=True))[0] == "r:1.0"


def test_equal_means_make_no_pair() -> None:
    battle = fight(1, side(ME), side(ANN), [(6, 6), (5, 5)])
    assert offer(group(battle), ME, pairs("group"), needs_gap=True) is Reason.NOT_LOST


def test_a_tie_under_the_arenas_rule_is_not_lost() -> None:
    """`strict`: the games disagree, so it ties although the margin is 2."""
    battle = fight(1, side(ME), side(ANN), [(6, 5), (4, 9)], outcome="tie")
    assert offer(group(battle), ME, SFT, needs_gap=True) is Reason.NOT_LOST


def test_a_loss_without_a_judge_has_no_margin() -> None:
    battles = (
        fight(1, side(ME, status="cut"), side(ANN), [], outcome="b", margin=None),
        fight(2, side(ME, 1), side(BOB), [(5, 6)]),
        fight(3, side(ANN), side(BOB), [(9, 2)]),
    )
    assert offer(group(*battles), ME, SFT, needs_gap=True) is Reason.NOT_MET
    met = (
        fight(1, side(ME), side(ANN), [], outcome="b", margin=None),
        *battles[2:],
        fight(4, side(ME), side(BOB), [(5, 6)]),
    )
    assert offer(group(*met), ME, SFT, needs_gap=True) is Reason.NO_MARGIN


def test_a_battle_that_lacks_a_verdict_leaves_the_prompt_out_and_a_failed_response_does_not() -> None:
    waits = fight(4, side(BOB), side(3), [], state="waiting", outcome=None)
    assert offer(group(*THREE, waits), ME, SFT, needs_gap=True) is Reason.WAITS
    failed = waits._replace(b=side(3, status="failed"))
    assert isinstance(offer(group(*THREE, failed), ME, SFT, needs_gap=True), Candidate)


def test_verdicts_of_two_kinds_are_never_compared() -> None:
    other = THREE[1]._replace(games=(THREE[1].games[0]._replace(kind="winner", value='"first"'),))
    assert offer(group(THREE[0], other, THREE[2]), ME, SFT, needs_gap=True) is Reason.MIXED


@pytest.mark.parametrize(
    ("kind", "value", "gap"),
    [("winner", '"second"', 1.0), ("grade", '"B>>A"', 2.0), ("preference", "0.75", 0.5)],
)
def test_other_kinds_count_in_their_own_units(kind: str, value: str, gap: float) -> None:
    made = fight(1, side(ME), side(ANN), [(0, gap)])
    battle = made._replace(games=(made.games[0]._replace(kind=kind, value=value),))
    assert taken(offer(group(battle), ME, SFT, needs_gap=True))[2] == gap
    assert taken(offer(group(battle), ME, pairs("group"), needs_gap=True))[2] == gap


def test_who_is_no_member_is_not_ranked() -> None:
    found = group(*THREE, player_of=lambda number: None if number == ANN else number)
    assert [one.key for one in found.ranking] == ["r:2.0", "r:0.0"]
    assert taken(offer(found, ME, SFT, needs_gap=True)) == ("r:2.0", "r:0.0", 0.5, (2,))


def test_a_target_that_did_not_fight_and_a_response_alone() -> None:
    assert offer(group(THREE[2]), ME, SFT, needs_gap=True) is Reason.NO_TARGET
    assert offer(group(), ME, SFT, needs_gap=True) is Reason.TOO_FEW


def test_a_comparison_takes_the_best_one_whoever_won() -> None:
    won = fight(1, side(ME), side(ANN), [(9, 3)])
    assert taken(offer(group(won), ME, SFT, needs_gap=False)) == ("r:0.0", None, None, (1,))
    assert taken(offer(group(*THREE), ME, SFT, needs_gap=False)) == ("r:1.0", "r:0.0", 3.5, (1,))


def test_two_turns_that_were_judged_apart_are_one_meeting() -> None:
    battles = (fight(1, side(ME), side(ANN), [(5, 6)]), fight(2, side(ME), side(ANN), [(2, 7)]))
    assert taken(offer(group(*battles), ME, SFT, needs_gap=True)) == ("r:1.0", "r:0.0", 3.0, (1, 2))
