"""Every key that a plan may have, with type, default and description, read off the models."""

from __future__ import annotations

import typing
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from types import NoneType
from typing import Any, Literal

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from engine.plan.derived import REASONS
from engine.plan.emit import toml_literal
from engine.plan.findings import nearest
from engine.plan.model import Plan
from engine.plan.values import Takes

NAME = "NAME"
"""Stands in a pattern for the name that a user gives to a player or judge."""

Pattern = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class PlanKey:
    """A key that a plan may have.

    Attributes:
        pattern: its tables and itself, such as `("players", "NAME", "sampling", "seed")`.
        type: what it takes, in words or as its allowed values.
        default: None where it is required, derived, or left unset.
        example: a value to begin with, for a key without a default.
        is_table: whether it holds keys that are in the catalogue too.
    """

    pattern: Pattern
    type: str
    required: bool
    default: Any
    description: str
    example: Any
    is_table: bool

    @property
    def name(self) -> str:
        return self.pattern[-1]

    @property
    def key(self) -> str:
        """The dotted form, such as `players.NAME.model`."""
        return ".".join(self.pattern)

    @property
    def default_text(self) -> str:
        """The default for people: empty where there is none, `required` where a plan has to say it."""
        if self.required and self.pattern not in REASONS:
            return "required"
        return "" if self.default is None else toml_literal(self.default)

    def __str__(self) -> str:
        return self.key


def plan_keys() -> tuple[PlanKey, ...]:
    """All keys in the order of the models; those of `[[flywheel.stage]]` have no place number."""
    return tuple(keys_by_pattern().values())


@cache
def keys_by_pattern() -> dict[Pattern, PlanKey]:
    """All keys by their pattern."""
    return {key.pattern: key for key in _keys_of(Plan, ())}


def pattern_of(path: Iterable[str | int]) -> Pattern:
    """The pattern of a path: names of players and judges become NAME, places in lists fall away."""
    words = [part for part in path if isinstance(part, str)]
    if len(words) > 1 and words[0] in ("players", "judges"):
        words[1] = NAME
    return tuple(words)


def nearest_key(path: Iterable[str | int]) -> str | None:
    """The known key that an unknown one at `path` may mean.

    A slip in a name of its own table is the likeliest, then the same name in another table.
    """
    *table, word = pattern_of(path)
    keys = keys_by_pattern()
    beside = [key.name for key in keys.values() if key.pattern[:-1] == tuple(table)]
    elsewhere = [str(key) for key in keys.values() if key.name == word.casefold()]
    return nearest(word, beside, 0.85) or next(iter(elsewhere), None) or nearest(word, beside)


def description(path: Iterable[str | int]) -> str:
    """What the key at a path is for; empty for an unknown one."""
    key = keys_by_pattern().get(pattern_of(path))
    return key.description if key else ""


def _keys_of(model: type[BaseModel], above: Pattern) -> Iterator[PlanKey]:
    for name, field in model.model_fields.items():
        pattern = (*above, name)
        inner, named = _inner_model(field.annotation)
        yield PlanKey(
            pattern,
            spelled(field.annotation),
            field.is_required(),
            _default(field),
            field.description or "",
            field.examples[0] if field.examples else None,
            inner is not None,
        )
        if inner is not None:
            yield from _keys_of(inner, (*pattern, NAME) if named else pattern)


def _default(field: FieldInfo) -> Any:
    default = None if field.is_required() else field.default
    if isinstance(default, BaseModel) or default in ((), {}):
        return None
    return default.value if isinstance(default, Enum) else default


def _inner_model(annotation: Any) -> tuple[type[BaseModel] | None, bool]:
    """The model that a field holds, and whether it holds them by name."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation, False
    by_name = typing.get_origin(annotation) is dict
    for argument in typing.get_args(annotation):
        inner, named = _inner_model(argument)
        if inner is not None:
            return inner, named or by_name
    return None, False


_WORDS = {str: "text", int: "integer", float: "number", bool: "true or false", Any: "anything"}


def spelled(annotation: Any) -> str:
    """What a field takes, in words: allowed values quoted, else the type."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation in _WORDS:
        return _WORDS[annotation]
    if origin is Literal:
        return ", ".join(f'"{value}"' for value in arguments)
    if origin is typing.Annotated:
        told = [about.words for about in annotation.__metadata__ if isinstance(about, Takes)]
        return told[0] if told else spelled(arguments[0])
    if origin is tuple:
        return f"list of {spelled(arguments[0])}"
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return ", ".join(f'"{member.value}"' for member in annotation)
    if origin is dict or (isinstance(annotation, type) and issubclass(annotation, BaseModel)):
        return "table"
    return " or ".join(spelled(argument) for argument in arguments if argument is not NoneType)
