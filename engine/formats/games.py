"""A recorded winner as the one game that was seen of a battle."""

from __future__ import annotations

from engine.formats.fields import Winner
from engine.records import Game, Verdict, VerdictKind, VerdictStatus

HUMAN = "human"
"""The judge where people voted and nobody is named."""

_SHOWN = {"model_a": "first", "model_b": "second", "tie": "tie"}


def game(winner: Winner, explanation: str | None = None) -> tuple[Game, ...]:
    """One game with a shown first."""
    verdict = Verdict(VerdictKind.WINNER, VerdictStatus.OK, _SHOWN[winner], explanation=explanation)
    return (Game(False, verdict),)
