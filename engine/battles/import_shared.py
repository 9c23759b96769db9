"""What the landing of scores and of battles share in one import: names, responses, rows met, and counts."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field

from engine.battles.import_keys import Met
from engine.battles.import_names import Parties
from engine.battles.import_responses import Responses
from engine.formats.file_marks import FileMarks
from engine.formats.rows import BattleRow, ResponseRow, SetAside, SingleRow
from engine.records import Verdict
from engine.store.imports import check_goes_on, hold
from engine.store.prompts import LandedPrompt
from engine.store.responses import Found
from engine.store.store import Transaction
from engine.store.verdicts import NewVerdict, SaidBefore, land_verdicts, value_json

DUPLICATE = "id stands twice for the same models and prompt"
SAID_OTHERWISE = "id stands for another verdict in this store"
OURS = re.compile(r"[bv]1:[0-9a-f]{32}")
"""A content key of ours, as an export of our own battles has it for an id."""

AboutPrompt = ResponseRow | BattleRow | SingleRow
Placed = tuple[AboutPrompt, LandedPrompt]
"""A row, and where the prompt that it is about stands."""

Told = dict[tuple[int, str], Found]
"""Where the responses that rows hold stand, by (identity of the row, side)."""


@dataclass(slots=True)
class Shared:
    """Of one import.

    Attributes:
        taken, known: rows by table: new ones, and ones that the store had already.
        generation: of the store, when numbers of its rows were last looked up.
    """

    parties: Parties
    taken: Counter[str]
    known: Counter[str]
    responses: Responses
    met: Met = field(default_factory=Met)
    marks: FileMarks = field(default_factory=FileMarks)
    generation: int | None = None

    @classmethod
    def of(cls, parties: Parties) -> Shared:
        """At the start of an import."""
        taken, known = Counter[str](), Counter[str]()
        return cls(parties, taken, known, Responses(taken, known))

    def look_again(self, tx: Transaction) -> bool:
        """Forget the numbers that are remembered, and say so, when somebody deleted rows meanwhile.

        Raises:
            StoreError: this import was undone while it ran.
        """
        generation = check_goes_on(tx)
        stale = self.generation not in (None, generation)
        if stale:
            self.parties.forget()
            self.responses.forget()
        self.generation = generation
        return stale

    def land_verdicts(self, tx: Transaction, items: dict[str, NewVerdict]) -> dict[str, tuple[int, bool]]:
        """Land and count verdicts by key, none of which contradicts what stands.

        Returns:
            (number, whether it is new) by key.
        """
        landed = land_verdicts(tx, list(items.values()), again=False)
        known = [number for number, new in landed.values() if not new]
        hold(tx, "verdicts", known)
        self.taken["verdicts"] += len(landed) - len(known)
        self.known["verdicts"] += len(known)
        return landed


def says(verdict: Verdict) -> tuple[str, str, str | None]:
    """What two verdicts of one key must agree on."""
    return verdict.kind.value, verdict.status.value, value_json(verdict.value)


def contradicts(new: NewVerdict, stands: SaidBefore | None) -> bool:
    """Whether a verdict says otherwise than what stands under its key."""
    return stands is not None and says(new.verdict) != (stands.kind, stands.status, stands.value)


def refused_lines(row: AboutPrompt, reason: str) -> list[SetAside]:
    """A row that the store cannot take, once for each line that it has in its file."""
    models = f"{row.model_a} against {row.model_b}" if isinstance(row, BattleRow) else row.model
    lines = (isinstance(row, BattleRow) and row.lines) or (row.line,)
    return [SetAside(reason, row.file, line, f"{models}, on {row.prompt.name}"[:500]) for line in lines]
