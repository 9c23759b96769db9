"""How a chunk of neutral rows lands: prompts, then responses, then scores and battles, each table in one go; then, in
the same order, rows of our own exports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from engine.battles.import_exported import Exported
from engine.battles.import_fights import Fights
from engine.battles.import_names import CONTRADICTS, Parties, PromptPlaces
from engine.battles.import_responses import Told as ToldResponse
from engine.battles.import_responses import status_of
from engine.battles.import_scores import land_scores
from engine.battles.import_shared import AboutPrompt, Placed, Shared, Told, refused_lines
from engine.formats.keyed.rows import KeyedRow
from engine.formats.rows import BattleRow, Layout, PlainRow, ResponseRow, Row, SetAside, SingleRow
from engine.records import OnCut, OutcomeRule, ResponseStatus, Turn
from engine.store.store import Transaction


class Landing:
    """Lands the rows of one import, chunk by chunk. What was found once is remembered by name.

    Args:
        layout: names the arena of battles that say none.
        outcome_rule, on_cut: of arenas that are new.
    """

    def __init__(self, layout: Layout, outcome_rule: OutcomeRule, on_cut: OnCut) -> None:
        self.shared = Shared.of(Parties(outcome_rule, on_cut))
        self._prompts = PromptPlaces(self.shared.taken, self.shared.known)
        self._fights = Fights(self.shared, layout.arena or layout.set_name)
        self._exported = Exported(self.shared)

    @property
    def affected(self) -> tuple[tuple[int, int], ...]:
        """(arena, judge) whose counts changed."""
        return tuple(self._fights.affected | self._exported.affected)

    def land(self, tx: Transaction, rows: Sequence[Row]) -> list[SetAside]:
        """Land a chunk; return what could not be used.

        Raises:
            StoreError: this import was undone while it ran.
        """
        if self.shared.look_again(tx):
            self._prompts.forget()
            self._exported.forget()
        rows = self._exported.or_as_logs(tx, rows)
        plain = [row for row in rows if isinstance(row, PlainRow)]
        placed = [
            (row, place)
            for row, place in zip(plain, self._prompts.land(tx, plain), strict=True)
            if isinstance(row, ResponseRow | BattleRow | SingleRow)
        ]
        usable = [(row, place) for row, place in placed if place is not None]
        told = self._land_told(tx, usable)
        aside = [row for row in rows if isinstance(row, SetAside)]
        for row, place in placed:
            aside += refused_lines(row, CONTRADICTS) if place is None else []
        aside += land_scores(tx, self.shared, usable, told)
        aside += self._fights.land(tx, usable, told)
        return aside + self._exported.land(tx, [row for row in rows if isinstance(row, KeyedRow)])

    @property
    def by_names(self) -> int:
        """Battles of exports that were read by names, for want of what their keys stand for."""
        return self._exported.by_names

    def rest(self) -> list[SetAside]:
        """What could not be used and belongs to no other row."""
        return self._prompts.contradicting()

    def _land_told(self, tx: Transaction, usable: Sequence[Placed]) -> Told:
        """Land the responses that rows hold."""
        sides: list[tuple[int, str]] = []
        told: list[ToldResponse] = []
        for row, place in usable:
            for side, model, turns, status, error in _held(row):
                sides.append((id(row), side))
                told.append(ToldResponse(place, self.shared.parties.player(tx, model), turns, status, error))
        return dict(zip(sides, self.shared.responses.land(tx, told), strict=True))


def _held(row: AboutPrompt) -> Iterator[tuple[str, str, tuple[Turn, ...], ResponseStatus, str | None]]:
    """(side, model, turns, status, error) of the responses that a row holds."""
    if isinstance(row, ResponseRow):
        yield "a", row.model, row.turns, row.status, row.error
    elif isinstance(row, SingleRow):
        if row.response is not None:
            yield "a", row.model, row.response, status_of(row.response), None
    else:
        if row.response_a is not None:
            yield "a", row.model_a, row.response_a, status_of(row.response_a), None
        if row.response_b is not None:
            yield "b", row.model_b, row.response_b, status_of(row.response_b), None
