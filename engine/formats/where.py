"""`--where COLUMN=VALUE`: which rows of a file are wanted. The others are set aside, counted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.errors import UsageError
from engine.formats.fields import missing
from engine.formats.mapping import at, nearest
from engine.formats.rows import ImportOptions


@dataclass(frozen=True, slots=True)
class Condition:
    """A column (or dotted path) is a value, or is not. Case does not matter; null and an empty cell are ''."""

    said: str
    steps: tuple[str, ...]
    value: str
    negated: bool

    @classmethod
    def of(cls, options: ImportOptions, columns: Sequence[str]) -> Condition | None:
        """The condition of the option `where`, such as `anony=true` or `language!=English`; None without one.

        Raises:
            UsageError: it is no condition, or names a column that does not exist.
        """
        said = options.extra.get("where")
        if said is None:
            return None
        left, equals, value = said.partition("=")
        negated = left.endswith("!")
        path = left.removesuffix("!").strip()
        if not equals or not path:
            raise UsageError(f"--where {said} is not COLUMN=VALUE", mend="For example --where anony=true.")
        column = path if path in columns else path.partition(".")[0]
        if column not in columns:
            raise UsageError(f"--where {said}: there is no column '{column}'{nearest(column, columns)}")
        return cls(
            said, (path,) if path in columns else tuple(path.split(".")), value.strip().casefold(), negated
        )

    @property
    def reason(self) -> str:
        return f"left out by --where {self.said}"

    def holds(self, value: Mapping[str, Any]) -> bool:
        return (_as_said(at(value, self.steps)) == self.value) != self.negated


def _as_said(value: Any) -> str:
    if missing(value):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip().casefold()
