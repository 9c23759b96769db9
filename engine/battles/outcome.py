"""The outcome rule: from the games of a battle to its decision (arena-learning.md, section 7).

A verdict that is missing or not ok decides nothing: the battle waits. A cut, empty or refused response means what
the arena's `on_cut` says; a failed one makes the battle wait, since nothing was answered.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from engine.judges.derive import margin as margin_of
from engine.judges.derive import win_share as share_of
from engine.records import (
    BattleState,
    Decision,
    Game,
    OnCut,
    Outcome,
    OutcomeRule,
    ResponseStatus,
    VerdictStatus,
)
from engine.store.units import SET_ASIDE

FAILED_RESPONSE = "failed response"
"""Why a battle waits whose responses are not both there."""

SET_ASIDE_RESPONSE, SET_ASIDE_VERDICT = "set-aside response", "set-aside verdict"
"""Why a battle waits of which the job asks for a response, or a verdict, no more (engine.store.units)."""

UNUSUAL = frozenset({ResponseStatus.CUT, ResponseStatus.EMPTY, ResponseStatus.REFUSED})


@dataclass(frozen=True, slots=True)
class Result:
    """One game from the side of a: margin (a minus b) and win share of a."""

    margin: float
    win_share: float


def before_judging(on_cut: OnCut, status_a: ResponseStatus, status_b: ResponseStatus) -> Decision | None:
    """What the responses alone decide; None when the battle is to be judged.

    A loss by `on_cut` has no margin: no judge measured one.
    """
    if ResponseStatus.FAILED in (status_a, status_b):
        return Decision(BattleState.WAITING, FAILED_RESPONSE)
    unusual_a, unusual_b = status_a in UNUSUAL, status_b in UNUSUAL
    if on_cut is OnCut.JUDGE or not (unusual_a or unusual_b):
        return None
    if on_cut is OnCut.VOID or (unusual_a and unusual_b):
        worse = status_a if unusual_a else status_b
        return Decision(BattleState.VOID, f"{worse.value} response")
    if unusual_a:
        return Decision(BattleState.DECIDED, None, Outcome.B, None, 0.0, 0, 1, 0)
    return Decision(BattleState.DECIDED, None, Outcome.A, None, 1.0, 1, 0, 0)


def decide(rule: OutcomeRule, games: Sequence[Game], expected_games: int) -> Decision:
    """The decision from the games that were judged.

    Args:
        expected_games: how many the judge plays a battle (2: both orders); fewer, or one that is not ok, and it waits.
    """
    for game in games:
        if game.verdict.reason == SET_ASIDE:
            return Decision(BattleState.WAITING, SET_ASIDE_VERDICT)
        if game.verdict.status is not VerdictStatus.OK:
            return Decision(BattleState.WAITING, f"{game.verdict.status.value} verdict")
    if len(games) < expected_games:
        return Decision(BattleState.WAITING, "missing game")
    return combine(rule, [result_of(game) for game in games])


def result_of(game: Game) -> Result:
    """A game with an ok verdict, mapped back from what was shown to a and b.

    Raises:
        ValueError: the verdict is not ok, or of a kind that compares nothing.
    """
    verdict = game.verdict
    if verdict.status is not VerdictStatus.OK or verdict.value is None:
        raise ValueError("only an ok verdict has a result")
    margin, share = margin_of(verdict.kind, verdict.value), share_of(verdict.kind, verdict.value)
    return Result(-margin, 1.0 - share) if game.swapped else Result(margin, share)


def combine(rule: OutcomeRule, results: Sequence[Result]) -> Decision:
    """The decision of a battle from all its games, of which there is at least one."""
    margin = sum(result.margin for result in results) / len(results)
    share = sum(result.win_share for result in results) / len(results)
    if rule is OutcomeRule.PER_GAME:
        signs = [_sign(result.margin) for result in results]
        counts = signs.count(1), signs.count(-1), signs.count(0)
        return Decision(BattleState.DECIDED, None, _outcome(_sign(margin)), margin, share, *counts)
    if rule is OutcomeRule.STRICT:
        signs = [_sign(result.margin) for result in results]
        sign = signs[0] if len(set(signs)) == 1 else 0
    else:
        sign = _sign(margin)
    return Decision(
        BattleState.DECIDED, None, _outcome(sign), margin, share, int(sign > 0), int(sign < 0), int(sign == 0)
    )


def _sign(margin: float) -> int:
    return (margin > 0) - (margin < 0)


def _outcome(sign: int) -> Outcome:
    return Outcome.TIE if sign == 0 else Outcome.A if sign > 0 else Outcome.B
