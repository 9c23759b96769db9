"""Values of options and arguments, read without pydantic.

Typer reads them through pydantic, whose import takes three times as long as the rest of a `--help`. A command line has
texts, paths and numbers; these are read here. Should a later Typer not ask this reader, it reads them itself: slower,
and in its own words.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import typer

HELP_OPTIONS = ["-h", "--help"]


def read_plainly(command: Any) -> None:
    """Let a command, and all below it, read its values here."""
    for parameter in _parameters(command):
        annotation = parameter.type_descriptor.annotation
        item = get_args(annotation)[0] if get_origin(annotation) is list else annotation
        if item in _READERS:
            parameter._runtime_param = PlainValue(item)


def _parameters(command: Any) -> Iterator[Any]:
    yield from command.params
    yield command.get_help_option(typer.Context(command, help_option_names=HELP_OPTIONS))
    for below in getattr(command, "commands", {}).values():
        yield from _parameters(below)


class PlainValue:
    """Reads the values of one option or argument: a text, a path or a number, or several of them."""

    def __init__(self, kind: type) -> None:
        self._kind = kind
        self._read = _READERS[kind]

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:
        """The value as the command takes it; None stays None.

        Raises:
            typer.BadParameter: it is no number, or out of range.
        """
        if param.multiple or param.nargs == -1:
            return [self._one(item, param, ctx) for item in value or ()]
        return None if value is None else self._one(value, param, ctx)

    def _one(self, value: Any, param: Any, ctx: Any) -> Any:
        try:
            found = value if isinstance(value, self._kind) else self._read(value)
            _check_range(found, getattr(param, "min", None), getattr(param, "max", None))
        except ValueError as error:
            raise typer.BadParameter(str(error), ctx=ctx, param=param) from None
        return found


def _check_range(value: Any, least: float | None, most: float | None) -> None:
    if least is not None and value < least:
        raise ValueError(f"{value} is less than {least:g}")
    if most is not None and value > most:
        raise ValueError(f"{value} is more than {most:g}")


def _whole(said: str) -> int:
    try:
        return int(said)
    except ValueError:
        raise ValueError(f"'{said}' is no whole number") from None


def _real(said: str) -> float:
    try:
        number = float(said)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"'{said}' is no number")
    return number


_READERS: dict[Any, Callable[[Any], Any]] = {str: str, int: _whole, float: _real, bool: bool, Path: Path}
