"""Rows that refer to rows which are not there: what a damaged file leaves behind.

Where a row came from, and texts beside the point, may be null: the reference is taken away. Anything else goes with
what it refers to, so that running the plan again makes it anew: a verdict on a lost response says nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from engine.store.sqlite import Connection

_MAY_BE_LOST = frozenset({"texts", "imports", "attempts"})
_ALIAS = ("players", "alias_of")

_INCOMPLETE = {
    # A response of ours has a turn for each that its prompt leaves open, a response of anybody's at least one.
    "responses": (
        "status IN ('ok', 'cut') AND (SELECT COUNT(*) FROM response_turns t WHERE t.response_id = responses.id) <"
        " CASE WHEN status = 'ok' AND import_id IS NULL THEN"
        " (SELECT open_turns FROM prompts p WHERE p.id = responses.prompt_id) ELSE 1 END"
    ),
    # A battle of ours has the games that it was decided by.
    "battles": (
        "import_id IS NULL AND state = 'decided' AND (SELECT COUNT(*) FROM games g WHERE g.battle_id = battles.id)"
        " < wins_a + wins_b + ties"
    ),
}


@dataclass(frozen=True, slots=True)
class _Reference:
    table: str
    column: str
    target: str
    key: str
    is_needed: bool

    @property
    def dangles(self) -> str:
        return (
            f"{self.column} IS NOT NULL AND NOT EXISTS"
            f" (SELECT 1 FROM {self.target} x WHERE x.{self.key} = {self.table}.{self.column})"
        )


def drop_dangling(connection: Connection) -> Counter[str]:
    """Delete rows that refer to missing ones, and rows that lack parts, until there are none; count them by table."""
    references = list(_references(connection))
    for one in references:
        if not one.is_needed:
            connection.execute(f"UPDATE {one.table} SET {one.column} = NULL WHERE {one.dangles}")
    dropped: Counter[str] = Counter()
    while True:
        before = dropped.total()
        for one in references:
            if one.is_needed:
                _delete(connection, one.table, one.dangles, dropped)
        for table, lacks in _INCOMPLETE.items():
            _delete(connection, table, lacks, dropped)
        if dropped.total() == before:
            return dropped


def _delete(connection: Connection, table: str, where: str, dropped: Counter[str]) -> None:
    count = connection.execute(f"DELETE FROM {table} WHERE {where}").rowcount
    if count:
        dropped[table] += count


def _references(connection: Connection) -> Iterator[_Reference]:
    tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    for table in tables:
        needed = {row[1]: bool(row[3]) for row in connection.execute(f"PRAGMA table_info({table})")}
        for row in connection.execute(f"PRAGMA foreign_key_list({table})").fetchall():
            target, column, key = row[2], row[3], row[4] or "id"
            may_be_null = target in _MAY_BE_LOST or (table, column) == _ALIAS
            yield _Reference(table, column, target, key, needed[column] or not may_be_null)
