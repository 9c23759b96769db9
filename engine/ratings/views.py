"""Which battles a table is of: an arena, the judges that are meant, a category.

Judges are never mixed unless somebody asks for several. Then each judge's battle counts as a battle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from engine.errors import UsageError
from engine.ratings.naming import ALL, matching, pick
from engine.store import counts as kept
from engine.store.battles import Arena, read_arenas
from engine.store.rows import decode
from engine.store.sqlite import Connection


@dataclass(frozen=True, slots=True)
class View:
    """What a table is of.

    Attributes:
        judges: name to number in the store, in the order of the store; several only where several were asked for.
        category: None is all of them.
        other_judges: judges of the arena that are left out though nobody chose, with their battles.
    """

    arena: Arena
    judges: Mapping[str, int]
    category: str | None = None
    other_judges: Mapping[str, int] = field(default_factory=dict)

    @property
    def judge(self) -> str:
        """The judge's name, or the names of several: `a + b`."""
        return " + ".join(self.judges)

    @property
    def judge_id(self) -> int:
        """The number of the only judge.

        Raises:
            ValueError: there are several.
        """
        (number,) = self.judges.values()
        return number

    @property
    def pooled(self) -> bool:
        """Whether the battles of several judges are counted together."""
        return len(self.judges) > 1

    @property
    def category_name(self) -> str:
        return ALL if self.category is None else self.category


def find_view(
    connection: Connection,
    arena: str | None = None,
    judges: str | Sequence[str] | None = None,
    category: str | None = None,
) -> View:
    """The view of these names. Without an arena the newest; without a judge the one with the most battles.

    Args:
        judges: one judge by its name; or a list of names and globs, whose battles are pooled, in which `all` is every
            judge of the arena.

    Raises:
        UsageError: no such name, with the nearest; or no battles at all.
    """
    found = _arena(connection, arena)
    known = _judges(connection, found.id)
    if not known:
        raise UsageError(
            f"arena '{found.name}' has no battles yet", mend="Run a plan, or import a battle log."
        )
    if isinstance(judges, str):
        judges = [pick("judge", judges, list(known))]
    chosen, others = _chosen(known, judges)
    category = None if category in (None, ALL) else category
    if category is not None:
        pick("category", category, categories_of(connection, View(found, chosen)))
    return View(found, chosen, category, others)


def categories_of(connection: Connection, view: View) -> list[str]:
    """The categories that the battles of these judges have, in the order of the alphabet."""
    found = (kept.categories(connection, view.arena.id, number) for number in view.judges.values())
    return sorted({name for names in found for name in names})


def _chosen(
    known: Mapping[str, tuple[int, int]], patterns: Sequence[str] | None
) -> tuple[dict[str, int], dict[str, int]]:
    """The judges that are meant, name to number, and the battles of those that are left out unasked."""
    if patterns:
        names = matching("judge", patterns, list(known))
        return {name: number for name, (number, _) in known.items() if name in names}, {}
    busiest = max(known, key=lambda name: known[name][1])
    others = {name: battles for name, (_, battles) in known.items() if name != busiest}
    return {busiest: known[busiest][0]}, others


def _arena(connection: Connection, name: str | None) -> Arena:
    arenas = {arena.name: arena for arena in read_arenas(connection)}
    if not arenas:
        raise UsageError(
            "the store has no arena yet",
            mend="Start one: arena-tui --batch pocket; or: arena-tui import arena FILE",
        )
    return list(arenas.values())[-1] if name is None else arenas[pick("arena", name, list(arenas))]


def judges_of(connection: Connection, arena_id: int) -> dict[str, int]:
    """The judges of an arena with their number of battles."""
    return {name: battles for name, (_, battles) in _judges(connection, arena_id).items()}


def _judges(connection: Connection, arena_id: int) -> dict[str, tuple[int, int]]:
    """By name: number, and battles in all."""
    rows = connection.execute(
        "SELECT j.name, j.id, SUM(c.decided + c.waiting + c.void) FROM pair_counts c JOIN judges j ON j.id = c.judge_id"
        " WHERE c.arena_id = ? AND c.category = '' GROUP BY j.id ORDER BY j.id",
        (arena_id,),
    )
    return {decode(name): (number, battles) for name, number, battles in rows}
