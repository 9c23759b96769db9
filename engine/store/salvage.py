"""What can still be read of a damaged store, copied row by row into a fresh one, with what was lost.

A table whose rows have numbers is read in ranges: one that cannot be read is halved until only the rows that stand on
damaged pages are missing. A row whose key does not follow from what it holds is lost too. What refers to lost rows
goes with them, or loses the reference where it may be null, so that running the plan again makes it anew. The counts
are made from the battles.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Any

from engine.errors import StoreError
from engine.store import sqlite
from engine.store.battles import read_arenas
from engine.store.connecting import READ, READ_FILE_ALONE, beside, connect, number
from engine.store.counts import rebuild
from engine.store.dangling import drop_dangling
from engine.store.migrations import APPLICATION_ID, STEPS
from engine.store.recognising import checked_version
from engine.store.sqlite import Connection, DatabaseError
from engine.store.store import Store, Transaction
from engine.store.texts import decode, text_hash
from engine.store.verify import verify
from engine.store.wal import check_wal

DERIVED = frozenset({"pair_counts", "side_counts", "online_folds"})
"""Made anew from the battles."""

_OWN = "_sqlite_migrations"
_BROKEN = object()


@dataclass(slots=True)
class TableSalvage:
    """What became of a table.

    Attributes:
        kept: rows in the new store.
        lost: rows that could not be read or stored, or whose keys do not follow from them; None where nothing says
            how many there were.
        dropped: rows that were read but refer to lost ones.
    """

    kept: int = 0
    lost: int | None = 0
    dropped: int = 0


@dataclass(slots=True)
class Salvage:
    """What was salvaged.

    Attributes:
        tables: by name.
        notes: what a person should know.
    """

    tables: dict[str, TableSalvage] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    @property
    def is_complete(self) -> bool:
        """Whether nothing was lost."""
        return not self.notes and all(one.lost == 0 and not one.dropped for one in self.tables.values())


def salvage(source: Path, out: Path, progress: Callable[[str], None] = lambda table: None) -> Salvage:
    """Copy what can be read of `source` into a new store `out`. The source is only read.

    Args:
        progress: is told which table is read next.

    Raises:
        StoreError: `out` exists already, not even the first page of the source can be read, or a newer program made it.
    """
    if out.exists():
        raise StoreError(f"{out} exists already", mend="Name a new file with --out.")
    result = Salvage()
    damaged = _open(source, result)
    try:
        with Store(out, writable=True) as fresh, fresh.write(foreign_keys=False) as tx:
            _fill(tx, damaged, result, progress)
    except BaseException:
        for ending in ("", "-wal", "-shm", "-journal"):
            beside(out, ending).unlink(missing_ok=True)
        raise
    finally:
        damaged.close()
    return result


def _fill(tx: Transaction, damaged: Connection, result: Salvage, progress: Callable[[str], None]) -> None:
    known = _tables_of(number(damaged, "PRAGMA user_version"))
    for table in _tables(tx.connection):
        progress(table)
        told = result.tables[table] = _copy_table(damaged, tx.connection, table, result)
        if table in known and not _columns(damaged, table):
            told.lost = None
            result.notes.append(f"{table} is lost: the file does not say any more where it is")
    _check_secret(damaged, result)
    progress("keys")
    _drop_unsound(tx.connection, result)
    for arena in read_arenas(tx.connection):
        rebuild(tx, arena.id)


def _drop_unsound(fresh: Connection, result: Salvage) -> None:
    """Leave no row that refers to a lost one, and none whose key is wrong.

    A key is derived from those of the rows that it refers to, so these come first: what hangs on a wrong one goes
    with it, and its own key says nothing.
    """
    while True:
        for table, dropped in drop_dangling(fresh).items():
            result.tables[table].dropped += dropped
            result.tables[table].kept -= dropped
        table, numbers = _first_mismatches(fresh)
        if not numbers:
            return
        fresh.executemany(f"DELETE FROM {table} WHERE id = ?", [(number,) for number in numbers])
        told = result.tables[table]
        told.kept -= len(numbers)
        if told.lost is not None:
            told.lost += len(numbers)


def _first_mismatches(fresh: Connection) -> tuple[str, list[int]]:
    """Rows of one table whose keys are wrong: of the first of those tables that refer to one another."""
    tables = groupby(verify(fresh), key=lambda mismatch: mismatch.table)
    for table, mismatches in tables:
        return table, [mismatch.id for mismatch in mismatches]
    return "", []


def _tables_of(version: int) -> frozenset[str]:
    """The tables that a store of a schema version has."""
    from sqlite_utils import Database

    db = Database(sqlite.connect(":memory:", isolation_level=None))
    for step in STEPS[:version]:
        step(db)
    return frozenset(_tables(db.conn))


def _open(source: Path, result: Salvage) -> Connection:
    """A connection that takes what it can get.

    Raises:
        StoreError: it is no store, or nothing of it can be read.
    """
    if not source.exists():
        raise StoreError(f"there is no file {source}")
    try:
        check_wal(source)
        ways = [READ, READ_FILE_ALONE]
    except StoreError as error:
        result.notes.append(f"{error.title}: only what stood in the file itself is taken")
        ways = [READ_FILE_ALONE]
    for way in ways:
        with suppress(DatabaseError):
            connection = connect(source, way, may_be_short=True)
            connection.text_factory = _text
            if connection.execute("PRAGMA application_id").fetchone()[0] == APPLICATION_ID:
                checked_version(source, connection, empty_is_fine=False)
                return connection
            connection.close()
    raise StoreError(
        f"nothing of {source} can be read: it is no store, or its first page is damaged",
        "The first page says where all tables are.",
        f"Use a copy if there is one. SQLite's own shell may find more: sqlite3 {source} .recover",
    )


def _text(stored: bytes) -> object:
    try:
        return stored.decode("utf-8")
    except UnicodeDecodeError:
        return _BROKEN


def _tables(fresh: Connection) -> list[str]:
    names = [name for (name,) in fresh.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    return [name for name in names if name not in DERIVED and name != _OWN]


def _copy_table(damaged: Connection, fresh: Connection, table: str, result: Salvage) -> TableSalvage:
    """Copy what can be read; columns that one of both lacks are left out."""
    told = TableSalvage()
    theirs = _columns(damaged, table)
    if not theirs:
        return told  # an older store has not got it
    ours = _columns(fresh, table)
    if any(needed and name not in theirs for name, needed in ours.items()):
        result.notes.append(f"{table} is not taken over: it was of another form in this store's version")
        return told
    columns = [name for name in ours if name in theirs]
    reading = _Reading(damaged, table, columns)
    marks = ", ".join("?" * len(columns))
    otherwise = "REPLACE" if table == "meta" else "ABORT"
    insert = f"INSERT OR {otherwise} INTO {table}({', '.join(columns)}) VALUES ({marks})"
    refused = 0
    for row in reading.rows():
        try:
            fresh.execute(insert, row)
            told.kept += 1
        except DatabaseError:
            refused += 1
    told.lost = reading.lost(told.kept + refused)
    if told.lost is not None:
        told.lost += refused
    return told


def _columns(connection: Connection, table: str) -> Mapping[str, bool]:
    """Names, and whether a row must have a value of its own there."""
    rows = connection.execute(f"PRAGMA table_info({table})")
    return {name: bool(needed) and default is None for _, name, _, needed, default, _ in rows}


class _Reading:
    """The readable rows of one table."""

    def __init__(self, connection: Connection, table: str, columns: list[str]) -> None:
        self._connection = connection
        self._table = table
        self._columns = ", ".join(columns)
        self._key = _primary_key(connection, table)
        self._has_numbers = _has_numbers(connection, table)
        self._is_text = table == "texts"
        self._failed = False
        self._unfit = 0

    def rows(self) -> Iterator[tuple[Any, ...]]:
        """Each once."""
        found = self._by_number() if self._has_numbers else self._by_key()
        for row in found:
            if _BROKEN in row or (self._is_text and not _is_whole_text(row)):
                self._unfit += 1
            else:
                yield row

    def lost(self, read: int) -> int | None:
        """How many rows there were besides those that were read; None where nothing says."""
        if not self._failed:
            return self._unfit
        known = [count for count, _ in self._by_indexes()]
        return max(known) - read if known and max(known) >= read else None

    def _by_number(self) -> Iterator[tuple[Any, ...]]:
        first, last = self._bound("MIN"), self._bound("MAX")
        if last is None:
            last = max((number for _, number in self._by_indexes() if number is not None), default=None)
        if last is None:
            yield from self._until_damage("ORDER BY rowid")
            return
        ranges = [(1 if first is None else first, last)]
        while ranges:
            low, high = ranges.pop()
            reached = low - 1
            try:
                for number, *row in self._connection.execute(
                    f"SELECT rowid, {self._columns} FROM {self._table} WHERE rowid BETWEEN ? AND ? ORDER BY rowid",
                    (low, high),
                ):
                    yield tuple(row)
                    reached = number
            except DatabaseError:
                self._failed = True
                if reached + 1 < high:
                    middle = (reached + 1 + high) // 2
                    ranges += [(middle + 1, high), (reached + 1, middle)]

    def _by_key(self) -> Iterator[tuple[Any, ...]]:
        """From both ends up to the damage."""
        order = ", ".join(self._key)
        seen = set()
        for row in self._until_damage(f"ORDER BY {order}"):
            seen.add(row[: len(self._key)])
            yield row
        if self._failed:
            backwards = ", ".join(f"{name} DESC" for name in self._key)
            for row in self._until_damage(f"ORDER BY {backwards}"):
                if row[: len(self._key)] not in seen:
                    yield row

    def _until_damage(self, order: str) -> Iterator[tuple[Any, ...]]:
        try:
            yield from self._connection.execute(f"SELECT {self._columns} FROM {self._table} {order}")
        except DatabaseError:
            self._failed = True

    def _bound(self, function: str) -> int | None:
        try:
            (number,) = self._connection.execute(f"SELECT {function}(rowid) FROM {self._table}").fetchone()
            return 0 if number is None else int(number)
        except DatabaseError:
            self._failed = True
            return None

    def _by_indexes(self) -> Iterator[tuple[int, int | None]]:
        """Number of rows, and the highest one's, as each index has them that covers all rows."""
        number = "MAX(rowid)" if self._has_numbers else "NULL"
        for _, name, _, _, is_partial in self._connection.execute(
            f"PRAGMA index_list({self._table})"
        ).fetchall():
            if not is_partial and not (name.startswith("sqlite_autoindex") and not self._has_numbers):
                with suppress(DatabaseError):
                    query = f"SELECT COUNT(*), {number} FROM {self._table} INDEXED BY {name}"
                    yield self._connection.execute(query).fetchone()


def _primary_key(connection: Connection, table: str) -> list[str]:
    rows = connection.execute(f"PRAGMA table_info({table})").fetchall()
    return [name for place, name in sorted((row[5], row[1]) for row in rows) if place]


def _has_numbers(connection: Connection, table: str) -> bool:
    (sql,) = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (table,)).fetchone()
    return "WITHOUT ROWID" not in sql


def _is_whole_text(row: tuple[Any, ...]) -> bool:
    _, digest, body = row
    try:
        return bool(text_hash(decode(body)) == digest)
    except (AttributeError, UnicodeDecodeError):
        return False


def _check_secret(damaged: Connection, result: Salvage) -> None:
    try:
        if damaged.execute("SELECT COUNT(*) FROM meta WHERE name = 'secret'").fetchone() == (1,):
            return
    except DatabaseError:
        pass
    result.notes.append("the store's secret and id are lost: the new store has others")
