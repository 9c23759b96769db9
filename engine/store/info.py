"""`store info`: what a store holds, how large it is, and where it lies."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from engine.store import sqlite
from engine.store.connecting import number
from engine.store.filesystem import filesystem_type, is_network
from engine.store.sqlite import Connection

TABLES = (
    "prompt_sets", "prompts", "models", "players", "judges", "responses", "verdicts", "arenas", "battles", "games",
    "rating_snapshots", "jobs", "attempts", "events", "imports", "set_aside", "texts",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class StoreInfo:
    """Facts about a store.

    Attributes:
        store_id: random, made with the store and kept by its copies.
        created_at: seconds since 1970.
        schema, sqlite_version: of the file, and of the program that reads it.
        several_writers: whether several processes may write at once with this SQLite.
        journal: `wal`, or another where several processes cannot share it.
        bytes, wal_bytes: of the file, and of the -wal beside it.
        free_bytes: of its disk.
        filesystem, network: type of its file system, and whether it is one that several hosts share.
        rows: by table.
    """

    path: Path
    store_id: str
    created_at: float
    schema: int
    sqlite_version: str
    several_writers: bool
    journal: str
    bytes: int
    wal_bytes: int
    free_bytes: int
    filesystem: str
    network: bool
    rows: Mapping[str, int]


def store_info(connection: Connection, path: Path) -> StoreInfo:
    """Read the facts; a count of rows takes a moment for each million."""
    meta = dict(connection.execute("SELECT name, value FROM meta WHERE name IN ('store_id', 'created_at')"))
    kind = filesystem_type(path)
    wal = path.with_name(f"{path.name}-wal")
    return StoreInfo(
        path=path,
        store_id=meta["store_id"],
        created_at=meta["created_at"],
        schema=number(connection, "PRAGMA user_version"),
        sqlite_version=sqlite.version_text,
        several_writers=sqlite.is_wal_safe(),
        journal=str(connection.execute("PRAGMA journal_mode").fetchone()[0]),
        bytes=path.stat().st_size,
        wal_bytes=wal.stat().st_size if wal.exists() else 0,
        free_bytes=shutil.disk_usage(path.parent).free,
        filesystem=kind,
        network=is_network(kind),
        rows={table: number(connection, f"SELECT COUNT(*) FROM {table}") for table in TABLES},
    )
