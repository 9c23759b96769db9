"""Importing: neutral rows of any format become rows of the store, in chunks, each chunk whole or not at all.

Keys are content, so an import that was cut short, or is done again, adds only what is missing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from engine.battles.import_landing import Landing
from engine.formats.rows import BattleRow, ImportOptions, Layout, ResponseRow, Row, SetAside, SingleRow
from engine.records import OnCut, OutcomeRule, Prompt, Turn
from engine.store.imports import KEPT_PER_REASON, begin_import, keep_aside, note_progress
from engine.store.store import Store, Transaction

CHUNK = 5_000
"""Rows that land in one transaction, so that other writers wait a second at most."""

CHUNK_CHARACTERS = 16_000_000
"""And no more text than this, so that memory is bounded whatever the rows."""

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
        renamed: names of models or judges that belong to others in this store (to a model that ran here, say), and
            what is shown in their place; `models alias` ties them together.
    """

    import_id: int
    format: str
    layout: Layout
    taken: dict[str, int]
    known: dict[str, int]
    set_aside: tuple[AsideGroup, ...]
    affected: tuple[tuple[int, int], ...]
    renamed: dict[str, str] = field(default_factory=dict)

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
    *,
    outcome_rule: OutcomeRule = OutcomeRule.MEAN_MARGIN,
    on_cut: OnCut = OnCut.JUDGE,
) -> ImportReport:
    """Land all rows.

    Args:
        progress: called with the number of rows so far.
        outcome_rule, on_cut: of arenas that are new. Who judged an imported battle judged what they saw, cut answers
            too.

    Raises:
        StoreError: the disk is full, or somebody undid this import while it ran.
    """
    import_id = begin_import(store, form, [str(path) for path in paths], _said(options))
    landing = Landing(layout, outcome_rule, on_cut)
    aside = AsideTally()
    done = 0
    for chunk in chunks(rows):
        with store.write(import_id=import_id) as tx:
            _keep(tx, landing, aside, landing.land(tx, chunk))
        done += len(chunk)
        progress(done)
    with store.write(import_id=import_id) as tx:
        _keep(tx, landing, aside, landing.rest(), finished=True)
    return ImportReport(
        import_id,
        form,
        layout,
        dict(landing.taken),
        dict(landing.known),
        aside.groups(),
        tuple(landing.affected),
        dict(landing.parties.renamed),
    )


def _keep(
    tx: Transaction,
    landing: Landing,
    aside: AsideTally,
    unusable: Sequence[SetAside],
    *,
    finished: bool = False,
) -> None:
    """Keep what could not be used, and how far the import is."""
    kept = [one for one in unusable if aside.add(one) <= KEPT_PER_REASON]
    keep_aside(tx, ((one.reason, one.file, one.line, one.text) for one in kept))
    note_progress(tx, landing.taken, landing.known, aside.counts, finished=finished)


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


def chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    """Rows in groups of at most CHUNK, and of about CHUNK_CHARACTERS of text."""
    chunk: list[Row] = []
    characters = 0
    for row in rows:
        chunk.append(row)
        characters += _characters(row)
        if len(chunk) >= CHUNK or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _characters(row: Row) -> int:
    """About how much text a row holds."""
    if isinstance(row, BattleRow):
        held = sum(_of_turns(turns) for turns in (row.response_a, row.response_b) if turns is not None)
        return held + sum(len(game.verdict.raw) for game in row.games if game.verdict.raw is not None)
    if isinstance(row, ResponseRow):
        return _of_turns(row.turns)
    if isinstance(row, SingleRow):
        return _of_turns(row.response or ()) + len(row.verdict.raw or "")
    if isinstance(row, Prompt) and row.conversation is not None:
        return sum(len(message.content or "") for message in row.conversation.messages)
    return 0


def _of_turns(turns: Iterable[Turn]) -> int:
    return sum(len(turn.answer) + len(turn.thinking or "") for turn in turns)


def _said(options: ImportOptions) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(options).items()
        if value
    }
