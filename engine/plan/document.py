"""A plan as its file and the command line say it: nested tables, and where each value comes from."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from engine.errors import Problem
from engine.plan.findings import Finding
from engine.plan.keypath import KeyPath, spell
from engine.plan.secrets import scrubbed

SET = "--set"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value was said: a file and its 1-based line, or `--set`."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


@dataclass(slots=True)
class Document:
    """Nested tables with the origin of every table, key and list item.

    Attributes:
        source: the file, as messages name it.
        folder: what relative paths in the file are relative to.
        stem: the file's name without its ending.
    """

    source: str
    folder: Path
    stem: str
    data: dict[str, Any]
    origins: dict[KeyPath, Origin] = field(default_factory=dict)

    def origin(self, path: KeyPath) -> Origin:
        """Where a path was said; where it was not, that of the nearest table around it."""
        for end in range(len(path), 0, -1):
            if path[:end] in self.origins:
                return self.origins[path[:end]]
        return Origin(self.source)

    def said(self, path: KeyPath) -> Origin | None:
        """Where the value at a path was said, itself or by a value that stands for it; None for a default."""
        value: Any = self.data
        for place, part in enumerate(path):
            if not isinstance(value, dict | list):
                return self.origin(path[:place])
            try:
                value = value[part]  # type: ignore[index]
            except (LookupError, TypeError):
                return None if isinstance(value, dict) else self.origin(path[:place])
        return self.origin(path)

    def problem(self, finding: Finding) -> Problem:
        origin = self.origin(finding.path)
        near = None if finding.nearest is None else scrubbed(finding.nearest)
        return Problem(spell(finding.path), scrubbed(finding.message), origin.line, origin.source, near)
