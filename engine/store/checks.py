"""`store check`: is the file whole, do the counts agree with the battles, do the keys follow from their rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from engine.store.backup import file_of
from engine.store.battles import read_arenas
from engine.store.counts import differences, rebuild
from engine.store.sqlite import CORRUPT, NOTADB, Connection, DatabaseError, result_code
from engine.store.store import Store
from engine.store.verify import Mismatch, verify
from engine.store.wal import unusable_commits

MOST_SHOWN = 20
"""Findings of a kind that are named; all are counted."""

_UNREADABLE = (ValueError, TypeError, KeyError, AttributeError, IndexError)
"""What reading a column of ours as what it should be can raise."""


@dataclass(frozen=True, slots=True)
class CheckReport:
    """What is wrong with a store.

    Attributes:
        damage: what SQLite finds wrong with the file, and rows that refer to rows that are gone.
        counts: by arena, where its kept counts differ from a recount.
        mismatches: the first rows whose keys do not follow from them, and in `mismatched` how many there are.
        derived: rows by table whose keys were derived again; `TABLE not derivable` are those that cannot be.
    """

    damage: tuple[str, ...]
    counts: Mapping[str, tuple[str, ...]]
    mismatches: tuple[Mismatch, ...]
    mismatched: int
    derived: Mapping[str, int]

    @property
    def sound(self) -> bool:
        return not (self.damage or self.counts or self.mismatched)


@contextmanager
def one_state(connection: Connection) -> Iterator[None]:
    """Let several statements see one and the same state, beside whoever writes."""
    if connection.in_transaction:
        yield
        return
    connection.execute("BEGIN")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")


def check_store(connection: Connection, progress: Callable[[str], None] = lambda step: None) -> CheckReport:
    """Look at everything, reading only. The counts are compared within one moment's state.

    Args:
        progress: is told what is looked at next.
    """
    progress("file")
    damage = _damage(connection)
    if any(not line.startswith("row ") for line in damage):
        return CheckReport(damage, {}, (), 0, {})
    progress("counts")
    with one_state(connection):
        counts = {arena.name: tuple(differences(connection, arena.id)) for arena in read_arenas(connection)}
    progress("keys")
    derived: Counter[str] = Counter()
    shown: list[Mismatch] = []
    mismatched = 0
    with _any_text(connection):
        try:
            for mismatch in verify(connection, derived):
                mismatched += 1
                if len(shown) < MOST_SHOWN:
                    shown.append(mismatch)
        except _UNREADABLE as error:
            damage += (f"a row holds what none of ours does, and no key behind it was looked at: {error}",)
    wrong = {name: lines for name, lines in counts.items() if lines}
    return CheckReport(damage, wrong, tuple(shown), mismatched, dict(derived))


@contextmanager
def _any_text(connection: Connection) -> Iterator[None]:
    """Read text that is no UTF-8 too: its hash then tells."""
    before, connection.text_factory = (
        connection.text_factory,
        lambda stored: stored.decode("utf-8", "replace"),
    )
    try:
        yield
    finally:
        connection.text_factory = before


def rebuild_counts(store: Store) -> int:
    """Replace the kept counts of every arena by a recount; return how many arenas had others."""
    with store.write() as tx:
        wrong = [arena for arena in read_arenas(tx.connection) if differences(tx.connection, arena.id)]
        for arena in wrong:
            rebuild(tx, arena.id)
    return len(wrong)


def _damage(connection: Connection) -> tuple[str, ...]:
    wal = _wal_damage(unusable_commits(file_of(connection)))
    try:
        said = [
            line for (line,) in connection.execute(f"PRAGMA integrity_check({MOST_SHOWN})") if line != "ok"
        ]
        orphans = connection.execute("PRAGMA foreign_key_check").fetchmany(MOST_SHOWN)
    except DatabaseError as error:
        if result_code(error) not in (CORRUPT, NOTADB):
            raise
        return (*wal, str(error))
    gone = (f"row {row[1]} of {row[0]} refers to a row of {row[2]} that is gone" for row in orphans)
    return (*wal, *said, *gone)


def _wal_damage(commits: int | None) -> list[str]:
    if commits is None:
        return ["the header of the -wal is damaged: nothing that it holds is seen"]
    if commits:
        return [
            f"{commits} commits in the -wal are not seen: a page before them is damaged, or was not yet on the disk"
            " when the power went"
        ]
    return []
