"""Importing: neutral rows of any format become rows of the store, in chunks, each chunk whole or not at all.

Keys are content, so an import that was cut short, or is done again, adds only what is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from engine.battles.import_landing import Landing
from engine.battles.import_preview import ImportPreview, preview_rows
from engine.battles.import_report import (
    AsideGroup,
    AsideTally,
    ImportReport,
    aside_facts,
)
from engine.formats.keyed.rows import KeyedBattle, KeyedResponse, KeyedVerdict
from engine.formats.rows import (
    BattleRow,
    FilledPrompt,
    ImportOptions,
    Layout,
    ResponseRow,
    Row,
    SetAside,
    SingleRow,
)
from engine.records import OnCut, OutcomeRule, Prompt, Turn, Verdict
from engine.store.imports import (
    KEPT_PER_REASON,
    begin_import,
    earlier_imports,
    keep_aside,
    note_progress,
)
from engine.store.store import Store, Transaction

__all__ = [
    "AsideGroup",
    "AsideTally",
    "ImportPreview",
    "ImportReport",
    "aside_facts",
    "chunks",
    "import_rows",
    "preview_rows",
]

CHUNK = 5_000
"""Rows that land in one transaction, so that other writers wait a second at most."""

CHUNK_CHARACTERS = 16_000_000
"""And no more text than this, so that memory is bounded whatever the rows."""


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
        dict(landing.shared.taken),
        dict(landing.shared.known),
        aside.groups(),
        landing.affected,
        dict(landing.shared.parties.renamed),
        landing.by_names,
        _changed_since(store, import_id, landing),
    )


def _changed_since(store: Store, import_id: int, landing: Landing) -> tuple[int, ...]:
    """Earlier imports of files that are no longer what they were: rows without ids are taken whole then."""
    shared = landing.shared
    if not shared.marks.asked or not (shared.taken["battles"] or shared.taken["verdicts"]):
        return ()
    return tuple(earlier_imports(store.reader, import_id))


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
    note_progress(tx, landing.shared.taken, landing.shared.known, aside.counts, finished=finished)


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
    if isinstance(row, KeyedResponse):
        return _of_turns(row.response.turns)
    if isinstance(row, KeyedVerdict):
        return _of_verdict(row.verdict)
    if isinstance(row, KeyedBattle):
        return sum(_of_verdict(game.verdict.verdict) for game in row.games if game.verdict is not None)
    if isinstance(row, SingleRow):
        return _of_turns(row.response or ()) + len(row.verdict.raw or "")
    row = row.prompt if isinstance(row, FilledPrompt) else row
    if isinstance(row, Prompt) and row.conversation is not None:
        return sum(len(message.content or "") for message in row.conversation.messages)
    return 0


def _of_turns(turns: Iterable[Turn]) -> int:
    return sum(len(turn.answer) + len(turn.thinking or "") for turn in turns)


def _of_verdict(verdict: Verdict) -> int:
    return sum(len(text or "") for text in (verdict.raw, verdict.explanation, verdict.thinking))


def _said(options: ImportOptions) -> dict[str, Any]:
    return {
        name: str(value) if isinstance(value, Path) else value
        for name, value in asdict(options).items()
        if value
    }
