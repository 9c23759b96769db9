"""Pair counts: what tables are made of, kept in the transaction that lands a battle.

They can always be had again from the battles: `recount` does so, `differences` compares, `rebuild` mends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from engine.store.rows import decode, encode, maybe
from engine.store.sqlite import Connection
from engine.store.store import Transaction

ALL = ""
"""The category of all battles together."""

UNUSUAL = ("empty", "cut", "refused")
"""Statuses that `on_cut` speaks of."""

PairKey = tuple[int, Any, int, int]
SideKey = tuple[int, Any, int, str]
_PAIR_COLUMNS = "wins, losses, ties, win_share, decided, waiting, void, cut_a, cut_b, cut_both"


@dataclass(frozen=True, slots=True)
class Tally:
    """What one battle adds to the counts."""

    judge_id: int
    category: str | None
    player_a: int
    player_b: int
    state: str
    wins_a: int
    wins_b: int
    ties: int
    win_share: float
    status_a: str
    status_b: str

    COLUMNS: ClassVar[str] = (
        "judge_id, category, player_a, player_b, state, wins_a, wins_b, ties, COALESCE(win_share, 0), status_a,"
        " status_b"
    )

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Tally:
        """From a row of COLUMNS."""
        judge, category, *rest = row
        return cls(judge, decode(category), *rest)

    def pair(self) -> tuple[int, int, tuple[float, ...]]:
        """(a, b, numbers in the order of _PAIR_COLUMNS), with a <= b. The share of a void or waiting battle is 0."""
        games = self.wins_a + self.wins_b + self.ties
        share = self.win_share * games
        cut_a, cut_b = self.status_a in UNUSUAL, self.status_b in UNUSUAL
        states = tuple(int(self.state == state) for state in ("decided", "waiting", "void"))
        cuts = (int(cut_a and not cut_b), int(cut_b and not cut_a), int(cut_a and cut_b))
        if self.player_a <= self.player_b:
            return self.player_a, self.player_b, (self.wins_a, self.wins_b, self.ties, share, *states, *cuts)
        mirrored = (self.wins_b, self.wins_a, self.ties, games - share, *states, cuts[1], cuts[0], cuts[2])
        return self.player_b, self.player_a, mirrored


class CountDeltas:
    """What a transaction changes in the counts of one arena, gathered and applied at once."""

    def __init__(self, arena_id: int) -> None:
        self.arena_id = arena_id
        self.pairs: dict[PairKey, list[float]] = {}
        self.sides: Counter[SideKey] = Counter()

    def add(self, tally: Tally, sign: int = 1) -> None:
        """Count a battle, or with sign -1 take it back."""
        a, b, numbers = tally.pair()
        categories = [ALL] if tally.category is None else [ALL, encode(tally.category)]
        for category in categories:
            total = self.pairs.setdefault((tally.judge_id, category, a, b), [0.0] * len(numbers))
            for position, number in enumerate(numbers):
                total[position] += sign * number
            self.sides[(tally.judge_id, category, tally.player_a, tally.status_a)] += sign
            self.sides[(tally.judge_id, category, tally.player_b, tally.status_b)] += sign

    def apply(self, connection: Connection) -> None:
        """Add it all to the tables. Rows may come to nothing: see `purge`."""
        updates = ", ".join(f"{name} = {name} + excluded.{name}" for name in _PAIR_COLUMNS.split(", "))
        connection.executemany(
            f"INSERT INTO pair_counts(arena_id, judge_id, category, a, b, {_PAIR_COLUMNS})"
            f" VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
            f" ON CONFLICT(arena_id, judge_id, category, a, b) DO UPDATE SET {updates}",
            ((self.arena_id, *key, *numbers) for key, numbers in self.pairs.items()),
        )
        connection.executemany(
            "INSERT INTO side_counts(arena_id, judge_id, category, player_id, status, n) VALUES (?, ?, ?, ?, ?, ?)"
            " ON CONFLICT(arena_id, judge_id, category, player_id, status) DO UPDATE SET n = n + excluded.n",
            ((self.arena_id, *key, n) for key, n in self.sides.items() if n),
        )


def purge(connection: Connection, arena_id: int) -> None:
    """Drop the rows of an arena that came to nothing, after battles were taken back."""
    connection.execute(
        "DELETE FROM pair_counts WHERE arena_id = ? AND decided + waiting + void = 0", (arena_id,)
    )
    connection.execute("DELETE FROM side_counts WHERE arena_id = ? AND n = 0", (arena_id,))


def recount(connection: Connection, arena_id: int) -> CountDeltas:
    """The counts of an arena, made anew from its battles."""
    counted = CountDeltas(arena_id)
    for row in connection.execute(f"SELECT {Tally.COLUMNS} FROM battles WHERE arena_id = ?", (arena_id,)):
        counted.add(Tally.of_row(row))
    return counted


def differences(connection: Connection, arena_id: int) -> list[str]:
    """Where the kept counts differ from a recount, one line a row; empty when they agree."""
    counted = recount(connection, arena_id)
    kept_pairs = {
        tuple(row[:4]): row[4:]
        for row in connection.execute(
            f"SELECT judge_id, category, a, b, {_PAIR_COLUMNS} FROM pair_counts WHERE arena_id = ?",
            (arena_id,),
        )
    }
    kept_sides = {
        tuple(row[:4]): row[4]
        for row in connection.execute(
            "SELECT judge_id, category, player_id, status, n FROM side_counts WHERE arena_id = ?", (arena_id,)
        )
    }
    pairs = _unequal(kept_pairs, counted.pairs)
    sides = _unequal({k: (n,) for k, n in kept_sides.items()}, {k: [n] for k, n in counted.sides.items()})
    return [f"pair {line}" for line in pairs] + [f"side {line}" for line in sides]


def _unequal(kept: dict[Any, Sequence[float]], counted: dict[Any, list[float]]) -> Iterable[str]:
    """Keys whose numbers differ; a missing row is one of zeros."""
    for key in sorted(set(kept) | set(counted), key=repr):
        left, right = list(kept.get(key, ())), counted.get(key, [])
        width = max(len(left), len(right))
        both = zip(left or [0.0] * width, right or [0.0] * width, strict=True)
        if any(abs(x - y) > 1e-6 for x, y in both):
            yield f"{key}: kept {left}, counted {right}"


def rebuild(tx: Transaction, arena_id: int) -> None:
    """Replace the kept counts of an arena by a recount."""
    counted = recount(tx.connection, arena_id)
    tx.connection.execute("DELETE FROM pair_counts WHERE arena_id = ?", (arena_id,))
    tx.connection.execute("DELETE FROM side_counts WHERE arena_id = ?", (arena_id,))
    counted.apply(tx.connection)


@dataclass(frozen=True, slots=True)
class PairCount:
    """The counts of a pair of players: battles by state, and results from the side of a.

    `cut_a`, `cut_b`, `cut_both` are battles in which a, b or both gave a cut, empty or refused response, whatever
    became of them.
    """

    a: int
    b: int
    wins: int
    losses: int
    ties: int
    win_share: float
    decided: int
    waiting: int
    void: int
    cut_a: int
    cut_b: int
    cut_both: int


def read_pairs(
    connection: Connection, arena_id: int, judge_id: int, category: str | None = None
) -> list[PairCount]:
    """Pair counts as they are kept; `category` None is all of them together."""
    rows = connection.execute(
        f"SELECT a, b, {_PAIR_COLUMNS} FROM pair_counts WHERE arena_id = ? AND judge_id = ? AND category = ?",
        (arena_id, judge_id, _category(category)),
    )
    return [PairCount(*row) for row in rows]


def read_sides(
    connection: Connection, arena_id: int, judge_id: int, category: str | None = None
) -> dict[int, dict[str, int]]:
    """By player, how many of its battle sides had a response of each status."""
    sides: dict[int, dict[str, int]] = {}
    for player, status, n in connection.execute(
        "SELECT player_id, status, n FROM side_counts WHERE arena_id = ? AND judge_id = ? AND category = ?",
        (arena_id, judge_id, _category(category)),
    ):
        sides.setdefault(player, {})[status] = n
    return sides


def _category(category: str | None) -> Any:
    return ALL if category is None else maybe(category)


def categories(connection: Connection, arena_id: int, judge_id: int) -> list[str]:
    """The categories that the battles of an arena have, in the order of the alphabet."""
    rows = connection.execute(
        "SELECT DISTINCT category FROM pair_counts WHERE arena_id = ? AND judge_id = ?", (arena_id, judge_id)
    )
    return sorted(name for name in (decode(row[0]) for row in rows) if name != ALL)
