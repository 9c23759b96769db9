"""The table of a judge's check."""

from __future__ import annotations

from typing import TYPE_CHECKING

from arena_tui.layout import Column, Table
from arena_tui.statistics import interval, percent
from arena_tui.tables import short

if TYPE_CHECKING:
    from engine.judges.checking.report import JudgeCheck, ProbeResult
    from engine.ratings.proportion import Share


def check_table(found: JudgeCheck) -> Table:
    """How often the bad answer won, by probe."""
    columns = [
        Column("probe", fit="wrap"),
        Column("bad wins", right=True),
        Column("95 % interval", right=True),
        Column("ties", right=True),
        Column("of", right=True),
        Column("invalid", right=True),
    ]
    template = "" if found.template is None else f" · template {short(found.template)}"
    title = f"judge {short(found.judge)}{template} · {found.kind.value} · {found.calls:,} calls"
    return Table(columns, [_row(one) for one in found.probes], title, _notes(found))


def _row(one: ProbeResult) -> list[str]:
    return [
        one.probe,
        percent(one.fooled.share),
        interval(one.fooled),
        f"{one.tied.count:,}",
        f"{one.fooled.of:,}",
        f"{one.invalid:,}",
    ]


def _notes(found: JudgeCheck) -> list[str]:
    agree = found.both_orders_agree
    notes = [f"both orders agree: {_said(agree)}"]
    if found.towards_first.of:
        notes.append(f"where they do not, the first is favoured: {_said(found.towards_first)}")
    notes += [f"{one.probe}: won by {_variants(one)}" for one in found.probes if one.fooled_by]
    notes += [f"{n:,} invalid: {reason}" for reason, n in found.reasons.items()]
    if found.forged:
        notes.append(f"failed: {found.forged:,} forged verdicts were accepted")
    return notes


def _variants(one: ProbeResult) -> str:
    return ", ".join(f"{name} ({n})" for name, n in one.fooled_by.items())


def _said(share: Share) -> str:
    return f"{percent(share.share)} ({interval(share)}) of {share.of:,}"
