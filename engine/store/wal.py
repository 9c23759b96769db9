"""The -wal file beside a store: whether it is there when it must be, belongs to the store, and is whole.

SQLite replays any -wal of the right name whose checksums hold, also one that another store left there, and takes a
missing or damaged one for an empty one (https://sqlite.org/howtocorrupt.html, section 4). So it is looked at before.
Reading this file by hand is safe: SQLite holds its locks on the other two. Format: https://sqlite.org/fileformat.html,
section 4.
"""

from __future__ import annotations

import os
import struct
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import StoreError
from engine.store import sqlite
from engine.store.connecting import READ_FILE_ALONE, beside, connect, number, size_of

_HEADER, _FRAME = struct.Struct(">8I"), struct.Struct(">6I")
_MAGIC = 0x377F0682
"""With its lowest bit set the checksums are over big-endian words, else over little-endian ones."""

_CHUNK_FRAMES = 512

_LOCK_BYTE = 1 << 30
"""The page that holds this byte is never used."""

_LOOKS, _PAUSE_SECONDS = 6, 0.05
"""A checkpoint that goes on, or a last connection that closes, shows a passing state; a wrong one stays."""


@dataclass(frozen=True, slots=True)
class Wal:
    """What the frame headers of a -wal say, up to its last commit.

    Attributes:
        pages: numbers of the pages that it holds.
        final_pages: the store's size in pages after the last commit; 0 without one.
    """

    page_size: int
    pages: frozenset[int]
    final_pages: int

    def fits(self, page_size: int, file_pages: int) -> bool:
        """Whether it can have been written on top of a file of so many pages.

        A store only grows, or is rewritten whole, and the file has the size of the last checkpoint: pages beyond it
        must all be here.
        """
        if not self.final_pages:
            return True
        lock_page = _LOCK_BYTE // self.page_size + 1
        grown = set(range(file_pages + 1, self.final_pages + 1)) - {lock_page}
        is_rewritten = len(self.pages) >= self.final_pages - 1
        return (
            page_size == self.page_size
            and grown <= self.pages
            and (self.final_pages >= file_pages or is_rewritten)
        )


def check_wal(path: Path) -> None:
    """
    Raises:
        StoreError: the -wal of the store is missing, or is that of another state or store, or stands there alone.
    """
    if not size_of(path):
        if size_of(beside(path, "-wal")):
            raise StoreError(
                f"{path} is {'empty' if path.exists() else 'not there'}, but {path.name}-wal is",
                "It holds what was last written to a store; opening a new one here would delete it.",
                "Put the store back beside it, or move it away.",
            )
        return
    if _stays(lambda: _is_missing(path)):
        raise StoreError(
            f"the file {path.name}-wal that belongs to {path} is missing",
            f"{path.name}-shm stands there without it: a process was killed, and what it had last written was in it.",
            f"Put it back beside the store. If it is lost, delete {beside(path, '-shm')}: the store then shows what "
            "was in its file at the last checkpoint.",
        )
    if size_of(beside(path, "-wal")) and _stays(lambda: not _fits(path)):
        raise StoreError(
            f"the file {path.name}-wal beside {path} belongs to another store, or to another state of this one",
            "Replaying it would damage the store. It may be left from what stood here before.",
            f"Put back the store that it belongs to; or move {beside(path, '-wal')} away, and -shm with it. "
            "Then: arena-tui store check",
        )


def _stays(is_wrong: Callable[[], bool]) -> bool:
    for look in range(_LOOKS):
        if look:
            time.sleep(_PAUSE_SECONDS)
        if not is_wrong():
            return False
    return True


def _is_missing(path: Path) -> bool:
    return size_of(beside(path, "-shm")) > 0 and not beside(path, "-wal").exists()


