"""What ratings are made of, read from the store: counts for tables, battles where counts cannot answer.

The one module of this room that knows the store. Players that are aliased count as the model that they stand for.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

import numpy as np

from engine.errors import UsageError
from engine.ratings.counts import PairCounts
from engine.ratings.prompt_battles import PromptBattles
from engine.ratings.scale import Anchor
from engine.store import counts as kept
from engine.store.battles import Arena, read_arenas
from engine.store.rows import decode, maybe
from engine.store.sqlite import Connection

ALL = "all"
"""What all categories together are called. A category of that name has no table of its own."""


@dataclass(frozen=True, slots=True)
class View:
    """What a table is of: one arena, one judge (judges are never mixed), one category or all (None)."""

    arena: Arena
    judge_id: int
    judge: str
    category: str | None = None

    @property
    def category_name(self) -> str:
        return ALL if self.category is None else self.category


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of how many a table rests on.

    Attributes:
        decided, waiting, void: battles by state, self-battles among them.
        total: all of these.
        waiting_for: how often each reason kept a battle from being decided.
    """

    decided: int
    waiting: int
    void: int
    waiting_for: Mapping[str, int]

    @property
    def total(self) -> int:
        return self.decided + self.waiting + self.void


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


def find_view(connection: Connection, arena: str | None, judge: str | None, category: str | None) -> View:
    """The view of these names. Without an arena the newest; without a judge the one with the most battles.

    Raises:
        UsageError: no such name, with the nearest; or no battles at all.
    """
    found = _arena(connection, arena)
    judges = _judges(connection, found.id)
    if not judges:
        raise UsageError(
            f"arena '{found.name}' has no battles yet", mend="Run a plan, or import a battle log."
        )
    name = _pick("judge", judge, list(judges)) or max(judges, key=lambda one: judges[one][1])
    category = None if category in (None, ALL) else category
    if category is not None:
        _pick("category", category, kept.categories(connection, found.id, judges[name][0]))
    return View(found, judges[name][0], name, category)


def _arena(connection: Connection, name: str | None) -> Arena:
    arenas = {arena.name: arena for arena in read_arenas(connection)}
    if not arenas:
        raise UsageError(
            "the store has no arena yet",
            mend="Start one: arena-tui --batch pocket; or: arena-tui import arena FILE",
        )
    chosen = _pick("arena", name, list(arenas))
    return arenas[chosen] if chosen is not None else list(arenas.values())[-1]


@dataclass(frozen=True, slots=True)
class PlannedRatings:
    """How the plan that was last run in an arena wants it rated; None where it says nothing."""

    anchor: Anchor | None = None
    n_resamples: int | None = None
    over: str | None = None


def planned_ratings(connection: Connection, view: View) -> PlannedRatings:
    """As the newest job of the arena says. An anchor without battles in this view is left out."""
    for (text,) in connection.execute("SELECT plan FROM jobs ORDER BY id DESC"):
        plan = tomllib.loads(text)
        if plan.get("run", {}).get("arena") == view.arena.name:
            said = plan.get("ratings", {})
            return PlannedRatings(_anchor(connection, view, said), said.get("n_resamples"), said.get("over"))
    return PlannedRatings()


def _anchor(connection: Connection, view: View, said: Mapping[str, Any]) -> Anchor | None:
    anchor = said.get("anchor")
    if anchor is None:
        return None
    model, rating = (
        (anchor, 1000.0) if isinstance(anchor, str) else (anchor["model"], float(anchor["rating"]))
    )
    return Anchor(model, rating) if model in read_counts(connection, view).pairs.models else None


def judges_of(connection: Connection, arena_id: int) -> dict[str, int]:
    """The judges of an arena with their number of battles."""
    return {name: battles for name, (_, battles) in _judges(connection, arena_id).items()}


def _judges(connection: Connection, arena_id: int) -> dict[str, tuple[int, int]]:
    rows = connection.execute(
        "SELECT j.name, j.id, SUM(c.decided + c.waiting + c.void) FROM pair_counts c JOIN judges j ON j.id = c.judge_id"
        " WHERE c.arena_id = ? AND c.category = '' GROUP BY j.id ORDER BY j.id",
        (arena_id,),
    )
    return {decode(name): (number, battles) for name, number, battles in rows}


def _pick(noun: str, name: str | None, known: list[str]) -> str | None:
    if name is None or name in known:
        return name
    near = get_close_matches(name, known, n=1)
    raise UsageError(
        f"there is no {noun} '{name}'",
        f"Known: {', '.join(known) or 'none'}.",
        f"Did you mean '{near[0]}'?" if near else "",
    )


