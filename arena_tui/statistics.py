"""Tables of what verdicts tell of their judges, and of flagged answers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from arena_tui.layout import Column, Table
from arena_tui.tables import short, some

if TYPE_CHECKING:
    from engine.judges.flags.reading import PlayerFlags
    from engine.judges.statistics.report import JudgeStatistics, PlayerStatistics
    from engine.judges.statistics.traits import Trait
    from engine.ratings.proportion import Share

Row = list[str]
_FIGURES = (
    Column("figure", fit="wrap"),
    Column("share", right=True),
    Column("95 % interval", right=True),
    Column("of", right=True),
)


def judge_table(one: JudgeStatistics) -> Table:
    """All figures of one judge and kind of verdict."""
    rows = [*_use(one), *_position(one), *_length(one), *(_trait(each) for each in one.traits), *_kin(one)]
    rows = [row for row in rows if row[-1] != "0"]  # of nothing nothing can be said
    title = f"judge {short(one.judge)} · {one.kind.value} · {one.games:,} of {one.questions:,} games"
    title += (
        f" · {one.with_texts:,} of {one.comparisons:,} comparisons with both texts" if one.position else ""
    )
    return Table(_FIGURES, rows, title, _notes(one))


def _share(what: str, share: Share) -> Row:
    return [what, percent(share.share), interval(share), f"{share.of:,}"]


def percent(share: float | None) -> str:
    """A share such as 12.5 %; a dash where there is none."""
    if share is None:
        return "-"
    return "<0.1%" if 0 < share < 0.0005 else f"{share:.1%}"


def interval(share: Share) -> str:
    """Its 95 % interval, such as 10.1% … 14.9%."""
    return "-" if share.share is None else f"{percent(share.lower)} … {percent(share.upper)}"


def _use(one: JudgeStatistics) -> list[Row]:
    rows = [_share("verdicts that are invalid", one.validity.invalid)]
    every = one.validity.invalid.of
    rows += [
        [f"  {reason}", percent(n / every), "", f"{n:,} of {every:,}"]
        for reason, n in one.validity.reasons.items()
    ]
    return [*rows, _share("games without a valid verdict", one.validity.unsettled)]


def _position(one: JudgeStatistics) -> list[Row]:
    if one.position is None:
        return []
    return [
        _share("both orders disagree", one.position.disagree),
        _share("  of these, towards the first", one.position.towards_first),
        _share("the first shown wins", one.position.first_wins),
    ]


def _length(one: JudgeStatistics) -> list[Row]:
    found = one.length.correlation
    how = "margin and difference of length" if one.position else "score and length"
    known = found.lower is not None and found.upper is not None
    between = f"{found.lower:+.3f} … {found.upper:+.3f}" if known else "-"
    value = "-" if found.value is None else f"{found.value:+.3f}"
    rows = [_share("the longer one wins", one.length.longer_wins)] if one.position else []
    return [*rows, [f"rank correlation of {how}", value, between, f"{found.n:,}"]]


_WITH = {"headings": "headings", "lists": "lists", "bold": "bold text", "names itself": "its own name in it"}


def _trait(each: Trait) -> Row:
    said = f"the one with {_WITH.get(each.name, each.name)} wins"
    if each.winners.of:
        said += f" (winners have {percent(each.winners.share)}, losers {percent(each.losers.share)})"
    return _share(said, each.wins)


def _kin(one: JudgeStatistics) -> list[Row]:
    return [] if one.kin_wins is None else [_share("its kin wins against others", one.kin_wins.wins)]


def _notes(one: JudgeStatistics) -> list[str]:
    notes = []
    if one.histogram:
        notes.append("said: " + ", ".join(f"{value} × {n:,}" for value, n in one.histogram.items()))
    certain = [short(kin.player) for kin in one.kin if kin.certain]
    named = [short(kin.player) for kin in one.kin if not kin.certain]
    if certain:
        notes.append(f"warning: it judges answers of the very model that it is: {some(certain)}")
    if named:
        notes.append(f"warning: it judges its own family ({', '.join(one.families)}), by name: {some(named)}")
    return notes


def players_table(players: Sequence[PlayerStatistics], judges: Sequence[JudgeStatistics]) -> Table:
    """Flags of the answers that were judged."""
    table = flags_table([one.flags for one in players], [one.names_itself for one in players])
    if not judges:
        return Table(table.columns, table.rows, notes=["no verdicts yet"])
    return table


def flags_table(players: Sequence[PlayerFlags], named: Iterable[int] | None = None) -> Table:
    """How many answers of each player are flagged.

    Args:
        named: of each player, answers that say who wrote them.
    """
    flags = list(players[0].flagged) if players else []
    columns = [Column("model"), Column("answers", right=True)]
    columns += [Column(flag.value.replace("-", " "), right=True) for flag in flags]
    columns += [Column("names itself", right=True)] if named is not None and players else []
    columns.append(Column("most given", right=True))
    names = [None] * len(players) if named is None else list(named)
    rows = [_flag_row(one, told) for one, told in zip(players, names, strict=True)]
    notes = (
        ["most given: prompts that got one and the same answer, of all answered"]
        if players
        else ["no answers"]
    )
    return Table(columns, rows, notes=notes)


def _flag_row(one: PlayerFlags, named: int | None) -> Row:
    counts = [f"{n:,}" if n else "·" for n in one.flagged.values()]
    own = [] if named is None else [f"{named:,}" if named else "·"]
    return [one.player, f"{one.answers:,}", *counts, *own, f"{one.most_equal:,} of {one.prompts:,}"]
