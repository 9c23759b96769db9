"""The decision of an imported battle, by the rules of its arena."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

from engine.battles.outcome import before_judging, decide
from engine.formats.keyed.rows import KeyedBattle
from engine.formats.rows import BattleRow
from engine.records import (
    BattleState,
    Decision,
    Game,
    NativeValue,
    OutcomeRule,
    ResponseStatus,
    Verdict,
    VerdictKind,
    VerdictStatus,
)
from engine.store.battles import Arena


def decide_row(arena: Arena, row: BattleRow, status_a: ResponseStatus, status_b: ResponseStatus) -> Decision:
    """By the arena's rules."""
    unjudged = before_judging(arena.on_cut, status_a, status_b)
    if unjudged is not None:
        return unjudged
    return judged_row(arena.outcome_rule, row)


def judged_row(rule: OutcomeRule, row: BattleRow) -> Decision:
    """What its games make of a battle; the margin as the source tells it, where it tells more than who won."""
    decision = _judged(rule, row.games)
    if row.margin is not None and decision.outcome is not None:
        return replace(decision, margin=row.margin)
    return decision


def decide_keyed(arena: Arena, row: KeyedBattle, games: Sequence[Game]) -> Decision | None:
    """By the arena's rules, where that is what the row says of its ending; None where it says otherwise.

    How many games its judge plays is not known: a battle that waits may lack one. A margin is measured by the games;
    beside bare winners it is as told.
    """
    decision = before_judging(arena.on_cut, row.status_a, row.status_b)
    if decision is None:
        decision = decide(arena.outcome_rule, games, max(1, len(games)))
        if decision.state is BattleState.DECIDED and row.state is BattleState.WAITING:
            decision = decide(arena.outcome_rule, games, len(games) + 1)
    bare = all(game.verdict.kind is VerdictKind.WINNER for game in games)
    if bare and decision.margin is not None and row.margin is not None:
        decision = replace(decision, margin=row.margin)
    if row.rules is None:  # it was decided by other rules, so that its ending says nothing here
        return decision
    if (decision.state, decision.outcome) != (row.state, row.outcome):
        return None
    if decision.outcome is None:
        return replace(decision, reason=row.reason)
    return decision if _equal(decision.margin, row.margin) else None


def _equal(derived: float | None, told: float | None) -> bool:
    if derived is None or told is None:
        return derived is told
    return math.isclose(derived, told, rel_tol=1e-9, abs_tol=1e-9)


def _judged(rule: OutcomeRule, games: tuple[Game, ...]) -> Decision:
    if len(games) == 1 and games[0].verdict.status is VerdictStatus.OK:
        return _by_value(rule, games[0].swapped, games[0].verdict.kind, games[0].verdict.value)
    return decide(rule, games, max(1, len(games)))


@lru_cache(maxsize=1 << 14)
def _by_value(rule: OutcomeRule, swapped: bool, kind: VerdictKind, value: NativeValue) -> Decision:
    return decide(rule, [Game(swapped, Verdict(kind, VerdictStatus.OK, value))], 1)
