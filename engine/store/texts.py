"""Texts, each stored once and referred to by number, exactly as they came.

SQLite's TEXT is UTF-8 that other tools cut at a NUL, and a lone surrogate is no UTF-8. So a text is stored as TEXT
where that is exact, and as a BLOB of UTF-8 with surrogates passed through where it is not; the type tells which.
Names from outside (models, categories) are stored by the same rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, overload

from engine.store.sqlite import Connection

Stored = str | bytes

_LOOKUP_CHUNK = 5_000


def encode(text: str) -> Stored:
    """A text as SQLite is to hold it."""
    if "\0" in text:
        return text.encode("utf-8", "surrogatepass")
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError:
            return text.encode("utf-8", "surrogatepass")
    return text


@overload
def decode(stored: Stored) -> str: ...
@overload
def decode(stored: None) -> None: ...
def decode(stored: Stored | None) -> str | None:
    """The text that `encode` was given; None stays None."""
    if isinstance(stored, bytes):
        return stored.decode("utf-8", "surrogatepass")
    return stored


def text_hash(text: str) -> bytes:
    """16 bytes of SHA-256 over UTF-8 with surrogates passed through."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:16]


def intern(connection: Connection, texts: Iterable[str]) -> dict[str, int]:
    """Store the texts that are new and return the number of every one.

    Must run inside a write transaction.
    """
    hashes = {text: text_hash(text) for text in texts}
    if not hashes:
        return {}
    numbers = _known(connection, hashes.values())
    missing = {digest: text for text, digest in hashes.items() if digest not in numbers}
    first = connection.execute("SELECT COALESCE(MAX(id), 0) + 1 FROM texts").fetchone()[0]
    connection.executemany(
        "INSERT INTO texts(id, hash, body) VALUES (?, ?, ?)",
        ((first + offset, digest, encode(text)) for offset, (digest, text) in enumerate(missing.items())),
    )
    numbers |= {digest: first + offset for offset, digest in enumerate(missing)}
    return {text: numbers[digest] for text, digest in hashes.items()}


def _known(connection: Connection, digests: Iterable[bytes]) -> dict[bytes, int]:
    return dict(select_in(connection, "SELECT hash, id FROM texts WHERE hash IN", list(digests)))


def select_in(connection: Connection, query: str, values: Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Rows of `query (?, ?, ...)` for any number of values, asked in chunks that SQLite's limit allows."""
    for start in range(0, len(values), _LOOKUP_CHUNK):
        chunk = values[start : start + _LOOKUP_CHUNK]
        marks = ",".join("?" * len(chunk))
        yield from connection.execute(f"{query} ({marks})", chunk)


def read(connection: Connection, number: int | None) -> str | None:
    """The text of a number; None for None."""
    if number is None:
        return None
    row = connection.execute("SELECT body FROM texts WHERE id = ?", (number,)).fetchone()
    return decode(row[0]) if row else None
