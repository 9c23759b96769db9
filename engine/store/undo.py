"""Undoing an import: what it brought and nothing else rests on goes, and the counts are what they were before.

What another import brought too (it counted those rows as known) passes to that one, and goes when that is undone.
What a run or another import has built on stays (responses that were judged since, prompts that were answered), and
goes when the last of these is undone too. Counts are whole numbers, so taking battles back is exact.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import StoreError, UsageError
from engine.store.counts import TALLY_COLUMNS, CountDeltas, Tally, purge
from engine.store.imports import read_import
from engine.store.leases import Moment, lease_holds
from engine.store.selections import check_unselected
from engine.store.sqlite import Connection
from engine.store.store import Store, Transaction

_TEXT_COLUMNS = (
    ("prompts", "conversation"),
    ("response_turns", "answer"),
    ("response_turns", "thinking"),
    ("verdicts", "explanation"),
    ("verdicts", "raw"),
    ("verdicts", "thinking"),
)
"""Everything that refers to texts."""

_REFERRED_TO: dict[str, tuple[tuple[str, str], ...]] = {
    "verdicts": (("games", "verdict_id"),),
    "responses": (
        ("battles", "response_a"),
        ("battles", "response_b"),
        ("verdicts", "response_first"),
        ("verdicts", "response_second"),
        ("selection_rows", "chosen"),
        ("selection_rows", "other"),
    ),
    "arenas": (("battles", "arena_id"), ("selections", "arena_id")),
    "prompts": (
        ("prompt_set_items", "prompt_id"),
        ("responses", "prompt_id"),
        ("verdicts", "prompt_id"),
        ("battles", "prompt_id"),
        ("units", "prompt_id"),
        ("selection_rows", "prompt_id"),
        ("selection_exclusions", "prompt_id"),
    ),
    "prompt_sets": (("prompt_set_items", "set_id"),),
    "judges": (
        ("verdicts", "judge_id"),
        ("battles", "judge_id"),
        ("units", "judge_id"),
        ("selections", "judge_id"),
    ),
    "players": (
        ("responses", "player_id"),
        ("verdicts", "player_first"),
        ("verdicts", "player_second"),
        ("battles", "player_a"),
        ("battles", "player_b"),
        ("players", "alias_of"),
        ("units", "player_id"),
        ("selections", "target_id"),
        ("selection_rows", "opponent_id"),
    ),
    "models": (("players", "model_id"),),
}
"""What goes when nothing refers to it."""

_OURS = "(SELECT id FROM imports WHERE undone_at IS NOT NULL)"
_NOT_NEEDED = f"""
    prompt_id NOT IN (SELECT prompt_id FROM responses WHERE attempt_id IS NOT NULL)
    AND (prompt_id NOT IN (SELECT prompt_id FROM responses UNION SELECT prompt_id FROM verdicts
            UNION SELECT prompt_id FROM battles)
        OR prompt_id IN (SELECT prompt_id FROM prompt_set_items WHERE import_id IS NULL OR import_id NOT IN {_OURS}))
"""
"""Members of sets that no run has answered, and that are not the last name of a prompt which something is about."""


@dataclass(frozen=True, slots=True)
class Undone:
    """What became of an import's rows, by table: gone, or passed on to an import that had brought them too."""

    gone: dict[str, int]
    passed_on: dict[str, int]


def undo_import(store: Store, import_id: int) -> Undone:
    """Take an import back. A run's job must not be at work: it keeps numbers of rows that may go.

    Raises:
        UsageError: no such import, or it is undone already.
        StoreError: a job is running.
    """
    with store.write(foreign_keys=False) as tx:
        if read_import(tx.connection, import_id).state == "undone":
            raise UsageError(f"import {import_id} is undone already")
        check_no_job_runs(tx.connection)
        tx.connection.execute("UPDATE imports SET undone_at = ? WHERE id = ?", (time.time(), import_id))
        passed = _pass_on(tx.connection, import_id)
        gone = _take_back(tx, import_id)
        next_generation(tx)
        _check_references(tx.connection)
    return Undone({table: n for table, n in gone.items() if n}, {noun: n for noun, n in passed.items() if n})


