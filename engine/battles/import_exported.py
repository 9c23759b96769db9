"""Rows of our own exports in one import, each kind after what it refers to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from engine.battles.import_keyed import KeyedAnswers, refused_row
from engine.battles.import_keyed_battles import KeyedBattles
from engine.battles.import_known import Known
from engine.battles.import_registering import Registering
from engine.battles.import_shared import Shared
from engine.formats.keyed.rows import (
    KeyedArena,
    KeyedBattle,
    KeyedJudge,
    KeyedPlayer,
    KeyedResponse,
    KeyedRow,
    KeyedVerdict,
)
from engine.formats.rows import Row, SetAside
from engine.store.store import Transaction

Kind = TypeVar("Kind", bound=KeyedRow)


class Exported:
    """Lands the rows of an export, chunk by chunk."""

    def __init__(self, shared: Shared) -> None:
        self.by_names = 0
        """Battles that were read as plain logs, for want of what their keys stand for."""
        self._known = Known(shared.parties)
        self._registering = Registering(shared)
        self._answers = KeyedAnswers(shared, self._known)
        self._battles = KeyedBattles(shared, self._known, self._answers)

    @property
    def affected(self) -> dict[tuple[int, int], None]:
        """(arena, judge) whose counts changed."""
        return self._battles.affected

    def or_as_logs(self, tx: Transaction, rows: Sequence[Row]) -> Sequence[Row]:
        """The same rows, with battles as plain logs where the store lacks what their keys stand for."""
        logged = [row for row in rows if isinstance(row, KeyedBattle) and row.log is not None]
        if not logged:
            return rows
        there = self._battles.are_there(tx, logged)
        as_logs = {id(row): row.log for row, is_there in zip(logged, there, strict=True) if not is_there}
        self.by_names += len(as_logs)
        return [as_logs.get(id(row), row) for row in rows]

    def land(self, tx: Transaction, rows: Sequence[KeyedRow]) -> list[SetAside]:
        """Land the rows of a chunk; return what could not be used."""
        if not rows:
            return []
        aside = self._registering.land(
            tx, [row for row in rows if isinstance(row, KeyedPlayer | KeyedJudge | KeyedArena)]
        )
        aside += self._answers.land_responses(tx, _of(rows, KeyedResponse))
        verdicts = _of(rows, KeyedVerdict)
        wrong = self._answers.land_verdicts(tx, verdicts)
        aside += [refused_row(row, wrong[id(row)]) for row in verdicts if id(row) in wrong]
        return aside + self._battles.land(tx, _of(rows, KeyedBattle))

    def forget(self) -> None:
        """Look everything up anew from now on."""
        self._known.forget()


def _of(rows: Sequence[KeyedRow], kind: type[Kind]) -> list[Kind]:
    return [row for row in rows if isinstance(row, kind)]
