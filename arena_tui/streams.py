"""Standard output and standard error: the only module that touches them.

Data goes to the one, talk to the other. What libraries print by themselves (logs, warnings, progress bars) is talk, and
made inert as all talk is.
"""

from __future__ import annotations

import errno
import io
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO, TextIO

from arena_tui.inert import inert

LEAST_WIDTH = 40

CLEAR_LINE = "\r\x1b[K"

_held: list[tuple[TextIO, TextIO]] = []
"""The real streams while `strays_as_talk` stands in for them."""

_redrawn: list[str] = []
"""The line that `redraw` has left on the terminal, if any."""


class ReaderGone(Exception):
    """Whoever read our data went away, as `head` does."""


def write_data(text: str) -> None:
    """Write to standard output, as it is.

    Raises:
        ReaderGone: nobody reads it.
    """
    _write(_data(), text)


def write_talk(text: str) -> None:
    """Write lines to standard error, as they are. Nobody listening is no reason to stop."""
    if _redrawn:
        _redrawn.clear()
        text = CLEAR_LINE + text
    try:
        _write(_talk(), text)
    except ReaderGone:
        _forget(_talk())


def redraw(line: str) -> None:
    """Replace the last line of the terminal. What is written next takes its place; an empty one takes it away."""
    if line or _redrawn:
        _redrawn[:] = [line]
        write_talk(inert(line))
        _redrawn[:] = [line] if line else []


@contextmanager
def binary_data() -> Iterator[BinaryIO]:
    """Standard output for the bytes of a file.

    Raises:
        ReaderGone: nobody reads it.
    """
    stream = _data()
    try:
        stream.flush()
        yield stream.buffer
        stream.flush()
    except BrokenPipeError:
        raise ReaderGone from None


def forget_data() -> None:
    """Write no more data: nobody reads it."""
    _forget(_data())


def data_is_seen() -> bool:
    """Whether data goes to a person's screen."""
    return _data().isatty()


def data_encoding() -> str:
    """How letters are written there."""
    return _data().encoding or "ascii"


def data_is_styled() -> bool:
    """Whether that screen takes bold letters, and the person wants them."""
    return data_is_seen() and os.environ.get("TERM") != "dumb" and "NO_COLOR" not in os.environ


def talk_is_redrawn() -> bool:
    """Whether talk goes to a screen whose last line can be drawn again."""
    return _talk().isatty() and os.environ.get("TERM") != "dumb"


def talk_shows(text: str) -> bool:
    """Whether standard error has these letters."""
    try:
        text.encode(_talk().encoding or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def data_width() -> int | None:
    """Cells in a line of the terminal, or as COLUMNS says; None for a file or pipe, where a line has no end."""
    return _width(_data())


def talk_width() -> int | None:
    """The same of standard error."""
    return _width(_talk())


def _width(stream: TextIO) -> int | None:
    said = os.environ.get("COLUMNS", "")
    if said.isdecimal() and int(said) > 0:
        return max(int(said), LEAST_WIDTH)
    try:
        return max(os.get_terminal_size(stream.fileno()).columns or 80, LEAST_WIDTH)
    except OSError:
        return None


@contextmanager
def strays_as_talk() -> Iterator[None]:
    """While it lasts, what is printed around this module, on either stream, becomes inert lines of talk."""
    real = (_data(), _talk())
    _held.append(real)
    before = sys.stdout, sys.stderr
    sys.stdout = sys.stderr = stray = _Stray()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before
        stray.close()
        _held.pop()


LONGEST_STRAY = 10_000
"""Characters of a line that is never ended, as bars that redraw themselves are; then it is said as one."""


class _Stray(io.TextIOBase):
    """Takes what others print, and says it line by line. It is no terminal, so that nobody draws on it."""

    encoding = "utf-8"
    errors = "backslashreplace"

    def __init__(self) -> None:
        super().__init__()
        self._begun: list[str] = []
        self._length = 0

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return False

    def fileno(self) -> int:
        return _talk().fileno()

    def write(self, text: str) -> int:
        whole, end, rest = text.rpartition("\n")
        if end:
            self._say(whole)
        self._begun.append(rest)
        self._length += len(rest)
        if self._length > LONGEST_STRAY:
            self._say("")
        return len(text)

    def close(self) -> None:
        if not self.closed and self._length:
            self._say("")
        super().close()

    def _say(self, rest: str) -> None:
        lines = "".join([*self._begun, rest]).split("\n")
        self._begun, self._length = [], 0
        write_talk("".join(f"{inert(line)}\n" for line in lines))


def _data() -> TextIO:
    return _held[-1][0] if _held else sys.stdout


def _talk() -> TextIO:
    return _held[-1][1] if _held else sys.stderr


def _write(stream: TextIO, text: str) -> None:
    """Write and flush, so that both streams keep their order. What its encoding lacks is shown escaped."""
    try:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            encoding = stream.encoding or "ascii"
            stream.write(text.encode(encoding, "backslashreplace").decode(encoding))
        stream.flush()
    except OSError as error:
        if not _reader_is_gone(stream, error):
            raise
        raise ReaderGone from None


def _reader_is_gone(stream: TextIO, error: OSError) -> bool:
    """Of a terminal that was hung up the kernel says what it says of a failing disk."""
    if isinstance(error, BrokenPipeError):
        return True
    return error.errno == errno.EIO and stat.S_ISCHR(os.fstat(stream.fileno()).st_mode)


def _forget(stream: TextIO) -> None:
    """Send what is still said on a broken stream to nowhere; else Python complains once more when it ends."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
