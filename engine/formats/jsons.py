"""JSON lines and JSON documents: strict, streamed, every string kept exactly (lone surrogates and NUL too).

NaN and Infinity are not JSON, and a key that stands twice says two things: both set the row aside.
"""

from __future__ import annotations

import codecs
import io
import json
import re
from collections.abc import Iterator
from typing import Any

from engine.errors import UsageError
from engine.formats.entry import Entry, Record, excerpt
from engine.formats.exact import has_surrogates
from engine.formats.packed import BLOCK_BYTES, Limits, Overlong, invalid_utf8, lines
from engine.formats.rows import SetAside

_SPACE = re.compile(r"[ \t\n\r]*")
_NOT_UTF8 = re.compile("[\udc80-\udcff]")
# A decoding error this far before the end of what was read is an error whatever follows.
_LONGEST_TOKEN = 16


class _NotStrictError(ValueError):
    """JSON that Python would read, and should not."""


class _SkippedError(Exception):
    """A value that was moved past: why, and its text."""

    def __init__(self, reason: str, text: str) -> None:
        super().__init__(reason)
        self.reason = reason
        self.text = text


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise _NotStrictError("a key stands twice")
    return value


def _constant(name: str) -> Any:
    raise _NotStrictError(f"{name} is not JSON")


_DECODER = json.JSONDecoder(object_pairs_hook=_object, parse_constant=_constant)
_LENIENT = json.JSONDecoder(parse_int=str)


def reason_of(error: Exception) -> str:
    """Why a text is no JSON that we read, in words that can be counted."""
    if isinstance(error, json.JSONDecodeError):
        return f"broken JSON: {error.msg}"
    if isinstance(error, RecursionError):
        return "broken JSON: nested too deeply"
    if isinstance(error, _NotStrictError):
        return f"broken JSON: {error}"
    return "broken JSON: a number is too long"


def loads(text: str) -> Any:
    """json.loads, strict.

    Raises:
        ValueError, RecursionError: see `reason_of`.
    """
    value, end = _DECODER.raw_decode(text, _SPACE.match(text, 0).end())  # type: ignore[union-attr]
    if end != len(text) and _SPACE.match(text, end).end() != len(text):  # type: ignore[union-attr]
        raise json.JSONDecodeError("Extra data", text, end)
    return value


def read_json_lines(
    stream: io.BufferedReader, file: str, limits: Limits, bare: str | None = None
) -> Iterator[Entry]:
    """Stream JSON lines. Blank lines are no rows; a line that is only a string becomes the column `bare`."""
    number = 0
    scan = _DECODER.raw_decode
    for line in lines(stream, limits.line_bytes):
        number += 1
        try:
            text = line.decode()
            value, end = scan(text)
            if end < len(text) - 1 or text[-1] != "\n":
                value = loads(text)
        except (ValueError, RecursionError):
            if not line.isspace():
                yield _second_look(line, file, number, bare)
            continue
        if type(value) is dict and type(line) is bytes:
            yield Record(file, number, value)
        else:
            yield _second_look(line, file, number, bare)


def _second_look(line: bytes, file: str, number: int, bare: str | None) -> Entry:
    """A line that is not plainly one object: leading space, a bare string, or something to set aside."""
    shown = excerpt(line[:2000].decode(errors="backslashreplace"))
    if isinstance(line, Overlong):
        return SetAside("line too long", file, number, shown)
    try:
        value = loads(line.decode())
    except UnicodeDecodeError as error:
        return SetAside(invalid_utf8(error), file, number, shown)
    except (ValueError, RecursionError) as error:
        cut = not line.endswith(b"\n")
        return SetAside("cut last line" if cut else reason_of(error), file, number, shown)
    return _entry(value, file, number, bare)


def _entry(value: Any, file: str, number: int, bare: str | None) -> Entry:
    if isinstance(value, dict):
        return Record(file, number, value)
    if isinstance(value, str) and bare is not None:
        return Record(file, number, {bare: value})
    return SetAside("not an object", file, number, excerpt(str(value)[:2000]))