def check_no_job_runs(connection: Connection) -> None:
    """
    Raises:
        StoreError: a job is running.
    """
    leases = connection.execute(
        "SELECT a.job_id, w.boot_id, a.lease_boot, a.lease_until FROM attempts a"
        " JOIN workers w ON w.id = a.worker_id WHERE a.state = 'running'"
    )
    now = Moment.now()
    for job_id, *lease in leases:
        if lease_holds(now, *lease):
            raise StoreError(
                f"job {job_id} is running, and may be using what would go",
                mend=f"Let it finish, or stop it with: arena-tui jobs drain {job_id}",
            )


def next_generation(tx: Transaction) -> None:
    """Tell who keeps numbers of rows that some are gone."""
    tx.connection.execute("UPDATE meta SET value = value + 1 WHERE name = 'generation'")


def _pass_on(connection: Connection, import_id: int) -> dict[str, int]:
    """Give what other imports found in place to the first of them; return how many rows, by table."""
    connection.execute("DELETE FROM import_holds WHERE import_id = ?", (import_id,))
    nouns = ("responses", "verdicts", "battles", "players", "judges", "arenas")
    passed = {noun: _pass_rows(connection, noun, noun, "import_id", "id") for noun in nouns}
    _pass_rows(connection, "filled", "prompts", "filled_by", "id")
    members = _pass_rows(
        connection, "prompt_set_items", "prompt_set_items", "import_id", "set_id << 32 | position"
    )
    return passed | {"prompts": members}


def _pass_rows(connection: Connection, noun: str, table: str, owner: str, number: str) -> int:
    held = f"SELECT MIN(import_id) FROM import_holds WHERE noun = '{noun}' AND row = {number}"
    cursor = connection.execute(
        f"UPDATE {table} SET {owner} = ({held}) WHERE {owner} IN {_OURS}"
        f" AND ({number}) IN (SELECT row FROM import_holds WHERE noun = '{noun}')"
    )
    return cursor.rowcount


def _take_back(tx: Transaction, import_id: int) -> Counter[str]:
    gone: Counter[str] = Counter()
    connection = tx.connection
    connection.execute("CREATE TEMP TABLE texts_let_go (id INTEGER PRIMARY KEY)")
    try:
        gone["set_aside"] = _delete(connection, "set_aside", "import_id = ?", import_id)
        gone["battles"] = take_back_battles(
            tx, "import_id = ?", [import_id], _started_at(connection, import_id)
        )
        for table in ("verdicts", "responses"):
            gone[table] = _delete_unreferred(connection, table)
        _empty_filled(connection, import_id)
        _delete(connection, "prompt_set_items", f"import_id IN {_OURS} AND {_NOT_NEEDED}")
        for table in ("arenas", "prompts", "prompt_sets", "judges", "players", "models"):
            gone[table] = _delete_unreferred(connection, table)
        gone["texts"] = _delete_texts(connection)
    finally:
        connection.execute("DROP TABLE texts_let_go")
    return gone


def _started_at(connection: Connection, import_id: int) -> float:
    return float(
        connection.execute("SELECT started_at FROM imports WHERE id = ?", (import_id,)).fetchone()[0]
    )


