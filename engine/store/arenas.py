"""Arenas renamed and dropped. What was answered and judged is no part of them and stays."""

from __future__ import annotations

from engine.errors import UsageError
from engine.store.battles import Arena, read_arena
from engine.store.rows import encode
from engine.store.sqlite import Connection
from engine.store.store import Store, Transaction
from engine.store.undo import check_no_job_runs, next_generation, take_back_battles


def rename_arena(tx: Transaction, old: str, new: str) -> None:
    """Call an arena otherwise. Its battles, counts and ratings stay.

    Raises:
        UsageError: there is no such arena, or the name is taken.
    """
    arena = _named(tx.connection, old)
    if not new:
        raise UsageError("an arena needs a name")
    if new != old and read_arena(tx.connection, new) is not None:
        raise UsageError(f"there is an arena '{new}' already", mend="Choose another name, or drop that one.")
    tx.connection.execute("UPDATE arenas SET name = ? WHERE id = ?", (encode(new), arena.id))


def drop_arena(store: Store, name: str) -> int:
    """Delete an arena with its battles, counts and ratings; responses and verdicts stay, and serve other arenas.

    Returns:
        How many battles are gone.

    Raises:
        UsageError: there is no such arena.
        StoreError: a job is running.
    """
    with store.write(foreign_keys=False) as tx:
        arena = _named(tx.connection, name)
        check_no_job_runs(tx.connection)
        gone = take_back_battles(tx, "arena_id = ?", [arena.id])
        for table in ("pair_counts", "side_counts", "online_folds", "rating_snapshots"):
            tx.connection.execute(f"DELETE FROM {table} WHERE arena_id = ?", (arena.id,))
        tx.connection.execute("DELETE FROM arenas WHERE id = ?", (arena.id,))
        next_generation(tx)
    return gone


def _named(connection: Connection, name: str) -> Arena:
    arena = read_arena(connection, name)
    if arena is None:
        raise UsageError(f"there is no arena '{name}'", mend="See them with: arena-tui arenas list")
    return arena
