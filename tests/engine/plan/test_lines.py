"""The scanner finds the line of everything that tomllib finds, in any document."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.plan.keypath import KeyPath
from engine.plan.lines import line_numbers

TRICKY = """\
# [comment] k = 1
title = "a # no comment [x] = 1"   # a comment
"quoted.key" = 'literal \\'
'single' = 1_000
dotted . "a.b" . c = 0x_
empty = ""
multi = \"\"\"
[not a table]
key = "no key"
escaped \\\"\"\" quotes and two at the end\"\"\"\"\"
literal = '''
''still inside
[[neither]]'''''
array = [ # comment ]
  1,

  [2, 3], # more
  { x = 4, y = { z = "}" } },
  \"\"\"
]\"\"\",
]
date = 1979-05-27 07:32:00
inline = { a.b = 1, c = [1, 2], "d e" = '}' }

[table]
k = 1
[table.sub.deep]
k = 2
[[list]]
name = "one"
[[list.inner]]
k = 3
[[list.inner]]
k = 4
[list.inner.deep]
k = 5
[[list]]
[[list.inner]]
k = 6
""".replace("0x_", "0xA_B")


def paths(value: Any, path: KeyPath = ()) -> Iterator[KeyPath]:
    """The paths of everything inside nested tables and lists."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key)
        yield from paths(item, (*path, key))


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("title",), 2),
        (("quoted.key",), 3),
        (("single",), 4),
        (("dotted",), 5),
        (("dotted", "a.b", "c"), 5),
        (("empty",), 6),
        (("multi",), 7),
        (("literal",), 11),
        (("array",), 14),
        (("array", 0), 15),
        (("array", 1), 17),
        (("array", 1, 1), 17),
        (("array", 2, "y", "z"), 18),
        (("array", 3), 19),
        (("date",), 22),
        (("inline", "a", "b"), 23),
        (("inline", "d e"), 23),
        (("table",), 25),
        (("table", "k"), 26),
        (("table", "sub"), 27),
        (("table", "sub", "deep", "k"), 28),
        (("list",), 29),
        (("list", 0), 29),
        (("list", 0, "inner"), 31),
        (("list", 0, "inner", 1), 33),
        (("list", 0, "inner", 1, "k"), 34),
        (("list", 0, "inner", 1, "deep", "k"), 36),
        (("list", 1), 37),
        (("list", 1, "inner", 0, "k"), 39),
    ],
)
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_known_places(path: KeyPath, line: int, line_end: str) -> None:
    assert line_numbers(TRICKY.replace("\n", line_end))[path] == line


def test_every_path_of_the_tricky_document() -> None:
    assert set(line_numbers(TRICKY)) == set(paths(tomllib.loads(TRICKY)))


STRINGS = (
    '"{}"',
    "'{}'",
    '"""{}\n[no] # table\nk = 1\\"""\n"""',
    '"""{}""\n"""""',
    "'''{}\n[[no]]\n''''",
    '"{} \\" \\\\"',
    "'{} # \\'",
)
PLAIN = ("12", "-0.5", "true", "1979-05-27T07:32:00Z", "1979-05-27 07:32:00", "0xff", "inf", "[]", "{}", '""')
BLANKS = ("", "\n", "\n\n", "  # a comment ] } [x] k = 1\n", "# 'quote\n\t")


class Writer:
    """Writes a random document in which every key and every list item bears a word of its own."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.words = count()

    def choice(self, options: tuple[str, ...]) -> str:
        return self.draw(st.sampled_from(options))

    def word(self) -> str:
        return f"w{next(self.words)}_"

    def key(self) -> str:
        return self.choice(("{}", '"{}"', "'{}'", '"{}.x [y] = # z"', '"{}\\""')).format(self.word())

    def dotted(self, limit: int) -> str:
        keys = [self.key() for _ in range(self.draw(st.integers(1, limit)))]
        return self.choice((".", " . ", "\t.")).join(keys)

    def value(self, depth: int) -> str:
        kind = self.draw(st.integers(0, 5 if depth else 3))
        if kind < 2:
            return self.choice(STRINGS).format(self.word())
        if kind < 4:
            return self.choice(PLAIN)
        return self.array(depth - 1) if kind == 4 else self.inline(depth - 1)

    def array(self, depth: int) -> str:
        items = [self.item(depth) for _ in range(self.draw(st.integers(0, 3)))]
        end = "," if items and self.draw(st.booleans()) else ""
        return "[" + ",".join(items) + end + self.choice(BLANKS) + "]"

    def item(self, depth: int) -> str:
        """A list item that begins with a word, or a table or list that has one inside."""
        inner = (self.inline, self.array)[self.draw(st.integers(0, 1))](depth) if depth > 0 else None
        text = (
            inner
            if inner is not None and self.draw(st.booleans())
            else self.choice(STRINGS).format(self.word())
        )
        return self.choice(BLANKS) + text + self.choice(BLANKS)

    def inline(self, depth: int) -> str:
        pairs = [f"{self.dotted(2)} = {self.value(depth)}" for _ in range(self.draw(st.integers(0, 3)))]
        return "{ " + ", ".join(pairs) + " }"

    def pairs(self) -> str:
        lines = [
            f"{self.choice(BLANKS)}{self.dotted(3)} = {self.value(3)}{self.choice((' # end', '', '  '))}\n"
            for _ in range(self.draw(st.integers(0, 3)))
        ]
        return "".join(lines)

    def document(self) -> str:
        text = self.pairs()
        for _ in range(self.draw(st.integers(0, 3))):
            table = self.dotted(2)
            opening, closing = self.draw(st.sampled_from([("[", "]"), ("[[", "]]")]))
            for _ in range(self.draw(st.integers(1, 2)) if opening == "[[" else 1):
                text += f"{opening}{table}{closing}{self.choice(('', ' # [x]'))}\n{self.pairs()}"
                text += f"[{table}.{self.key()}]\n{self.pairs()}" if self.draw(st.booleans()) else ""
        return text


@st.composite
def documents(draw: st.DrawFn) -> str:
    return Writer(draw).document()


@given(documents())
def test_the_scanner_finds_what_tomllib_finds(text: str) -> None:
    assert set(line_numbers(text)) == set(paths(tomllib.loads(text)))


@given(documents())
def test_every_key_and_item_stands_on_the_line_of_its_word(text: str) -> None:
    data, numbers = tomllib.loads(text), line_numbers(text)
    seen: set[str] = set()
    for path, line in numbers.items():
        word = path[-1] if isinstance(path[-1], str) else _at(data, path)
        if isinstance(word, str) and word.startswith("w"):
            word = word.partition("_")[0] + "_"
            places = [number for number, row in enumerate(text.split("\n"), 1) if word in row]
            assert line == places[0] if word not in seen else line in places
            seen.add(word)


def _at(data: Any, path: KeyPath) -> Any:
    for part in path:
        data = data[part]
    return data


@given(documents())
def test_line_ends_of_windows_change_nothing(text: str) -> None:
    assert line_numbers(text.replace("\n", "\r\n")) == line_numbers(text)