def take_back_battles(tx: Transaction, condition: str, values: Iterable[object], since: float = 0.0) -> int:
    """Delete battles with their games, take them out of the counts, and with them what was made of the counts.

    Args:
        since: rating snapshots that are younger rested on these battles.

    Raises:
        StoreError: training rows rest on them.
    """
    connection, values = tx.connection, list(values)
    check_unselected(connection, condition, values)
    deltas: dict[int, CountDeltas] = {}
    judged: set[tuple[int, int]] = set()
    for arena_id, *row in connection.execute(
        f"SELECT arena_id, {TALLY_COLUMNS} FROM battles WHERE {condition}", values
    ):
        tally = Tally.of_row(row)
        deltas.setdefault(arena_id, CountDeltas(arena_id)).add(tally, -1)
        judged.add((arena_id, tally.judge_id))
    for delta in deltas.values():
        delta.apply(connection)
        purge(connection, delta.arena_id)
    connection.executemany("DELETE FROM online_folds WHERE arena_id = ? AND judge_id = ?", judged)
    connection.executemany(
        "DELETE FROM rating_snapshots WHERE arena_id = ? AND judge_id = ? AND created_at >= ?",
        ((*pair, since) for pair in judged),
    )
    connection.execute(
        f"DELETE FROM games WHERE battle_id IN (SELECT id FROM battles WHERE {condition})", values
    )
    return connection.execute(f"DELETE FROM battles WHERE {condition}", values).rowcount


def _empty_filled(connection: Connection, import_id: int) -> None:
    """Prompts whose text this import brought are known by name only again, unless a run has answered them or they are
    in training rows."""
    filled = (
        "filled_by = ? AND id NOT IN (SELECT prompt_id FROM responses WHERE attempt_id IS NOT NULL)"
        " AND id NOT IN (SELECT prompt_id FROM selection_rows)"
    )
    connection.execute(
        f"INSERT OR IGNORE INTO texts_let_go SELECT conversation FROM prompts WHERE {filled}", (import_id,)
    )
    connection.execute(
        f"UPDATE prompts SET conversation = NULL, open_turns = 1, filled_by = NULL WHERE {filled}",
        (import_id,),
    )


def _delete_unreferred(connection: Connection, table: str) -> int:
    """Delete the rows of undone imports that nothing refers to, and remember the texts that they let go."""
    free = f"import_id IN {_OURS}" + "".join(
        f" AND id NOT IN (SELECT {column} FROM {other} WHERE {column} IS NOT NULL)"
        for other, column in _REFERRED_TO[table]
    )
    own = [(table, column) for other, column in _TEXT_COLUMNS if other == table]
    for _, column in own:
        _let_go(connection, f"SELECT {column} FROM {table} WHERE {free} AND {column} IS NOT NULL")
    if table == "responses":
        turns = f"response_turns WHERE response_id IN (SELECT id FROM responses WHERE {free})"
        _let_go(connection, f"SELECT answer FROM {turns}")
        _let_go(connection, f"SELECT thinking FROM {turns} AND thinking IS NOT NULL")
        connection.execute(f"DELETE FROM {turns}")
    if table == "arenas":
        for kept in ("pair_counts", "side_counts", "online_folds", "rating_snapshots"):
            connection.execute(f"DELETE FROM {kept} WHERE arena_id IN (SELECT id FROM arenas WHERE {free})")
    gone = _delete(connection, table, free)
    # One player may be the only thing that refers to another, whom it is an alias of.
    return gone + _delete_unreferred(connection, table) if gone and table == "players" else gone


def _let_go(connection: Connection, query: str) -> None:
    connection.execute(f"INSERT OR IGNORE INTO texts_let_go {query}")


def _delete_texts(connection: Connection) -> int:
    held = " UNION ALL ".join(
        f"SELECT {column} FROM {table} WHERE {column} IS NOT NULL" for table, column in _TEXT_COLUMNS
    )
    return _delete(connection, "texts", f"id IN (SELECT id FROM texts_let_go EXCEPT SELECT * FROM ({held}))")


def _delete(connection: Connection, table: str, condition: str, *values: object) -> int:
    return connection.execute(f"DELETE FROM {table} WHERE {condition}", values).rowcount


def _check_references(connection: Connection) -> None:
    """The last net before the commit, since the foreign keys were off: a row must not refer to one that is gone."""
    broken = connection.execute("PRAGMA foreign_key_check").fetchone()
    if broken is not None:
        raise AssertionError(f"undoing would leave a row of {broken[0]} without its row of {broken[2]}")
