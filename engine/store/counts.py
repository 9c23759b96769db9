"""Pair counts: what tables are made of, kept in the transaction that lands a battle.

They can always be had again from the battles: `recount` does so, `differences` compares, `rebuild` mends.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

from engine.store.rows import decode, encode, maybe
from engine.store.sqlite import Connection
from engine.store.store import Transaction

ALL = ""
"""The category of all battles together."""

SHARE_UNIT = 1 << 32
"""Win shares are summed as whole numbers of this part of a win, so that a sum is exact in whatever order it is made:
what is taken back leaves no trace, and a recount is equal to the last bit. Each share is rounded by at most 1.2e-10.
"""

UNUSUAL = ("empty", "cut", "refused")
"""Statuses that `on_cut` speaks of."""

FAILED = "failed"
"""The status of a response that was never had: its battle waits, whatever the other one is."""

PairKey = tuple[int, Any, int, int]
SideKey = tuple[int, Any, int, str]
_PAIR_COLUMNS = "wins, losses, ties, win_share, decided, waiting, void, cut_a, cut_b, cut_both"


class Tally(NamedTuple):
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

    @classmethod
    def of_row(cls, row: Sequence[Any]) -> Tally:
        """From a row of TALLY_COLUMNS."""
        judge, category, *rest = row
        return cls(judge, decode(category), *rest)

    def pair(self) -> tuple[int, int, tuple[int, ...]]:
        """(a, b, numbers in the order of _PAIR_COLUMNS), with a <= b. The share of a void or waiting battle is 0."""
        wins, losses = self.wins_a, self.wins_b
        games = wins + losses + self.ties
        share = round(self.win_share * SHARE_UNIT) * games
        answered = FAILED not in (self.status_a, self.status_b)
        cut_a, cut_b = (answered and status in UNUSUAL for status in (self.status_a, self.status_b))
        a, b = self.player_a, self.player_b
        if a > b:
            a, b, wins, losses, cut_a, cut_b = b, a, losses, wins, cut_b, cut_a
            share = games * SHARE_UNIT - share
        both = cut_a and cut_b
        cuts = (int(cut_a and not both), int(cut_b and not both), int(both))
        return a, b, (wins, losses, self.ties, share, *_STATES[self.state], *cuts)


TALLY_COLUMNS = (
    "judge_id, category, player_a, player_b, state, wins_a, wins_b, ties, COALESCE(win_share, 0),"
    " status_a, status_b"
)
_STATES = {"decided": (1, 0, 0), "waiting": (0, 1, 0), "void": (0, 0, 1)}


class CountDeltas:
    """What a transaction changes in the counts of one arena, gathered and applied at once."""

    def __init__(self, arena_id: int) -> None:
        self.arena_id = arena_id
        self.pairs: dict[PairKey, list[int]] = {}
        self.sides: Counter[SideKey] = Counter()

    def add(self, tally: Tally, sign: int = 1) -> None:
        """Count a battle, or with sign -1 take it back."""
        a, b, numbers = tally.pair()
        categories = (ALL, encode(tally.category)) if tally.category else (ALL,)
        for category in categories:
            key = (tally.judge_id, category, a, b)
            total = self.pairs.get(key)
            if total is None:
                self.pairs[key] = [sign * number for number in numbers]
            else:
                self.pairs[key] = [sum_ + sign * number for sum_, number in zip(total, numbers, strict=True)]
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
    for row in connection.execute(f"SELECT {TALLY_COLUMNS} FROM battles WHERE arena_id = ?", (arena_id,)):
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


def _unequal(kept: dict[Any, Sequence[int]], counted: dict[Any, list[int]]) -> Iterable[str]:
    """Keys whose numbers differ; a missing row is one of zeros."""
    for key in sorted(set(kept) | set(counted), key=repr):
        left, right = list(kept.get(key, ())), counted.get(key, [])
        width = max(len(left), len(right))
        if (left or [0] * width) != (right or [0] * width):
            yield f"{key}: kept {left}, counted {right}"


def rebuild(tx: Transaction, arena_id: int) -> None:
    """Replace the kept counts of an arena by a recount."""
    counted = recount(tx.connection, arena_id)
    tx.connection.execute("DELETE FROM pair_counts WHERE arena_id = ?", (arena_id,))
    tx.connection.execute("DELETE FROM side_counts WHERE arena_id = ?", (arena_id,))
    counted.apply(tx.connection)


class PairCount(NamedTuple):
    """The counts of a pair of players: battles by state, and results from the side of a.

    `cut_a`, `cut_b`, `cut_both` are battles in which a, b or both gave a cut, empty or refused response, whatever
    became of them; those left out that wait for a failed response, as they would under any rule.
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
    return [
        PairCount(a, b, wins, losses, ties, share / SHARE_UNIT, *states_and_cuts)
        for a, b, wins, losses, ties, share, *states_and_cuts in rows
    ]


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
