"""Arenas renamed and dropped, and how they are to be rated. What was answered and judged is no part of them."""

from __future__ import annotations

import json
import tomllib
from typing import Any

from engine.errors import StoreError, UsageError
from engine.store.battles import Arena, read_arena
from engine.store.rows import decode, encode
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
        StoreError: a job is running, or there is a selection of training rows from it.
    """
    with store.write(foreign_keys=False) as tx:
        arena = _named(tx.connection, name)
        check_no_job_runs(tx.connection)
        _check_no_selection(tx.connection, arena)
        gone = take_back_battles(tx, "arena_id = ?", [arena.id])
        for table in ("pair_counts", "side_counts", "online_folds", "rating_snapshots"):
            tx.connection.execute(f"DELETE FROM {table} WHERE arena_id = ?", (arena.id,))
        tx.connection.execute("DELETE FROM arenas WHERE id = ?", (arena.id,))
        next_generation(tx)
    return gone


def _check_no_selection(connection: Connection, arena: Arena) -> None:
    """Also of one without rows, which rests on no battle."""
    rows = connection.execute(
        "SELECT id FROM selections WHERE arena_id = ? ORDER BY id", (arena.id,)
    ).fetchall()
    if rows:
        numbers = ", ".join(str(number) for (number,) in rows)
        raise StoreError(
            f"training rows were selected from '{arena.name}': selection {numbers}",
            mend="If nobody needs these rows any more: arena-tui select drop NUMBER",
        )


def ratings_by_arena(connection: Connection) -> dict[str, dict[str, Any]]:
    """By arena, the [ratings] of the plan that was run there last, else what the arena was imported with."""
    found: dict[str, dict[str, Any]] = {
        decode(name): json.loads(said)
        for name, said in connection.execute("SELECT name, ratings FROM arenas WHERE ratings IS NOT NULL")
    }
    for (text,) in connection.execute("SELECT plan FROM jobs ORDER BY id"):
        plan = tomllib.loads(text)
        found[plan.get("run", {}).get("arena", "")] = plan.get("ratings", {})
    return found


def _named(connection: Connection, name: str) -> Arena:
    arena = read_arena(connection, name)
    if arena is None:
        raise UsageError(f"there is no arena '{name}'", mend="See them with: arena-tui arenas list")
    return arena
