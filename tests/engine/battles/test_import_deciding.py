"""What an imported row decides, by the rules of the arena that it joins."""

from __future__ import annotations

from engine.battles.import_deciding import decide_row
from engine.formats.rows import BattleRow, PromptRef
from engine.records import (
    Game,
    OnCut,
    Outcome,
    OutcomeRule,
    ResponseStatus,
    Verdict,
    VerdictKind,
    VerdictStatus,
)
from engine.store.battles import Arena

WON = (Game(False, Verdict(VerdictKind.WINNER, VerdictStatus.OK, "first")),)
ROW = BattleRow(PromptRef("set", "q"), "ann", "bob", WON, "judge", margin=5.0)


def arena(on_cut: OnCut) -> Arena:
    return Arena(1, "arena", OutcomeRule.MEAN_MARGIN, on_cut)


def test_the_margin_that_a_source_tells_stands_beside_its_winner() -> None:
    found = decide_row(arena(OnCut.JUDGE), ROW, ResponseStatus.OK, ResponseStatus.OK)
    assert (found.outcome, found.margin) == (Outcome.A, 5.0)


def test_a_loss_by_a_cut_response_has_no_margin() -> None:
    found = decide_row(arena(OnCut.LOSS), ROW, ResponseStatus.CUT, ResponseStatus.OK)
    assert (found.outcome, found.margin) == (Outcome.B, None)
