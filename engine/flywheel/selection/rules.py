"""The rules of docs/selection.md: what a prompt's group offers to a stage. Pure.

sft          the target's battle against the best one is lost: the best one's text is what is learnt
group        best against worst; the gap is the difference of their mean scores. The target's wins count too
target-lost  best against the target, as for sft
own-worst    best against the worst of the target's own samples; the gap is the difference of their means

A gap has to be above 0. Whether it is at least K is looked at later, so that every K can be told at once.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.flywheel.selection.groups import DECIMALS, Group, Ranked
from engine.flywheel.selection.parameters import Pairs, Parameters
from engine.flywheel.selection.reasons import Reason


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a prompt offers.

    Attributes:
        other: the rejected response; of sft the target's that lost, or none where a strategy asks for no loss.
        gap: by which `chosen` is better; None where it is not known.
        opponent: the model that the row is owed to: the chosen one's, or where that is the target, the other's.
        battles: numbers of the battles that it rests on.
    """

    prompt_id: int
    prompt_key: str
    category: str | None
    chosen: Ranked
    other: Ranked | None
    gap: float | None
    opponent: int | None
    battles: tuple[int, ...]

    @property
    def response_ids(self) -> tuple[int, ...]:
        """Numbers of its responses."""
        return (self.chosen.response_id, *(() if self.other is None else (self.other.response_id,)))


def offer(group: Group, target: int, parameters: Parameters, *, needs_gap: bool) -> Candidate | Reason:
    """What a group offers to a stage.

    Args:
        target: number of the player that is trained.
        needs_gap: whether an sft row needs a lost battle; pairs always need a gap.
    """
    if group.has_waiting:
        return Reason.WAITS
    if len(group.kinds) > 1:
        return Reason.MIXED
    if len(group.ranking) < 2:
        return Reason.TOO_FEW
    if not group.of(target):
        return Reason.NO_TARGET
    if not parameters.takes_pairs:
        return _lost(group, target) if needs_gap else _best(group, target)
    if parameters.pairs is Pairs.TARGET_LOST:
        return _lost(group, target)
    worst = group.ranking[-1] if parameters.pairs is Pairs.GROUP else group.of(target)[-1]
    return _apart(group, target, worst)


def _lost(group: Group, target: int) -> Candidate | Reason:
    """The best response and the target's that met it and lost."""
    best = group.ranking[0]
    if best.player_id == target:
        return Reason.NOT_LOST
    met = [(own, meeting) for own in group.of(target) if (meeting := group.meeting(own, best)) is not None]
    if not met:
        return Reason.NOT_MET
    own, meeting = min(met, key=lambda one: one[0].key)
    if meeting.margin is None:
        return Reason.NO_MARGIN
    if not meeting.is_loss:
        return Reason.NOT_LOST
    return _candidate(group, target, best, own, -meeting.margin, meeting.battles)


def _best(group: Group, target: int) -> Candidate:
    """The best response, whoever gave it, with the gap where the target lost to it."""
    found = _lost(group, target)
    best = group.ranking[0]
    return (
        found if isinstance(found, Candidate) else _candidate(group, target, best, None, None, best.battles)
    )


def _apart(group: Group, target: int, worst: Ranked) -> Candidate | Reason:
    """The best response and a worse one, by their means over all games."""
    best = group.ranking[0]
    gap = round(best.mean - worst.mean, DECIMALS)
    if not gap > 0:
        return Reason.NOT_LOST
    battles = tuple(sorted({*best.battles, *worst.battles}))
    return _candidate(group, target, best, worst, gap, battles)


def _candidate(
    group: Group, target: int, best: Ranked, other: Ranked | None, gap: float | None, battles: tuple[int, ...]
) -> Candidate:
    sides = [best, *([] if other is None else [other])]
    opponent = next((one.player_id for one in sides if one.player_id != target), None)
    return Candidate(group.prompt_id, group.prompt_key, group.category, best, other, gap, opponent, battles)