class _Window:
    """The part of a JSON text that is being decoded. It moves on as values are taken."""

    def __init__(self, stream: io.BufferedReader, limit: int) -> None:
        self._stream = stream
        self._decode = codecs.getincrementaldecoder("utf-8")("surrogateescape").decode
        self._limit = limit
        self._suspect = False
        self.text = ""
        self.at = 0
        self.ended = False

    def _fill(self) -> None:
        block = self._stream.read(max(BLOCK_BYTES, len(self.text) - self.at))
        more = self._decode(block, final=not block)
        self.ended = not block
        self.text = self.text[self.at :] + more
        self.at = 0
        self._suspect = self._suspect or has_surrogates(more)

    def peek(self) -> str:
        """The next character that is no space; empty at the end."""
        while True:
            self.at = _SPACE.match(self.text, self.at).end()  # type: ignore[union-attr]
            if self.at < len(self.text):
                return self.text[self.at]
            if self.ended:
                return ""
            self._fill()

    def value(self) -> Any:
        """Decode the next value and move past it.

        Raises:
            _SkippedError: it is not strict JSON or not UTF-8; it has been moved past.
            ValueError, RecursionError: it is broken, or longer than the limit; its end cannot be told.
        """
        while True:
            try:
                value, end = _DECODER.raw_decode(self.text, self.at)
            except json.JSONDecodeError as error:
                self._grow(error)
                continue
            except ValueError as error:
                raise self._skipped(self._end(), reason_of(error)) from error
            if end == len(self.text) and not self.ended:  # a number may go on in the next block
                self._fill()
                continue
            if self._suspect and (bad := _NOT_UTF8.search(self.text, self.at, end)):
                raise self._skipped(end, f"invalid UTF-8 (byte 0x{ord(bad[0]) - 0xDC00:02x})")
            self.at = end
            return value

    def _grow(self, error: json.JSONDecodeError) -> None:
        """Read on, where an error may be the end of what was read."""
        unterminated = error.msg.startswith("Unterminated string")
        broken = not unterminated and error.pos < len(self.text) - _LONGEST_TOKEN
        if self.ended or broken:
            raise error
        if len(self.text) - self.at > self._limit:
            raise _NotStrictError("an element is too long") from error
        self._fill()

    def _end(self) -> int:
        """Where the next value ends, strict or not."""
        while True:
            try:
                return _LENIENT.raw_decode(self.text, self.at)[1]
            except json.JSONDecodeError as error:
                self._grow(error)

    def _skipped(self, end: int, reason: str) -> _SkippedError:
        shown = self.text[self.at : min(end, self.at + 2000)]
        self.at = end
        return _SkippedError(
            reason, shown.encode("utf-8", "surrogateescape").decode(errors="backslashreplace")
        )


def read_json_list(
    stream: io.BufferedReader, file: str, limits: Limits, bare: str | None = None
) -> Iterator[Entry]:
    """Stream the elements of one JSON list. What follows a broken element is set aside with it, as one."""
    window = _Window(stream, limits.line_bytes)
    window.peek()
    window.at += 1
    number = 0
    mark = window.peek()
    while mark not in ("]", ""):
        number += 1
        try:
            yield _entry(window.value(), file, number, bare)
        except _SkippedError as error:
            yield SetAside(error.reason, file, number, excerpt(error.text))
        except (ValueError, RecursionError) as error:
            yield _rest(window, file, number, reason_of(error))
            return
        mark = window.peek()
        if mark == ",":
            window.at += 1
            mark = window.peek()
            if mark == "]":
                break
        elif mark not in ("]", ""):
            yield _rest(window, file, number + 1, "broken JSON: Expecting ',' delimiter")
            return
    window.at += 1
    if mark == "":
        yield SetAside("cut file", file, number + 1, "the list is not closed")
    elif window.peek():
        yield _rest(window, file, number + 1, "text after the end of the list")


def _rest(window: _Window, file: str, number: int, reason: str) -> SetAside:
    reason = "cut file" if window.ended and not reason.startswith("text") else reason
    return SetAside(reason, file, number, excerpt(window.text[window.at : window.at + 2000]))


def read_json_document(
    stream: io.BufferedReader, file: str, limits: Limits, bare: str | None = None
) -> Iterator[Entry]:
    """Read one JSON object: columns as lists of one length, rows under one key, or a single record.

    Raises:
        UsageError: when it is broken or larger than the limit; no row of it can be told then.
    """
    content = stream.read(limits.document_bytes + 1)
    if len(content) > limits.document_bytes:
        raise UsageError(
            f"{file} is one JSON object of more than {limits.document_bytes:,} bytes", mend=_AS_LINES
        )
    try:
        document = loads(content.decode())
    except UnicodeDecodeError as error:
        raise UsageError(f"{file}: {invalid_utf8(error)} at byte {error.start + 1}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise UsageError(f"{file} is broken JSON", f"{where}: {error.msg}") from error
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{file}: {reason_of(error)}") from error
    for number, value in enumerate(_rows_of(document), 1):
        yield _entry(value, file, number, bare)


_AS_LINES = "Convert it to JSON lines (one object a line)."


def _rows_of(document: Any) -> Iterator[Any]:
    if not isinstance(document, dict):
        yield document
        return
    lists = [value for value in document.values() if isinstance(value, list)]
    tables = [value for value in lists if value and all(isinstance(item, dict) for item in value)]
    if len(tables) == 1 and len(lists) == 1:
        yield from tables[0]
    elif len(lists) > 1 and len(lists) == len(document) and len({len(column) for column in lists}) == 1:
        yield from (dict(zip(document, cells, strict=True)) for cells in zip(*lists, strict=True))
    else:
        yield document
