"""The decision of an imported battle, by the rules of its arena."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

from engine.battles.outcome import before_judging, decide
from engine.formats.rows import BattleRow
from engine.records import (
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
    """By the arena's rules; the margin as the source tells it, where it tells more than who won."""
    unjudged = before_judging(arena.on_cut, status_a, status_b)
    if unjudged is not None:
        return unjudged
    decision = _judged(arena.outcome_rule, row.games)
    if row.margin is not None and decision.outcome is not None:
        return replace(decision, margin=row.margin)
    return decision


def _judged(rule: OutcomeRule, games: tuple[Game, ...]) -> Decision:
    if len(games) == 1 and games[0].verdict.status is VerdictStatus.OK:
        return _by_value(rule, games[0].swapped, games[0].verdict.kind, games[0].verdict.value)
    return decide(rule, games, max(1, len(games)))


@lru_cache(maxsize=1 << 14)
def _by_value(rule: OutcomeRule, swapped: bool, kind: VerdictKind, value: NativeValue) -> Decision:
    return decide(rule, [Game(swapped, Verdict(kind, VerdictStatus.OK, value))], 1)
