"""What came of an import."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from engine.formats.rows import Layout, SetAside

EXAMPLES = 3
"""Rows of a reason that are shown."""


@dataclass(frozen=True, slots=True)
class AsideGroup:
    """Rows that were set aside for one reason, with the first few."""

    reason: str
    rows: int
    examples: tuple[SetAside, ...]


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What came of an import.

    Attributes:
        taken, known: rows by table: new ones, and ones that the store had already.
        affected: (arena, judge) whose counts changed.
        renamed: names of models or judges that belong to others in this store (to a model that ran here, say), and
            what is shown in their place; `models alias` ties them together.
        by_names: battles of an export that were read by names, since the store lacks what their keys stand for.
        changed_since: earlier imports of the same files, where rows without ids were taken: the files have changed, so
            that rows which they share with what they were count twice.
    """

    import_id: int
    format: str
    layout: Layout
    taken: dict[str, int]
    known: dict[str, int]
    set_aside: tuple[AsideGroup, ...]
    affected: tuple[tuple[int, int], ...]
    renamed: dict[str, str] = field(default_factory=dict)
    by_names: int = 0
    changed_since: tuple[int, ...] = ()

    def facts(self) -> dict[str, Any]:
        """As the JSON of `import --json`."""
        return {
            "format": self.format,
            "import": self.import_id,
            "layout": self.layout.name,
            "taken": self.taken,
            "known": self.known,
            "set_aside": [aside_facts(group) for group in self.set_aside],
        }

    @property
    def usable(self) -> bool:
        """Whether anything at all could be used."""
        return any(self.taken.values()) or any(self.known.values())


def aside_facts(group: AsideGroup) -> dict[str, Any]:
    """A group of rows set aside, as JSON-like facts."""
    examples = [{"file": one.file, "line": one.line, "text": one.text} for one in group.examples]
    return {"reason": group.reason, "rows": group.rows, "examples": examples}


@dataclass(slots=True)
class AsideTally:
    """Counts what is set aside, by reason, and keeps the first few of each."""

    counts: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[SetAside]] = field(default_factory=dict)

    def add(self, one: SetAside) -> int:
        """Count a row; return how many of its reason there are now."""
        self.counts[one.reason] += 1
        kept = self.examples.setdefault(one.reason, [])
        if len(kept) < EXAMPLES:
            kept.append(one)
        return self.counts[one.reason]

    def groups(self) -> tuple[AsideGroup, ...]:
        """By reason, the most frequent first."""
        counts = sorted(self.counts.items(), key=lambda one: (-one[1], one[0]))
        return tuple(AsideGroup(reason, n, tuple(self.examples[reason])) for reason, n in counts)
