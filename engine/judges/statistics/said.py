"""The verdicts of one judge and kind, as the other statistics take them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from engine.judges.derive import margin
from engine.records import VerdictKind
from engine.store.judged import SaidRow

Side = tuple[int, int]
"""A player and its response; 0 where the response is unknown."""


class Game(NamedTuple):
    """A verdict that counts and is ok.

    Attributes:
        margin: of what was shown first, in the units of the kind; None for a single score.
        second: None for a single score.
    """

    id: int
    value: str
    margin: float | None
    prompt_id: int
    turn: int | None
    first: Side
    second: Side | None


@dataclass(frozen=True, slots=True)
class Said:
    """What a judge said in verdicts of one kind.

    Attributes:
        games: the verdicts that count, ok ones only, by number.
        tries: of all verdicts, how many have each status and reason; an ok one has no reason.
        questions: different ones that were asked.
    """

    kind: VerdictKind
    games: Mapping[int, Game]
    tries: Mapping[tuple[str, str], int]
    questions: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two responses that were compared, however often and in whatever order.

    Attributes:
        margin: mean over the games, a minus b, in the units of the kind.
    """

    prompt_id: int
    turn: int | None
    a: Side
    b: Side
    margin: float

    @property
    def winner(self) -> Side | None:
        """The side that is better by the mean margin; None where it is zero."""
        return None if self.margin == 0 else self.a if self.margin > 0 else self.b

    @property
    def loser(self) -> Side | None:
        """The other one."""
        return None if self.margin == 0 else self.b if self.margin > 0 else self.a


def by_kind(rows: Iterable[SaidRow]) -> list[Said]:
    """Verdicts of one judge, in order of keys and tries, apart by kind. The first ok one of a key counts."""
    kinds: dict[str, list[SaidRow]] = {}
    for row in rows:
        kinds.setdefault(row.kind, []).append(row)
    return [_said(VerdictKind(kind), some) for kind, some in kinds.items()]


def _said(kind: VerdictKind, rows: list[SaidRow]) -> Said:
    tries: dict[tuple[str, str], int] = {}
    games: dict[int, Game] = {}
    settled: set[str] = set()
    for row in rows:
        what = (row.status, row.reason or "")
        tries[what] = tries.get(what, 0) + 1
        if row.status == "ok" and row.value is not None and row.key not in settled:
            settled.add(row.key)
            games[row.id] = _game(row, row.value)
    return Said(kind, games, tries, len({row.key for row in rows}))


def _game(row: SaidRow, value: str) -> Game:
    second = None if row.player_second is None else (row.player_second, row.response_second or 0)
    first = row.player_first, row.response_first or 0
    return Game(row.id, value, _margin(row.kind, value), row.prompt_id, row.turn, first, second)


@lru_cache(maxsize=1 << 16)
def _margin(kind: str, value: str) -> float | None:
    if kind == VerdictKind.SINGLE:
        return None
    native = json.loads(value)
    return margin(VerdictKind(kind), tuple(native) if isinstance(native, list) else native)


def comparisons(said: Said) -> list[Comparison]:
    """Each pair of responses once, with its mean margin. A response against itself compares nothing."""
    margins: dict[tuple[int, int | None, Side, Side], list[float]] = {}
    for game in said.games.values():
        if game.second is None or game.margin is None or game.first == game.second:
            continue
        a, b, sign = game.first, game.second, 1.0
        if a > b:
            a, b, sign = b, a, -1.0
        margins.setdefault((game.prompt_id, game.turn, a, b), []).append(sign * game.margin)
    return [
        Comparison(prompt_id, turn, a, b, sum(some) / len(some))
        for (prompt_id, turn, a, b), some in margins.items()
    ]
