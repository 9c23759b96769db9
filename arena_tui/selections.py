"""Tables of selections: what each threshold keeps, why prompts are left out, and the paper's tables."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from arena_tui.layout import Column, Table
from arena_tui.tables import number, short
from arena_tui.words import counted

if TYPE_CHECKING:
    from engine.flywheel.selection.choosing import Selection
    from engine.flywheel.selection.shown import ShownRow
    from engine.flywheel.selection.summary import Summary
    from engine.store.selections import StoredSelection

_FIGURES = (
    Column("rows", right=True),
    Column("gap", right=True),
    Column("difficulty", right=True),
    Column("length", right=True),
    Column("other length", right=True),
)
FIGURES_NOTE = "means; length in characters, other: of the rejected response, or of the target's that lost"


def figures(one: Summary) -> list[str]:
    """Rows, and their means."""
    return [
        f"{one.rows:,}",
        number(one.gap, 2),
        number(one.difficulty, 2),
        number(one.length_chosen, 0),
        number(one.length_other, 0),
    ]


def thresholds_table(found: Sequence[tuple[Selection, Summary]], title: str, *, by_gap: bool) -> Table:
    """What each K keeps."""
    rows = [[number(one.parameters.min_gap, 1) if by_gap else "-", *figures(s)] for one, s in found]
    notes = [FIGURES_NOTE]
    if not by_gap:
        notes.append("this strategy does not choose by the gap, so K changes nothing")
    return Table([Column("K", right=True), *_FIGURES], rows, title, notes)


def reasons_table(reasons: Mapping[str, int], considered: int, rows: int) -> Table:
    """Why the other prompts became no rows."""
    from engine.flywheel.selection.reasons import MEANINGS

    columns = [Column("prompts", right=True), Column("left out", fit="keep"), Column("since", fit="wrap")]
    lines = [[f"{n:,}", reason, MEANINGS.get(reason, "-")] for reason, n in reasons.items()]
    notes = [f"{counted(considered, 'prompt')} with battles were looked at, and {counted(rows, 'row')} kept"]
    return Table(columns, lines, notes=notes)


def counts_table(what: str, counts: Mapping[str, int]) -> Table:
    """Rows by opponent or category."""
    total = sum(counts.values())
    rows = [[name, f"{n:,}", f"{n / total:.1%}"] for name, n in counts.items()]
    return Table([Column(what), Column("rows", right=True), Column("share", right=True)], rows)


def selection_title(one: StoredSelection) -> str:
    """A selection in a line."""
    parts = [f"selection {one.id}: {stage_of(one)} for {short(one.target)}", short(one.arena)]
    return " · ".join([*parts, f"judge {short(one.judge)}", how(one)])


def means_table(one: StoredSelection, summary: Summary) -> Table:
    """A selection's rows and their means, under its title."""
    return Table(_FIGURES, [figures(summary)], selection_title(one), [FIGURES_NOTE])


def stage_of(one: StoredSelection) -> str:
    """Such as `sft I1`, as the paper calls them."""
    return one.stage if one.round is None else f"{one.stage} I{one.round}"


def how(one: StoredSelection) -> str:
    """The strategy, with pairs and threshold."""
    said = one.parameters
    pairs = f" {said['pairs']}" if said.get("pairs") else ""
    gap = f", K = {number(said['min_gap'], 1)}" if said["min_gap"] or one.strategy == "battles" else ""
    return f"{short(one.strategy)}{pairs}{gap}"


def selections_table(found: Sequence[tuple[StoredSelection, Summary]]) -> Table:
    """One line a selection."""
    columns = [Column("selection", right=True), Column("stage", fit="keep"), Column("target")]
    columns += [
        Column("how", fit="wrap"),
        *_FIGURES,
        Column("arena", extra=True),
        Column("judge", extra=True),
    ]
    columns.append(Column("when", extra=True))
    rows = [
        [str(one.id), stage_of(one), one.target, how(one), *figures(s), one.arena, one.judge, _when(one)]
        for one, s in found
    ]
    return Table(
        columns, rows, notes=[FIGURES_NOTE] if found else ["no selections yet: arena-tui select --help"]
    )


def _when(one: StoredSelection) -> str:
    return time.strftime("%Y-%m-%d %H:%M", time.localtime(one.created_at))


def pivot_table(what: str, found: Sequence[tuple[StoredSelection, Mapping[str, int]]]) -> Table:
    """Kept rows by opponent or category, a column a selection."""
    names = sorted({name for _, counts in found for name in counts})
    columns = [Column(what), *(Column(f"{stage_of(one)} ({one.id})", right=True) for one, _ in found)]
    rows = [[name, *(f"{counts.get(name, 0):,}" for _, counts in found)] for name in names]
    return Table(columns, rows, notes=["kept rows by selection" if found else "no selections yet"])


def rows_table(rows: Sequence[ShownRow], total: int) -> Table:
    """Rows, and the battle behind each."""
    columns = [
        Column("row", right=True),
        Column("prompt"),
        Column("category"),
        Column("chosen"),
        Column("other"),
    ]
    columns += [Column("scores", right=True), Column("gap", right=True), Column("battles")]
    lines = [
        [
            str(one.number),
            one.question_id,
            one.category or "-",
            one.chosen,
            one.other or "-",
            f"{number(one.score_chosen, 1)} : {number(one.score_other, 1)}",
            number(one.gap, 2),
            ", ".join(map(str, one.battles)),
        ]
        for one in rows
    ]
    notes = [f"the first {len(rows)} of {total:,} rows: --limit N for more"] if len(rows) < total else []
    return Table(columns, lines, notes=[*notes, "behind a row: arena-tui verdicts show BATTLE"])
