"""On which line of a TOML file each value stands. `tomllib` reads values; it keeps no places.

The scanner follows TOML 1.0 far enough to find keys and the ends of values. It expects text that `tomllib` has
read, so it checks nothing itself.
"""

from __future__ import annotations

import re
import tomllib

from engine.plan.keypath import KeyPath

_BLANK = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")
_STRINGS = (
    re.compile(r'"""(?:[^\\]|\\.)*?"{3,5}(?!")', re.DOTALL),
    re.compile(r"'''.*?'{3,5}(?!')", re.DOTALL),
    re.compile(r'"(?:[^"\\]|\\.)*"'),
    re.compile(r"'[^']*'"),
)


def line_numbers(text: str) -> dict[KeyPath, int]:
    """The 1-based line of every table, key and list item of a TOML document, by path.

    A table's line is that of its first header, or of the key that first makes it; an item of an array of tables
    stands where its header does.

    Args:
        text: a document that `tomllib.loads` takes. Both kinds of line ends are understood.
    """
    return _Scanner(text.replace("\r\n", "\n")).scan()


class _Scanner:
    """One pass over a document. `at` is the place of the next character."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._items: dict[KeyPath, int] = {}
        self._line = 1
        self._counted = 0

    def scan(self) -> dict[KeyPath, int]:
        table: KeyPath = ()
        self._skip(_BLANK)
        while self.at < len(self.text):
            if self.text[self.at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_BLANK)
        return self.lines

    def _header(self) -> KeyPath:
        line, is_array = self._line_here(), self.text.startswith("[[", self.at)
        self.at += 2 if is_array else 1
        *parents, last = self._keys()
        self.at += 2 if is_array else 1
        path = self._note(self._note_all((), parents, line), last, line)
        if not is_array:
            return path
        item = (*path, self._items.get(path, 0))
        self._items[path] = self._items.get(path, 0) + 1
        self.lines[item] = line
        return item

    def _pair(self, table: KeyPath) -> None:
        line = self._line_here()
        *parents, last = self._keys()
        self.at += 1  # the equals sign
        self._skip(_SPACE)
        self._value(self._note(self._note_all(table, parents, line), last, line))

    def _keys(self) -> list[str]:
        """A dotted key; leaves `at` behind the space that follows it."""
        keys = []
        while True:
            self._skip(_SPACE)
            keys.append(self._key())
            self._skip(_SPACE)
            if self.text[self.at] != ".":
                return keys
            self.at += 1

    def _key(self) -> str:
        start = self.at
        if self.text[start] in "\"'":
            self._string()
            return next(iter(tomllib.loads(self.text[start : self.at] + "=0")))
        self._skip(_BARE_KEY)
        return self.text[start : self.at]

    def _value(self, path: KeyPath) -> None:
        opening = self.text[self.at]
        if opening in "\"'":
            self._string()
        elif opening == "[":
            self._array(path)
        elif opening == "{":
            self._inline_table(path)
        else:
            self._skip(_SCALAR)

    def _array(self, path: KeyPath) -> None:
        self.at += 1
        place = 0
        while not self._closed("]"):
            item = (*path, place)
            self.lines[item] = self._line_here()
            self._value(item)
            place += 1

    def _inline_table(self, path: KeyPath) -> None:
        self.at += 1
        while not self._closed("}"):
            self._pair(path)

    def _closed(self, bracket: str) -> bool:
        """Skip to the next item of a list or an inline table; True, behind the bracket, when there is none."""
        self._skip(_BLANK)
        if self.text[self.at] == ",":
            self.at += 1
            self._skip(_BLANK)
        if self.text[self.at] != bracket:
            return False
        self.at += 1
        return True

    def _string(self) -> None:
        for pattern in _STRINGS:
            if pattern.match(self.text, self.at):
                self._skip(pattern)
                return

    def _note_all(self, path: KeyPath, keys: list[str], line: int) -> KeyPath:
        for key in keys:
            path = self._newest(self._note(path, key, line))
        return path

    def _note(self, path: KeyPath, key: str, line: int) -> KeyPath:
        path = (*path, key)
        self.lines.setdefault(path, line)
        return path

    def _newest(self, path: KeyPath) -> KeyPath:
        """In an array of tables, the item that was opened last."""
        return (*path, self._items[path] - 1) if path in self._items else path

    def _skip(self, pattern: re.Pattern[str]) -> None:
        found = pattern.match(self.text, self.at)
        if found:
            self.at = found.end()

    def _line_here(self) -> int:
        self._line += self.text.count("\n", self._counted, self.at)
        self._counted = self.at
        return self._line
