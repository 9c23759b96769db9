"""Models, players and judges: one registry, found again by identity and shown by name.

A name belongs to the identity that came first; another identity under the same name (a new checkpoint behind an old
name, an edited judge template) becomes `name.2`, and whoever registered it is told so.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from engine import keys
from engine.errors import UsageError
from engine.records import Sampling
from engine.store.rows import Table, decode, encode, free_name, maybe, to_json
from engine.store.sqlite import Connection
from engine.store.store import Transaction


@dataclass(frozen=True, slots=True)
class Contestant:
    """A player or judge of the store. `renamed` says that its wanted name belonged to another identity."""

    id: int
    key: str
    name: str
    renamed: bool = False


def land_player(
    tx: Transaction,
    name: str,
    kind: str,
    facts: Mapping[str, Any],
    template_hash: str | None = None,
    sampling: Sampling | None = None,
    path: str | None = None,
    model: str | None = None,
) -> Contestant:
    """A player, and the model behind it, registered when new.

    Args:
        kind, facts, template_hash: the model's identity (engine.players.base.ModelIdentity).
        sampling: None for an imported player, of which it is not known.
        path: where the weights are, for people and for `store:NAME`; no part of the identity.
        model: what to call the model behind it when that is new; the player's name, where nothing is said.
    """
    identity = {"kind": kind, "facts": dict(facts)}
    key = keys.player_key(identity, template_hash, sampling)
    stands = _by_key(tx.connection, "players", key)
    if stands:
        return Contestant(stands[0], key, stands[1])
    model_id = _land_model(tx, model or name, kind, facts, template_hash, path)
    shown = free_name(tx.connection, "players", name)
    cursor = tx.connection.execute(
        "INSERT INTO players(key, name, model_id, sampling, created_at, import_id) VALUES (?, ?, ?, ?, ?, ?)",
        (
            key,
            encode(shown),
            model_id,
            to_json(keys.sampling_json(sampling)) if sampling else None,
            time.time(),
            tx.import_id,
        ),
    )
    assert cursor.lastrowid is not None
    return Contestant(cursor.lastrowid, key, shown, renamed=shown != name)


def land_imported_player(tx: Transaction, name: str) -> Contestant:
    """A player of which only the name is known: the name is the identity."""
    return land_player(tx, name, "name", {"name": name})


def _land_model(
    tx: Transaction,
    name: str,
    kind: str,
    facts: Mapping[str, Any],
    template_hash: str | None,
    path: str | None,
) -> int:
    identity = keys.content_hash({"kind": kind, "facts": dict(facts), "template": template_hash})
    row = tx.connection.execute("SELECT id FROM models WHERE identity = ?", (identity,)).fetchone()
    if row:
        return int(row[0])
    cursor = tx.connection.execute(
        "INSERT INTO models(name, kind, identity, facts, template_hash, path, created_at, import_id)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (
            encode(free_name(tx.connection, "models", name)),
            kind,
            identity,
            to_json(dict(facts)),
            template_hash,
            maybe(path),
            time.time(),
            tx.import_id,
        ),
    )
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def land_judge(tx: Transaction, name: str, kind: str, key: str, facts: Mapping[str, Any]) -> Contestant:
    """A judge, registered when its key is new."""
    stands = _by_key(tx.connection, "judges", key)
    if stands:
        return Contestant(stands[0], key, stands[1])
    shown = free_name(tx.connection, "judges", name)
    cursor = tx.connection.execute(
        "INSERT INTO judges(key, name, kind, facts, created_at, import_id) VALUES (?, ?, ?, ?, ?, ?)",
        (key, encode(shown), kind, to_json(dict(facts)), time.time(), tx.import_id),
    )
    assert cursor.lastrowid is not None
    return Contestant(cursor.lastrowid, key, shown, renamed=shown != name)


def land_recorded_judge(tx: Transaction, name: str) -> Contestant:
    """A judge of which only the name is known (people, an imported verdict file)."""
    return land_judge(
        tx, name, "recorded", keys.judge_key("recorded", {"name": name}, None, None), {"name": name}
    )


def find_by_name(connection: Connection, table: Table, name: str) -> Contestant | None:
    """The player or judge that the store shows under this name, however it got there."""
    row = connection.execute(f"SELECT id, key FROM {table} WHERE name = ?", (encode(name),)).fetchone()
    return Contestant(int(row[0]), row[1], name) if row else None


def find_by_key(connection: Connection, table: Table, key: str) -> Contestant | None:
    """The player or judge of this key."""
    stands = _by_key(connection, table, key)
    return Contestant(stands[0], key, stands[1]) if stands else None


def _by_key(connection: Connection, table: Table, key: str) -> tuple[int, str] | None:
    row = connection.execute(f"SELECT id, name FROM {table} WHERE key = ?", (key,)).fetchone()
    return (int(row[0]), decode(row[1])) if row else None


@dataclass(frozen=True, slots=True)
class PlayerRow:
    """A player as the store shows it. `alias_of` is the name that it is rated under; None is its own."""

    id: int
    key: str
    name: str
    kind: str
    facts: Mapping[str, Any]
    sampling: Mapping[str, Any] | None
    alias_of: str | None
    path: str | None


def read_players(connection: Connection) -> list[PlayerRow]:
    """All players, in the order in which they came."""
    rows = connection.execute(
        """
        SELECT p.id, p.key, p.name, m.kind, m.facts, p.sampling, o.name, m.path
        FROM players p JOIN models m ON m.id = p.model_id LEFT JOIN players o ON o.id = p.alias_of ORDER BY p.id
        """
    )
    return [
        PlayerRow(
            number,
            key,
            decode(name),
            kind,
            json.loads(facts),
            json.loads(said) if said else None,
            decode(alias),
            decode(path),
        )
        for number, key, name, kind, facts, said, alias, path in rows
    ]


def rated_name(connection: Connection, player_id: int) -> str:
    """The name that a player is rated under: its own, or that of the model which it stands for."""
    row = connection.execute(
        "SELECT COALESCE(o.name, p.name) FROM players p LEFT JOIN players o ON o.id = p.alias_of WHERE p.id = ?",
        (player_id,),
    ).fetchone()
    return str(decode(row[0]))


def alias_player(tx: Transaction, old: str, new: str) -> None:
    """Rate `old` under the name of `new` from now on; `old` itself ends the alias. Nothing else is changed.

    Raises:
        UsageError: no such player, or the alias would be a circle.
    """
    ids = {}
    for name in (old, new):
        row = tx.connection.execute(
            "SELECT id, alias_of FROM players WHERE name = ?", (encode(name),)
        ).fetchone()
        if row is None:
            raise UsageError(
                f"there is no model called '{name}'", mend="See them with: arena-tui models list"
            )
        ids[name] = row
    tx.connection.execute("DELETE FROM online_folds")  # they go by the names that are rated
    if old == new:
        tx.connection.execute("UPDATE players SET alias_of = NULL WHERE id = ?", (ids[old][0],))
        return
    if ids[new][1] is not None:
        raise UsageError(f"'{new}' is itself an alias", mend="Name the model that it stands for.")
    tx.connection.execute("UPDATE players SET alias_of = ? WHERE id = ?", (ids[new][0], ids[old][0]))
    tx.connection.execute("UPDATE players SET alias_of = ? WHERE alias_of = ?", (ids[new][0], ids[old][0]))