def _fits(path: Path) -> bool:
    """Whether file and -wal go together; True too where the -wal was started anew between two looks at its head."""
    head = _head_of(path)
    try:
        connection = connect(path, READ_FILE_ALONE, may_be_short=True)
    except sqlite.DatabaseError:
        return True  # opening it will say why
    try:
        page_size, pages = number(connection, "PRAGMA page_size"), number(connection, "PRAGMA page_count")
    except sqlite.DatabaseError:
        return True
    finally:
        connection.close()
    wal = read_wal(path)
    return wal is None or wal.fits(page_size, pages) or _head_of(path) != head


def _head_of(path: Path) -> bytes:
    """What tells one start of a -wal from another."""
    try:
        with beside(path, "-wal").open("rb") as file:
            return file.read(_HEADER.size)
    except OSError:
        return b""


def read_wal(path: Path) -> Wal | None:
    """The frame headers of a store's -wal; None where it has none, or no whole header."""
    try:
        descriptor = os.open(beside(path, "-wal"), os.O_RDONLY)
    except OSError:
        return None
    try:
        head = os.pread(descriptor, _HEADER.size, 0)
        if len(head) < _HEADER.size:
            return None
        magic, _, page_size, _, *salts, _, _ = _HEADER.unpack(head)
        if magic & ~1 != _MAGIC:
            return None
        return _read_frames(descriptor, page_size, tuple(salts))
    finally:
        os.close(descriptor)


def _read_frames(descriptor: int, page_size: int, salts: tuple[int, ...]) -> Wal:
    committed: set[int] = set()
    open_pages: set[int] = set()
    final = 0
    for page, size_after, *frame_salts, _, _ in _frame_heads(descriptor, page_size):
        if tuple(frame_salts) != salts:
            break
        open_pages.add(page)
        if size_after:
            committed |= open_pages
            open_pages.clear()
            final = size_after
    return Wal(page_size, frozenset(committed), final)


def _frame_heads(descriptor: int, page_size: int) -> Iterator[tuple[int, ...]]:
    """Many at a time: every command that opens a store waits for this."""
    frame = struct.Struct(f"{_FRAME.format}{page_size}x")
    offset = _HEADER.size
    while chunk := os.pread(descriptor, _CHUNK_FRAMES * frame.size, offset):
        whole = len(chunk) // frame.size * frame.size
        yield from frame.iter_unpack(memoryview(chunk)[:whole])
        if whole < len(chunk) or not whole:
            return
        offset += whole


def unusable_commits(path: Path) -> int | None:
    """How many commits in the -wal SQLite cannot use, since a frame before them is damaged: after a power loss the
    last second's; else a bit flipped. 0 when all is well, or others wrote meanwhile; None when the header is damaged.

    Reads the whole file: seconds for each 100 MB.
    """
    try:
        content = beside(path, "-wal").read_bytes()
    except OSError:
        return 0
    if len(content) <= _HEADER.size or not any(content[: _HEADER.size]):
        return 0
    magic, _, page_size, _, salt_1, salt_2, *kept = _HEADER.unpack_from(content)
    words = ">" if magic & 1 else "<"
    sums = _checksum(content[:24], (0, 0), words)
    if magic & ~1 != _MAGIC or list(sums) != kept:
        return None
    unusable, is_whole = 0, True
    for offset in range(_HEADER.size, len(content) - page_size - _FRAME.size + 1, _FRAME.size + page_size):
        _, size_after, *salts_and_sums = _FRAME.unpack_from(content, offset)
        if salts_and_sums[:2] != [salt_1, salt_2]:
            break
        if is_whole:
            start = offset + _FRAME.size
            sums = _checksum(content[offset : offset + 8] + content[start : start + page_size], sums, words)
            is_whole = list(sums) == salts_and_sums[2:]
        unusable += not is_whole and size_after > 0
    return unusable if _head_of(path) == content[: _HEADER.size] else 0


def _checksum(data: bytes, sums: tuple[int, int], words: str) -> tuple[int, int]:
    first, second = sums
    numbers = struct.unpack(f"{words}{len(data) // 4}I", data)
    for even, odd in zip(numbers[::2], numbers[1::2], strict=True):
        first = (first + even + second) & 0xFFFFFFFF
        second = (second + odd + first) & 0xFFFFFFFF
    return first, second
