"""What ratings are made of, read from the store: counts for tables, battles where counts cannot answer.

Players that are aliased count as the model that they stand for. Where a view is of several judges, the battles of all
of them count.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np

from engine.ratings.cells import IntArray
from engine.ratings.counts import PairCounts
from engine.ratings.prompt_battles import PromptBattles
from engine.ratings.views import View
from engine.store import counts as kept
from engine.store.rows import decode, maybe
from engine.store.sqlite import Connection


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of how many a table rests on.

    Attributes:
        decided, waiting, void: battles by state, self-battles among them.
        total: all of these.
        waiting_for: how often each reason kept a battle from being decided.
        decided_by: the decided battles of each judge, by name.
        prompts, shared_prompts: of several judges, prompts with decided battles, and those on which more than one of
            them decided; None of a single judge. A prompt without a known text is shared only within one prompt set.
        judged_by_some: of several judges, models of which not every judge decided a battle.
    """

    decided: int
    waiting: int
    void: int
    waiting_for: Mapping[str, int]
    decided_by: Mapping[str, int] = field(default_factory=dict)
    prompts: int | None = None
    shared_prompts: int | None = None
    judged_by_some: int | None = None

    @property
    def total(self) -> int:
        return self.decided + self.waiting + self.void

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts: how many of how many, and why the others are not decided."""
        return {
            "judged": self.decided,
            "waiting": self.waiting,
            "void": self.void,
            "total": self.total,
            "undecided": dict(self.waiting_for),
        }


@dataclass(frozen=True, slots=True)
class ArenaCounts:
    """The counts of a view.

    Attributes:
        pairs: decided battles, as the arena's rules made them.
        if_void, if_loss: the same with the battles of cut, empty and refused responses left out, and with them lost;
            None where there are none such.
        unusual: by model, battle sides with a response that was not whole, by status, and `sides` in all.
    """

    pairs: PairCounts
    coverage: Coverage
    if_void: PairCounts | None
    if_loss: PairCounts | None
    unusual: Mapping[str, Mapping[str, int]]


def rated_names(connection: Connection) -> dict[int, str]:
    """By number of the player, the name that it is rated under."""
    rows = connection.execute(
        "SELECT p.id, COALESCE(o.name, p.name) FROM players p LEFT JOIN players o ON o.id = p.alias_of"
    )
    return {number: decode(name) for number, name in rows}


_ByJudge = Mapping[int, Sequence[kept.PairCount]]
"""Pair counts by number of the judge; of several judges a pair may stand once under each."""


def read_counts(connection: Connection, view: View) -> ArenaCounts:
    """The counts of a view, at a cost that does not grow with the battles."""
    by_judge = {
        number: kept.read_pairs(connection, view.arena.id, number, view.category)
        for number in view.judges.values()
    }
    names = rated_names(connection)
    rows = [row for of_judge in by_judge.values() for row in of_judge]
    columns = _columns(rows, names)
    share = np.array([row.win_share for row in rows], dtype=np.float64)
    games = columns.wins + columns.losses + columns.ties
    pairs = PairCounts.of(*columns, np.clip(share, 0, games))
    if_void, if_loss = _treatments(connection, view, by_judge, columns)
    coverage = _coverage(connection, view, by_judge)
    if view.pooled:
        coverage = replace(coverage, judged_by_some=_judged_by_some(by_judge, names))
    return ArenaCounts(pairs, coverage, if_void, if_loss, _unusual(connection, view, names))


class _Columns(NamedTuple):
    """Counts as `PairCounts.of` takes them; a pair may stand in several rows."""

    models: tuple[str, ...]
    a: list[int]
    b: list[int]
    wins: IntArray
    losses: IntArray
    ties: IntArray


def _columns(rows: Sequence[kept.PairCount], names: Mapping[int, str]) -> _Columns:
    models = tuple(dict.fromkeys(names[player] for row in rows for player in (row.a, row.b)))
    place = {name: i for i, name in enumerate(models)}
    a, b = ([place[names[getattr(row, side)]] for row in rows] for side in ("a", "b"))
    results = (np.array([getattr(r, what) for r in rows], dtype=np.int64) for what in _RESULTS)
    return _Columns(models, a, b, *results)


_RESULTS = ("wins", "losses", "ties")


def _treatments(
    connection: Connection, view: View, by_judge: _ByJudge, columns: _Columns
) -> tuple[PairCounts | None, PairCounts | None]:
    """The counts with battles of responses that are not whole left out, and with them lost."""
    rows = [row for of_judge in by_judge.values() for row in of_judge]
    if not any(row.cut_a or row.cut_b or row.cut_both for row in rows):
        return None, None
    cut_a = np.array([row.cut_a for row in rows], dtype=np.int64)
    cut_b = np.array([row.cut_b for row in rows], dtype=np.int64)
    models, a, b, wins, losses, ties = columns
    kept_wins, kept_losses, kept_ties = wins, losses, ties
    if view.arena.on_cut.value == "loss":
        kept_wins, kept_losses = wins - cut_b, losses - cut_a
    elif view.arena.on_cut.value == "judge":
        gone = _results_of_unusual(connection, view)
        keys = ((judge, row.a, row.b) for judge, of_judge in by_judge.items() for row in of_judge)
        found = np.array([gone.get(key, (0, 0, 0)) for key in keys], dtype=np.int64)
        kept_wins, kept_losses, kept_ties = wins - found[:, 0], losses - found[:, 1], ties - found[:, 2]
    void = PairCounts.of(models, a, b, kept_wins, kept_losses, kept_ties)
    return void, PairCounts.of(models, a, b, kept_wins + cut_b, kept_losses + cut_a, kept_ties)


def _results_of_unusual(
    connection: Connection, view: View
) -> dict[tuple[int, int, int], tuple[int, int, int]]:
    """Results of the decided battles in which a response was not whole, by judge and pair (a <= b)."""
    clause, values = where(view)
    rows = connection.execute(
        f"SELECT judge_id, player_a, player_b, SUM(wins_a), SUM(wins_b), SUM(ties) FROM battles WHERE {clause}"
        " AND (status_a IN ('cut', 'empty', 'refused') OR status_b IN ('cut', 'empty', 'refused'))"
        " GROUP BY judge_id, player_a, player_b",
        values,
    )
    found: dict[tuple[int, int, int], tuple[int, int, int]] = {}
    for judge, a, b, wins, losses, ties in rows:
        key, result = (
            ((judge, a, b), (wins, losses, ties)) if a <= b else ((judge, b, a), (losses, wins, ties))
        )
        before = found.get(key, (0, 0, 0))
        found[key] = (before[0] + result[0], before[1] + result[1], before[2] + result[2])
    return found


def _coverage(connection: Connection, view: View, by_judge: _ByJudge) -> Coverage:
    decided_by = {name: sum(row.decided for row in by_judge[number]) for name, number in view.judges.items()}
    waiting, void = (
        sum(getattr(row, state) for rows in by_judge.values() for row in rows)
        for state in ("waiting", "void")
    )
    reasons = _reasons(connection, view) if waiting or void else {}
    prompts = _shared_prompts(connection, view) if view.pooled else (None, None)
    return Coverage(sum(decided_by.values()), waiting, void, reasons, decided_by, *prompts)


def _judged_by_some(by_judge: _ByJudge, names: Mapping[int, str]) -> int:
    """How many models only some of the judges have decided battles of."""
    judged = [
        {names[player] for row in rows if row.decided for player in (row.a, row.b)}
        for rows in by_judge.values()
    ]
    first, *others = judged
    return len(first.union(*others) - first.intersection(*others))


def _shared_prompts(connection: Connection, view: View) -> tuple[int, int]:
    """Prompts with decided battles, and those of more than one judge. Time grows with the battles."""
    clause, values = where(view)
    total, shared = connection.execute(
        "SELECT COUNT(*), COALESCE(SUM(judges > 1), 0) FROM (SELECT COUNT(DISTINCT judge_id) AS judges FROM battles"
        f" WHERE {clause} GROUP BY prompt_id)",
        values,
    ).fetchone()
    return total, shared


def _reasons(connection: Connection, view: View) -> dict[str, int]:
    """Why battles are not decided, most frequent first."""
    clause, values = where(view, state="state != 'decided'")
    found = connection.execute(
        f"SELECT reason, COUNT(*) FROM battles WHERE {clause} GROUP BY reason ORDER BY 2 DESC", values
    )
    return {decode(reason) or "unknown": n for reason, n in found}


def _unusual(connection: Connection, view: View, names: Mapping[int, str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for number in view.judges.values():
        sides = kept.read_sides(connection, view.arena.id, number, view.category)
        for player, by_status in sides.items():
            model = found.setdefault(names[player], {"sides": 0})
            for status, n in by_status.items():
                model["sides"] += n
                if status in kept.UNUSUAL:
                    model[status] = model.get(status, 0) + n
    return found


def where(view: View, state: str = "state = 'decided'") -> tuple[str, list[object]]:
    """The SQL condition on `battles` of a view, and its values."""
    values: list[object] = [view.arena.id, *view.judges.values()]
    judges = ", ".join("?" * len(view.judges))
    clause = f"arena_id = ? AND judge_id IN ({judges}) AND {state}"
    if view.category is not None:
        values.append(maybe(view.category))
        clause += " AND category = ?"
    return clause, values


def read_prompt_battles(connection: Connection, view: View, models: Iterable[str] = ()) -> PromptBattles:
    """The decided battles of a view, counted per pair and prompt. Time grows with the battles.

    What several judges say of one prompt stands under that one prompt, and is resampled with it.

    Args:
        models: that are to be there even without a decided battle; they come first, in this order.
    """
    clause, values = where(view)
    rows = connection.execute(
        "SELECT prompt_id, player_a, player_b, wins_a, wins_b, ties, win_share * (wins_a + wins_b + ties)"
        f" FROM battles WHERE {clause}",
        values,
    ).fetchall()
    if not rows:
        return PromptBattles.of(models, 0, [], [], [], [], [], [])
    table = np.array(rows, dtype=np.float64)
    numbers = table[:, :6].astype(np.int64)
    prompts, prompt = np.unique(numbers[:, 0], return_inverse=True)
    players, sides = np.unique(numbers[:, 1:3], return_inverse=True)
    rated = rated_names(connection)
    names = [rated[player] for player in players.tolist()]
    everybody = tuple(dict.fromkeys((*models, *names)))
    place = np.array([everybody.index(name) for name in names], dtype=np.int64)
    a, b = place[sides.reshape(-1, 2)].T
    wins, losses, ties = numbers[:, 3:].T
    share = np.clip(table[:, 6], 0, wins + losses + ties)
    return PromptBattles.of(everybody, len(prompts), prompt, a, b, wins, losses, ties, share)
