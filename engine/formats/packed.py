"""A file as a stream of UTF-8 bytes with bounded memory, whatever it was packed and encoded in.

gzip and zstd are unpacked, UTF-16 with a byte order mark is transcoded, the mark of UTF-8 is dropped.
Nothing here trusts a file: a line, and what a packed file unpacks to, are limited.
"""

from __future__ import annotations

import codecs
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

from engine.errors import UsageError, UserError

BLOCK_BYTES = 1 << 20
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_ZIP = b"PK\x03\x04"
# UTF-32's little-endian mark starts with UTF-16's, so it comes first.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
    (codecs.BOM_UTF8, "utf-8"),
)


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may cost.

    Attributes:
        line_bytes: longest line, CSV cell or element of a JSON list.
        document_bytes: largest JSON document that has to be read whole (one object, or an object of lists).
        unpacked_bytes: what a packed file may unpack to whatever its ratio.
        unpack_ratio: beyond that, unpacked bytes per packed byte. Text packs 3 to 30 to 1, gzip at most 1032.
    """

    line_bytes: int = 64 << 20
    document_bytes: int = 512 << 20
    unpacked_bytes: int = 256 << 20
    unpack_ratio: float = 200.0


LIMITS = Limits()


class DamagedFileError(Exception):
    """A packed file ends too early or does not unpack. What came before it is good."""


class Overlong(bytes):
    """The start of a line that was longer than the limit; the rest was skipped."""


class _Unpacked(io.RawIOBase):
    """Unpacks gzip (any number of members) or zstd as it is read, and stops at a bomb."""

    def __init__(self, path: Path, packed: BinaryIO, kind: str, limits: Limits) -> None:
        self._path = path
        self._packed = packed
        self._limits = limits
        self._stream = _gzip_stream(packed) if kind == "gzip" else _zstd_stream(packed)
        self._unpacked_bytes = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        try:
            block = self._stream.read(min(len(buffer), BLOCK_BYTES))
        except (EOFError, OSError, zlib.error) as error:
            raise DamagedFileError(str(error)) from error
        self._unpacked_bytes += len(block)
        self._stop_at_bomb()
        buffer[: len(block)] = block
        return len(block)

    def _stop_at_bomb(self) -> None:
        if self._unpacked_bytes <= self._limits.unpacked_bytes:
            return
        if self._unpacked_bytes > self._limits.unpack_ratio * self._packed.tell():
            raise UserError(
                f"{self._path} unpacks to more than {self._limits.unpack_ratio:g} times its size",
                f"{self._packed.tell():,} bytes became {self._unpacked_bytes:,}: it may be a decompression bomb.",
                "If you trust the file, unpack it first and import what comes out.",
            )

    def close(self) -> None:
        self._packed.close()
        super().close()


def _gzip_stream(packed: BinaryIO) -> BinaryIO:
    import gzip

    return cast(BinaryIO, gzip.GzipFile(fileobj=packed, mode="rb"))


def _zstd_stream(packed: BinaryIO) -> BinaryIO:
    import pyarrow as pa

    return cast(BinaryIO, pa.CompressedInputStream(pa.PythonFile(packed, mode="r"), "zstd"))


class _Transcoded(io.RawIOBase):
    """UTF-16 as UTF-8.

    Lone surrogates and half a character at the end become bytes that are no UTF-8, so that the reader sets
    their lines aside.
    """

    def __init__(self, source: BinaryIO, encoding: str) -> None:
        self._source = source
        self._decoder = codecs.getincrementaldecoder(encoding)("surrogatepass")
        self._pending = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        while not self._pending and not self._ended:
            block = self._source.read(BLOCK_BYTES)
            self._ended = not block
            self._pending = self._transcode(block)
        taken = self._pending[: len(buffer)]
        self._pending = self._pending[len(taken) :]
        buffer[: len(taken)] = taken
        return len(taken)

    def _transcode(self, block: bytes) -> bytes:
        try:
            return self._decoder.decode(block, final=not block).encode("utf-8", "surrogatepass")
        except UnicodeDecodeError:  # half a character, at the end of the file
            return b"\xff"

    def close(self) -> None:
        self._source.close()
        super().close()


def open_source(path: Path, limits: Limits = LIMITS) -> io.BufferedReader:
    """Open a file as UTF-8 bytes: unpacked, transcoded, without a byte order mark.

    Raises:
        UsageError: when it cannot be opened, is a folder, or is a packed kind that is not read.
    """
    stream = _unpacked(path, _opened(path), limits)
    try:
        head = stream.peek(4)[:4]
    except DamagedFileError as error:
        stream.close()
        raise UsageError(f"{path} cannot be unpacked", str(error)) from error
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            stream.read(len(mark))
            return _in_utf8(path, stream, encoding)
    return stream


def _in_utf8(path: Path, stream: io.BufferedReader, encoding: str) -> io.BufferedReader:
    if encoding == "utf-8":
        return stream
    if encoding.startswith("utf-32"):
        stream.close()
        raise UsageError(f"{path} is UTF-32", mend="Convert it to UTF-8.")
    return _buffered(_Transcoded(stream, encoding))


def _opened(path: Path) -> io.BufferedReader:
    if path.is_dir():
        raise UsageError(f"{path} is a folder", mend="Name the files in it.")
    try:
        return _buffered(path.open("rb", buffering=0))
    except OSError as error:
        raise UsageError(f"cannot open {path}", error.strerror or str(error)) from error


def _unpacked(path: Path, stream: io.BufferedReader, limits: Limits) -> io.BufferedReader:
    head = stream.peek(4)[:4]
    if head.startswith(_ZIP):
        stream.close()
        raise UsageError(f"{path} is a zip archive", mend="Unpack it and import the files in it.")
    if head.startswith(_GZIP) or head == _ZSTD:
        kind = "gzip" if head.startswith(_GZIP) else "zstd"
        return _buffered(_Unpacked(path, stream, kind, limits))
    return stream


def _buffered(raw: io.RawIOBase) -> io.BufferedReader:
    return io.BufferedReader(raw, BLOCK_BYTES)


def lines(stream: BinaryIO, limit: int) -> Iterator[bytes]:
    """Lines with their ends. One of `limit` bytes or more comes as an `Overlong` start, its rest skipped."""
    readline = stream.readline
    while line := readline(limit):
        if len(line) == limit and not line.endswith(b"\n"):
            _skip_line(stream)
            line = Overlong(line[:2000])
        yield line


def _skip_line(stream: BinaryIO) -> None:
    while (rest := stream.readline(BLOCK_BYTES)) and not rest.endswith(b"\n"):
        pass


def lines_by_cr(stream: BinaryIO, limit: int) -> Iterator[bytes]:
    """Lines that end with CR, as `lines` gives those that end with LF."""
    pending = b""
    while block := stream.read(BLOCK_BYTES):
        *whole, pending = (pending + block).split(b"\r")
        yield from (_within(line + b"\r", limit) for line in whole)
        if len(pending) >= limit:
            pending = pending[:limit]  # enough to be too long when its end is met
    if pending:
        yield _within(pending, limit)


def _within(line: bytes, limit: int) -> bytes:
    return Overlong(line[:2000]) if len(line) >= limit else line


def invalid_utf8(error: UnicodeDecodeError) -> str:
    """The reason for a line that is no UTF-8, with the first byte that is not."""
    return f"invalid UTF-8 (byte 0x{error.object[error.start]:02x})"
