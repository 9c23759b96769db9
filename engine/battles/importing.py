"""Importing: neutral rows of any format become rows of the store, in chunks, each chunk whole or not at all.

Keys are content, so an import that was cut short, or is done again, adds only what is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from engine.battles.import_landing import Landing
from engine.formats.rows import ImportOptions, Layout, Row, SetAside
from engine.store.imports import begin_import, keep_aside, note_progress
from engine.store.store import Store

CHUNK = 5_000
EXAMPLES = 3


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
    """

    import_id: int
    format: str
    layout: Layout
    taken: dict[str, int]
    known: dict[str, int]
    set_aside: tuple[AsideGroup, ...]
    affected: tuple[tuple[int, int], ...]

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

    def add(self, one: SetAside) -> None:
        self.counts[one.reason] += 1
        kept = self.examples.setdefault(one.reason, [])
        if len(kept) < EXAMPLES:
            kept.append(one)

    def groups(self) -> tuple[AsideGroup, ...]:
        return tuple(
            AsideGroup(reason, n, tuple(self.examples[reason])) for reason, n in self.counts.most_common()
        )


def import_rows(
    store: Store,
    form: str,
    paths: Sequence[Path],
    rows: Iterable[Row],
    layout: Layout,
    options: ImportOptions,
    progress: Callable[[int], None] = lambda rows: None,
) -> ImportReport:
    """Land all rows.

    Args:
        progress: called with the number of rows so far.

    Raises:
        UsageError: an arena of the layout's name is rated by other rules.
    """
    import_id = begin_import(store, form, [str(path) for path in paths], _said(options))
    landing = Landing(layout)
    aside = AsideTally()
    done = 0
    for chunk in _chunks(rows):
        with store.write(import_id=import_id) as tx:
            unusable = landing.land(tx, chunk)
            keep_aside(tx, ((one.reason, one.file, one.line, one.text) for one in unusable))
            for one in unusable:
                aside.add(one)
            note_progress(tx, landing.taken, landing.known, aside.counts)
        done += len(chunk)
        progress(done)
    with store.write(import_id=import_id) as tx:
        note_progress(tx, landing.taken, landing.known, aside.counts, finished=True)
    return ImportReport(
        import_id, form, layout, dict(landing.taken), dict(landing.known), aside.groups(), landing.affected
    )


@dataclass(frozen=True, slots=True)
class ImportPreview:
    """What an import would do, from its files alone; what the store has already is not looked at."""

    layout: Layout
    rows: dict[str, int]
    first: tuple[Row, ...]
    set_aside: tuple[AsideGroup, ...]


def preview_rows(rows: Iterable[Row], layout: Layout, first: int = 3) -> ImportPreview:
    """Go through all rows without a store: counts by kind, the first few, and what would be set aside."""
    kinds: Counter[str] = Counter()
    shown: list[Row] = []
    aside = AsideTally()
    for row in rows:
        if isinstance(row, SetAside):
            aside.add(row)
            continue
        kind = type(row).__name__.removesuffix("Row").lower()
        kinds[f"{kind}s"] += 1
        if len(shown) < first:
            shown.append(row)
    return ImportPreview(layout, dict(kinds), tuple(shown), aside.groups())


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    source = iter(rows)
    while chunk := list(islice(source, CHUNK)):
        yield chunk


def _said(options: ImportOptions) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(options).items()
        if value
    }
