"""JSON under a schema, byte by byte: what may come next, for servers that constrain what a model says.

Enough of JSON schema for replies of judges: an object whose properties come in order, each an enum, a whole
number within bounds, a number within bounds in twenty steps, a boolean, or a string. Strings are printable ASCII
without escapes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

LONGEST_STRING = 60
_IN_STRING = frozenset(range(0x20, 0x7F)) - frozenset(b'"\\')

State = frozenset[tuple[int, bytes | int]]


@dataclass(frozen=True)
class Words:
    """One of some byte strings."""

    words: tuple[bytes, ...]


@dataclass(frozen=True)
class Text:
    """The inside of a string, of so many characters at most."""

    longest: int


Part = Words | Text


def parts_of(schema: Mapping[str, Any]) -> tuple[Part, ...]:
    """A schema as parts that follow each other."""
    parts: list[Part] = []
    opening = "{"
    for name, value in schema["properties"].items():
        parts.append(Words((f"{opening}{json.dumps(name)}: ".encode(),)))
        parts += _value(value)
        opening = ", "
    return (*parts, Words((b"}",)))


def _value(schema: Mapping[str, Any]) -> Sequence[Part]:
    if "enum" in schema or "const" in schema:
        values = schema.get("enum", [schema.get("const")])
        return [Words(tuple(json.dumps(value).encode() for value in values))]
    if schema["type"] == "integer":
        numbers = range(schema["minimum"], schema["maximum"] + 1)
        return [Words(tuple(str(number).encode() for number in numbers))]
    if schema["type"] == "number":
        low, high = schema["minimum"], schema["maximum"]
        return [Words(tuple(f"{low + (high - low) * step / 20:g}".encode() for step in range(21)))]
    if schema["type"] == "boolean":
        return [Words((b"true", b"false"))]
    if schema["type"] == "string":
        longest = min(schema.get("maxLength", LONGEST_STRING), LONGEST_STRING)
        return [Words((b'"',)), Text(longest), Words((b'"',))]
    raise ValueError(f"this small grammar knows no {schema}")


class Grammar:
    """Which bytes may follow. States are sets of places, because `1` may be whole or the start of `10`."""

    def __init__(self, schema: Mapping[str, Any]) -> None:
        self._parts = parts_of(schema)
        self.start = self._entered(0)
        self.step = lru_cache(maxsize=None)(self._step)

    def is_over(self, state: State) -> bool:
        """Whether the text is a whole one."""
        return any(part == len(self._parts) for part, _ in state)

    def after(self, state: State, data: bytes) -> State:
        """The state after some bytes; empty when they may not come."""
        for byte in data:
            state = self.step(state, byte)
        return state

    def _entered(self, part: int) -> State:
        """Places at the start of a part, and of those after it that it may be empty before."""
        if part == len(self._parts):
            return frozenset({(part, 0)})
        if isinstance(self._parts[part], Text):
            return frozenset({(part, 0)}) | self._entered(part + 1)
        return frozenset({(part, b"")})

    def _step(self, state: State, byte: int) -> State:
        reached: set[tuple[int, bytes | int]] = set()
        for number, place in state:
            part = self._parts[number] if number < len(self._parts) else None
            if isinstance(part, Text) and isinstance(place, int):
                if byte in _IN_STRING and place < part.longest:
                    reached |= {(number, place + 1)} | self._entered(number + 1)
            elif isinstance(part, Words) and isinstance(place, bytes):
                said = place + bytes([byte])
                if any(word.startswith(said) and word != said for word in part.words):
                    reached.add((number, said))
                if said in part.words:
                    reached |= self._entered(number + 1)
        return frozenset(reached)
