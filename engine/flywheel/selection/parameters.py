"""What is asked of a selection."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from engine.errors import UsageError
from engine.flywheel.selection.reasons import Reason
from engine.judges.flags.kinds import Flag

K_VALUES = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
"""Thresholds that are shown before anything is trained (arena-learning.md, section 5: K ranges 0 to 5)."""

ALLOWABLE = (Reason.CUT.value, Reason.REFUSED.value, Reason.DUPLICATE.value, *(flag.value for flag in Flag))
"""Exclusions that a person may lift."""


class Stage(StrEnum):
    """What rows are for: texts to imitate, or pairs to prefer one of."""

    SFT = "sft"
    DPO = "dpo"
    REWARD = "reward"


class Pairs(StrEnum):
    """Which two responses make a pair.

    group        the best and the worst of the group
    target-lost  the best and the target's, where the target lost to it
    own-worst    the best and the worst of the target's own samples
    """

    GROUP = "group"
    TARGET_LOST = "target-lost"
    OWN_WORST = "own-worst"


@dataclass(frozen=True, slots=True)
class Parameters:
    """A selection's parameters.

    Attributes:
        target: name of the model that is trained.
        opponents: who else is of the battle group; empty is everybody who fought.
        pairs: of a stage that takes pairs.
        min_gap: K, in the units of the judge's verdicts; the gap must be at least K, and more than 0.
        round: of the flywheel; None outside of it.
        sets: prompt sets whose prompts are looked at (a slice); empty is all that were fought on.
        held_out: prompt sets that never train.
        near: share of word runs (Jaccard) from which on a prompt is near another; 1 leaves only equal ones out.
        max_per_category, max_per_opponent: rows at most of each; None is no cap.
        max_length_ratio: characters of chosen to those of rejected, at most.
        rows: rows at most in all.
        allow: exclusions that are lifted, of ALLOWABLE.
        strategy, options: who orders the candidates, and what it is told.
        seed: of what is drawn.

    Raises:
        UsageError: a value that means nothing.
    """

    target: str
    stage: Stage = Stage.SFT
    opponents: tuple[str, ...] = ()
    pairs: Pairs = Pairs.GROUP
    min_gap: float = 0.0
    round: int | None = None
    sets: tuple[str, ...] = ()
    held_out: tuple[str, ...] = ()
    near: float = 0.8
    max_per_category: int | None = None
    max_per_opponent: int | None = None
    max_length_ratio: float | None = None
    rows: int | None = None
    allow: tuple[str, ...] = ()
    strategy: str = "battles"
    options: Mapping[str, Any] = field(default_factory=dict)
    seed: int = 0

    def __post_init__(self) -> None:
        if not (math.isfinite(self.min_gap) and self.min_gap >= 0):
            raise UsageError(f"a gap of {self.min_gap} is none", mend="Give 0 or more; the paper has 0 to 5.")
        if not 0 < self.near <= 1:
            raise UsageError(
                "how near is a share above 0, up to 1", mend="0.8 is usual; 1 is equal ones alone."
            )
        for name in ("max_per_category", "max_per_opponent", "rows"):
            if (most := getattr(self, name)) is not None and most < 1:
                raise UsageError(f"{name} cannot be {most}", mend="Give 1 or more, or leave it away.")
        if self.max_length_ratio is not None and not self.max_length_ratio > 0:
            raise UsageError("max_length_ratio has to be above 0")
        if self.max_length_ratio is not None and not self.takes_pairs:
            raise UsageError("an sft row has no rejected response whose length could be compared")
        if unknown := [one for one in self.allow if one not in ALLOWABLE]:
            raise UsageError(f"'{unknown[0]}' cannot be allowed", f"Can be: {', '.join(ALLOWABLE)}.")

    @property
    def takes_pairs(self) -> bool:
        """Whether rows are pairs."""
        return self.stage is not Stage.SFT

    def as_json(self) -> dict[str, Any]:
        """All of them as JSON; what has no meaning for the stage is null."""
        said = {one.name: getattr(self, one.name) for one in dataclasses.fields(self)}
        said = {name: list(value) if isinstance(value, tuple) else value for name, value in said.items()}
        return said | {
            "stage": self.stage.value,
            "pairs": self.pairs.value if self.takes_pairs else None,
            "options": dict(self.options),
        }