def rated_names(connection: Connection) -> dict[int, str]:
    """By number of the player, the name that it is rated under."""
    rows = connection.execute(
        "SELECT p.id, COALESCE(o.name, p.name) FROM players p LEFT JOIN players o ON o.id = p.alias_of"
    )
    return {number: decode(name) for number, name in rows}


def read_counts(connection: Connection, view: View) -> ArenaCounts:
    """The counts of a view, at a cost that does not grow with the battles."""
    rows = kept.read_pairs(connection, view.arena.id, view.judge_id, view.category)
    names = rated_names(connection)
    models = tuple(dict.fromkeys(names[player] for row in rows for player in (row.a, row.b)))
    place = {name: i for i, name in enumerate(models)}
    a, b = ([place[names[getattr(row, side)]] for row in rows] for side in ("a", "b"))
    wins, losses, ties = (np.array([getattr(r, what) for r in rows], dtype=np.int64) for what in _RESULTS)
    share = np.array([row.win_share for row in rows], dtype=np.float64)
    pairs = PairCounts.of(models, a, b, wins, losses, ties, np.clip(share, 0, wins + losses + ties))
    if_void, if_loss = _treatments(connection, view, rows, (models, a, b, wins, losses, ties))
    return ArenaCounts(
        pairs, _coverage(connection, view, rows), if_void, if_loss, _unusual(connection, view, names)
    )


_RESULTS = ("wins", "losses", "ties")
_Columns = tuple[tuple[str, ...], list[int], list[int], np.ndarray, np.ndarray, np.ndarray]


def _treatments(
    connection: Connection,
    view: View,
    rows: list[kept.PairCount],
    columns: _Columns,
) -> tuple[PairCounts | None, PairCounts | None]:
    """The counts with battles of responses that are not whole left out, and with them lost."""
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
        found = np.array([gone.get((row.a, row.b), (0, 0, 0)) for row in rows], dtype=np.int64).reshape(-1, 3)
        kept_wins, kept_losses, kept_ties = wins - found[:, 0], losses - found[:, 1], ties - found[:, 2]
    void = PairCounts.of(models, a, b, kept_wins, kept_losses, kept_ties)
    return void, PairCounts.of(models, a, b, kept_wins + cut_b, kept_losses + cut_a, kept_ties)


def _results_of_unusual(connection: Connection, view: View) -> dict[tuple[int, int], tuple[int, int, int]]:
    """Results of the decided battles in which a response was not whole, by pair (a <= b)."""
    clause, values = _where(view)
    rows = connection.execute(
        f"SELECT player_a, player_b, SUM(wins_a), SUM(wins_b), SUM(ties) FROM battles WHERE {clause}"
        " AND (status_a IN ('cut', 'empty', 'refused') OR status_b IN ('cut', 'empty', 'refused'))"
        " GROUP BY player_a, player_b",
        values,
    )
    found: dict[tuple[int, int], tuple[int, int, int]] = {}
    for a, b, wins, losses, ties in rows:
        key, result = ((a, b), (wins, losses, ties)) if a <= b else ((b, a), (losses, wins, ties))
        before = found.get(key, (0, 0, 0))
        found[key] = (before[0] + result[0], before[1] + result[1], before[2] + result[2])
    return found


def _coverage(connection: Connection, view: View, rows: list[kept.PairCount]) -> Coverage:
    decided, waiting, void = (
        sum(getattr(row, state) for row in rows) for state in ("decided", "waiting", "void")
    )
    reasons: dict[str, int] = {}
    if waiting or void:
        clause, values = _where(view, state="state != 'decided'")
        found = connection.execute(
            f"SELECT reason, COUNT(*) FROM battles WHERE {clause} GROUP BY reason ORDER BY 2 DESC", values
        )
        reasons = {decode(reason) or "unknown": n for reason, n in found}
    return Coverage(decided, waiting, void, reasons)


def _unusual(connection: Connection, view: View, names: Mapping[int, str]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for player, by_status in kept.read_sides(connection, view.arena.id, view.judge_id, view.category).items():
        model = found.setdefault(names[player], {"sides": 0})
        for status, n in by_status.items():
            model["sides"] += n
            if status in kept.UNUSUAL:
                model[status] = model.get(status, 0) + n
    return found


def _where(view: View, state: str = "state = 'decided'") -> tuple[str, list[object]]:
    values: list[object] = [view.arena.id, view.judge_id]
    clause = f"arena_id = ? AND judge_id = ? AND {state}"
    if view.category is not None:
        values.append(maybe(view.category))
        clause += " AND category = ?"
    return clause, values


def read_prompt_battles(connection: Connection, view: View, models: Iterable[str] = ()) -> PromptBattles:
    """The decided battles of a view, counted per pair and prompt. Time grows with the battles.

    Args:
        models: that are to be there even without a decided battle; they come first, in this order.
    """
    clause, values = _where(view)
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
