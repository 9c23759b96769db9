"""The store as a place: its file system, its journal, the room on its disk, and what lies beside it."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

from engine.doctor.finding import Finding, fine, problem, warning
from engine.errors import StoreError
from engine.store import Store, open_store
from engine.store.connecting import beside, size_of
from engine.store.disk import FLOOR_BYTES, is_full
from engine.store.filesystem import filesystem_type, is_network
from engine.store.journal import WAL_LARGE_BYTES
from engine.store.opening import OlderStore
from engine.store.owner import owner_of_copy, read_owner, refuse_store_of_others
from engine.store.placement import ALLOW_NETWORK_OPTION, is_network_allowed

LITTLE_BYTES = 2 << 30

_PART = re.compile(r"\.(?:.+\.(\d+)-[0-9a-f]{8}\.part|arena-tui-probe\.(\d+)\.[0-9a-f]{8})")


def place_findings(path: Path) -> Iterator[Finding]:
    """Where the store lies, or would lie."""
    yield _filesystem(path)
    yield _room(path)
    if not path.exists():
        yield fine("store", f"none yet at {path}")
        return
    yield _state(path)
    wal = size_of(beside(path, "-wal"))
    if wal > 3 * WAL_LARGE_BYTES:
        yield warning(
            "store", f"{_size(wal)} stand in its -wal", "A reader holds it for long, or a disk was full."
        )
    yield from _beside(path)


def mirror_finding(folder: Path) -> Finding:
    """Who keeps a mirror's folder, and how old its copy is."""
    if not folder.exists():
        return fine("mirror", f"{folder} is not there yet: the first run makes it")
    if not os.access(folder, os.W_OK):
        return problem("mirror", f"{folder} cannot be written by you", "Name another folder with --mirror.")
    try:
        refuse_store_of_others(folder)
        owner = read_owner(folder)
    except StoreError as error:
        said = ": ".join(part for part in (error.title, error.text) if part)
        return problem("mirror", said, error.mend)
    if owner is None:
        return fine("mirror", f"{folder} holds no copy yet")
    made = "no copy yet"
    if owner.copied_at is not None:
        at = time.strftime("%Y-%m-%d %H:%M", time.localtime(owner.copied_at))
        made = f"a copy of {owner.copied_from}'s store of {at}"
    if owner.released:
        return fine("mirror", f"{folder} holds {made}; nobody keeps it now")
    who = f"process {owner.pid} on {owner.host}"
    return fine(
        "mirror", f"{folder} holds {made}; kept by {who}, or left by it when it was killed: a start finds out"
    )


def _filesystem(path: Path) -> Finding:
    kind = filesystem_type(path if path.exists() else path.parent)
    where = f"{path} on {kind or 'a file system of unknown type'}"
    if not is_network(kind) or owner_of_copy(path) is not None:
        return fine("file system", where)
    if is_network_allowed():
        return warning("file system", f"{where}, a network: one process at a time, as was allowed")
    return problem(
        "file system",
        f"{where}, a network, where a store gets corrupted",
        f"Name a local path with --store FILE and keep a copy with --mirror DIR; or {ALLOW_NETWORK_OPTION}.",
    )


def _room(path: Path) -> Finding:
    folder = next(one for one in (path.parent, *path.parent.parents) if one.exists())
    if not os.access(folder, os.W_OK):
        return warning("disk", f"{folder} cannot be written by you", "Name another place with --store FILE.")
    free = shutil.disk_usage(folder).free
    if is_full(folder / path.name, FLOOR_BYTES):
        return problem(
            "disk", f"full: {_size(free)} free at {folder}, or a quota is used up", "Free some space."
        )
    if free < LITTLE_BYTES:
        return warning("disk", f"{_size(free)} free at {folder}", "A run's preflight says what it takes.")
    return fine("disk", f"{_size(free)} free at {folder}")


def _state(path: Path) -> Finding:
    try:
        with open_store(path) as store:
            return fine("store", _facts(store, path))
    except OlderStore as error:
        return warning("store", error.title, error.mend)
    except StoreError as error:
        return problem("store", ". ".join(part for part in (error.title, error.text) if part), error.mend)


def _facts(store: Store, path: Path) -> str:
    connection = store.reader
    (schema,) = connection.execute("PRAGMA user_version").fetchone()
    (journal,) = connection.execute("PRAGMA journal_mode").fetchone()
    owner = owner_of_copy(path)
    copy = "" if owner is None else f"; a mirror's copy of {owner.copied_from or owner.host}'s store"
    return f"{_size(path.stat().st_size)}, schema {schema}, journal {journal}{copy}"


def _beside(path: Path) -> Iterator[Finding]:
    """Files that a killed process or an update has left beside the store."""
    stale = [
        one for one in path.parent.glob(".*") if (match := _PART.fullmatch(one.name)) and _is_dead(match)
    ]
    if stale:
        names = ", ".join(str(one) for one in sorted(stale))
        yield warning(
            "leftovers", f"{len(stale)} half-written files of killed processes: {names}", "Delete them."
        )
    copies = [*path.parent.glob(f"{path.name}.schema*"), *path.parent.glob(f"{path.name}.epoch*")]
    if copies:
        taken = _size(sum(one.stat().st_size for one in copies))
        names = ", ".join(one.name for one in sorted(copies))
        yield fine(
            "leftovers", f"older states kept beside it, {taken}: {names}; delete them when all is well"
        )


def _is_dead(match: re.Match[str]) -> bool:
    import psutil

    return not psutil.pid_exists(int(match[1] or match[2]))


def _size(count: float) -> str:
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count / 1e3:,.1f} kB"
