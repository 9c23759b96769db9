"""Tables of the engine's results for people: which columns, how numbers look, what is said below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from arena_tui.layout import Cell, Column, Names, Table, shortened
from arena_tui.words import counted
from engine.records import OutcomeRule

if TYPE_CHECKING:
    from engine.ratings.board import Leaderboard, ModelRow
    from engine.ratings.comparing import Compared, Comparison
    from engine.ratings.stored import Coverage
    from engine.ratings.views import View
    from engine.ratings.win_rates import WinRateMatrix

MOST_NAMES = 12
"""Names in one note; the rest is counted."""

MOST_JUDGES = 4
"""Judges in a title, or of those that are left out; the rest is counted."""

FEW_PROMPTS = 10
"""Prompts below which a warning says that intervals are rough."""

MOST_OF_A_NAME = 100
"""Characters of a name in a note; the table has more of it."""

_NARROW = (
    Column("rank", right=True),
    Column("model"),
    Column("rating", right=True),
    Column("interval", right=True),
    Column("win rate", right=True),
    Column("battles", right=True),
    Column("tied with", fit="list"),
)
_SKILLS = {"trueskill": "TrueSkill", "openskill": "OpenSkill"}


def leaderboard_table(board: Leaderboard, *, all_columns: bool = False) -> Table:
    """A leaderboard. What a decision needs fits 80 columns; the rest is shown where there is room.

    Args:
        all_columns: show the rest in any case.
    """
    wide = ["median", "wins", "losses", "ties", "win share", "not whole"]
    in_order = [] if board.online_reason else ["Elo online", _SKILLS[board.options.skill], "sigma"]
    extra = [Column(name, right=True, extra=not all_columns) for name in (*wide, *in_order)]
    rows = [[*_narrow(row), *_wide(row), *(_in_order(row) if in_order else ())] for row in board.rows]
    return Table([*_NARROW, *extra], rows, title_of(board.view), _notes(board))


def _narrow(row: ModelRow) -> list[Cell]:
    return [
        "-" if row.rank is None else str(row.rank),
        row.model,
        number(row.rating, 1) + ("*" if row.held_back and row.rating is not None else ""),
        interval(row.rating_lower, row.rating_upper) if row.rating is not None else "-",
        number(row.win_rate, 3),
        f"{row.battles:,}",
        Names(row.tied_with),
    ]


def _wide(row: ModelRow) -> list[str]:
    not_whole = sum(row.unusual.values())
    return [
        number(row.rating_median, 1),
        f"{row.wins:,}",
        f"{row.losses:,}",
        f"{row.ties:,}",
        number(row.win_share, 3),
        f"{not_whole / row.sides:.1%}" if row.sides else "-",
    ]


def _in_order(row: ModelRow) -> list[str]:
    return [number(row.elo_online, 1), number(row.trueskill_mu, 2), number(row.trueskill_sigma, 2)]


def title_of(view: View) -> str:
    """What a table is of."""
    return f"{short(view.arena.name)} · {judges_of(view)} · category {short(view.category_name)}"


def judges_of(view: View) -> str:
    """The judge in a title, or the judges whose battles are pooled."""
    names = " + ".join(short(name) for name in list(view.judges)[:MOST_JUDGES])
    more = len(view.judges) - MOST_JUDGES
    return f"{'judges' if view.pooled else 'judge'} {names}{f' + {more} more' if more > 0 else ''}"


def other_judges(view: View) -> list[str]:
    """A note on the judges that are left out though nobody chose."""
    if not view.other_judges:
        return []
    told = [f"{short(name)} {battles:,}" for name, battles in view.other_judges.items()]
    return [
        f"the judge with the most battles; others here: {some(told, MOST_JUDGES)}; --judge NAME shows one, --judge all"
        " counts the battles of all"
    ]


def number(value: float | None, digits: int) -> str:
    """A number with so many digits; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def interval(lower: float | None, upper: float | None) -> str:
    """Such as `987 … 1013`; a bound that no number can be had for is infinite."""
    low = "-∞" if lower is None else f"{lower:.0f}"
    return f"{low} … {'∞' if upper is None else f'{upper:.0f}'}"


def _notes(board: Leaderboard) -> list[str]:
    return [
        _rests_on(board),
        *_judges(board),
        _rated_by(board),
        *_few_prompts(board),
        *_reasons(board.rows),
        *_not_whole(board.rows),
        *_rank_depends(board),
        *_online(board),
    ]


def _rests_on(board: Leaderboard) -> str:
    coverage = board.coverage
    parts = [_decided(coverage)]
    if board.battles != coverage.decided:
        unit = " games" if board.view.arena.outcome_rule is OutcomeRule.PER_GAME else ""
        parts.append(f"ratings rest on {board.battles:,}{unit}")
    if board.self_battles:
        parts.append(f"{board.self_battles:,} are a model against itself and rate nobody")
    return "; ".join([*parts, *_undecided(coverage)])


def _decided(coverage: Coverage) -> str:
    return f"{coverage.decided:,} of {coverage.total:,} battles decided"


def _undecided(coverage: Coverage) -> list[str]:
    told = [f"{reason} {n:,}" for reason, n in coverage.waiting_for.items()]
    return [f"not decided: {', '.join(told)}"] if told else []


def _judges(board: Leaderboard) -> list[str]:
    """Whose battles count where that is not plain from the title."""
    if not board.view.pooled:
        return other_judges(board.view)
    told = [f"{short(name)} {n:,}" for name, n in board.coverage.decided_by.items()]
    shared, prompts = board.coverage.shared_prompts or 0, board.coverage.prompts or 0
    notes = [
        f"judges pooled, a battle of each counts as one; decided: {some(told)}; {shared:,} of {prompts:,} prompts were"
        " judged by more than one"
    ]
    if some_judges := board.coverage.judged_by_some:
        notes.append(
            f"warning: {some_judges:,} of {counted(len(board.rows), 'model')} were not judged by all of"
            " them: how lenient a judge is cannot be told from how good such a model is"
        )
    if board.options.interval == "sandwich" or board.options.over == "battles":
        notes.append(
            "warning: these intervals take what several judges say of one prompt for independent, and are too narrow;"
            " --over prompts takes it together"
        )
    return notes


def _rated_by(board: Leaderboard) -> str:
    options, arena = board.options, board.view.arena
    anchor = "mean 1000"
    if options.anchor is not None:
        anchor = f"{short(options.anchor.model)} pinned to {options.anchor.rating:g}"
    how = "95 % sandwich intervals"
    if options.interval == "bootstrap":
        how = f"95 % intervals of {options.n_resamples:,} bootstraps over {options.over}"
    return (
        f"Bradley-Terry, {anchor}, {how}; outcome rule {arena.outcome_rule.value}, cut responses: {arena.on_cut.value};"
        f" tied with: by {board.tied_by}"
    )


def _few_prompts(board: Leaderboard) -> list[str]:
    """A word where all battles are on so few prompts that intervals say little, or too much."""
    if board.prompts is None or not 0 < board.prompts < FEW_PROMPTS:
        return []
    on = f"warning: all battles are on {counted(board.prompts, 'prompt')}: "
    if board.options.interval == "bootstrap" and board.options.over == "prompts":
        return [f"{on}intervals over so few are rough"]
    return [f"{on}these intervals take battles on one prompt for independent, and are too narrow"]


def _reasons(rows: Sequence[ModelRow]) -> list[str]:
    """Why models have no rating or no bound, each reason once."""
    by_reason: dict[str, list[str]] = {}
    for row in rows:
        if row.reason is not None:
            lost = f" ({row.without_finite_fit:,} resamples)" if row.without_finite_fit else ""
            by_reason.setdefault(row.reason, []).append(f"{short(row.model)}{lost}")
    return [f"{some(names)}: {reason}" for reason, names in by_reason.items()]


def some(names: Sequence[str], most: int = MOST_NAMES) -> str:
    """Names in a sentence, the last of many only counted."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def short(name: str) -> str:
    """A name in a sentence."""
    return shortened(name, MOST_OF_A_NAME)


def _not_whole(rows: Sequence[ModelRow]) -> list[str]:
    shares = [
        (sum(row.unusual.values()) / row.sides, row)
        for row in rows
        if row.sides and any(row.unusual.values())
    ]
    told = [
        f"{short(row.model)} {share:.1%} ({_by_status(row.unusual)} of {row.sides:,})"
        for share, row in sorted(shares, key=lambda one: -one[0])
    ]
    return [f"responses that are not whole: {some(told, 6)}"] if told else []


def _by_status(unusual: Mapping[str, int]) -> str:
    return ", ".join(f"{n:,} {status}" for status, n in sorted(unusual.items()) if n)


def _rank_depends(board: Leaderboard) -> list[str]:
    told = [
        f"{short(one.model)} ({one.rank_void or '-'} if their battles are void,"
        f" {one.rank_loss or '-'} if they are lost)"
        for one in board.cut_dependence
    ]
    return [f"warning: ranks that depend on responses that are not whole: {some(told, 6)}"] if told else []


def _online(board: Leaderboard) -> list[str]:
    if not board.options.online:
        return []
    names = {"elo": "Elo online"} | _SKILLS
    behind = [
        f"{names.get(kind, kind)} {done:,} of {total:,}"
        for kind, (done, total) in board.online.items()
        if done < total
    ]
    if not behind:
        return []
    return [f"in battle order so far: {', '.join(behind)}; ask again, or with more --fold-seconds, to go on"]


def matrix_table(view: View, matrix: WinRateMatrix, coverage: Coverage) -> Table:
    """A win-rate matrix. Columns go by the number of their model, so that any number of models can be read."""
    columns = [
        Column("beats"),
        *(Column(str(place), right=True) for place in range(1, len(matrix.models) + 1)),
    ]
    rows = [
        [f"{place} {name}", *("-" if rate is None else f"{rate:.2f}" for rate in rates)]
        for place, (name, rates) in enumerate(zip(matrix.models, matrix.rates, strict=True), 1)
    ]
    what = "a tie counts half" if matrix.ties else "ties left out"
    unit = "game" if view.arena.outcome_rule is OutcomeRule.PER_GAME else "battle"
    shown = counted(int(matrix.battles.sum()) // 2, unit)
    note = f"share of battles that the row won against the column; {what}; shown are {shown}"
    rests_on = "; ".join([_decided(coverage), *_undecided(coverage)])
    return Table(columns, rows, title_of(view), [rests_on, note, *other_judges(view)])


def comparison_table(comparison: Comparison) -> Table:
    """Differences of models, one a row: of two models by category, or of several against a baseline."""
    by_category = not comparison.simultaneous
    columns = [
        Column("category" if by_category else "model"),
        Column("difference", right=True),
        Column("interval", right=True),
        Column("win rate", right=True),
        Column("met", right=True),
        Column("prompts", right=True),
        Column("result", fit="wrap"),
    ]
    rows = [[row.category if by_category else row.model, *_compared(row)] for row in comparison.rows]
    first, view = comparison.rows[0], comparison.view
    who = f"{short(first.model)} minus" if by_category else "models minus"
    title = f"{who} {short(first.baseline)} · {short(view.arena.name)} · {judges_of(view)}"
    if not by_category:
        title += f" · category {short(view.category_name)}"
    kind = "95 % intervals" if by_category else "simultaneous 95 % intervals"
    whose = "both models" if by_category else "the model and the baseline"
    note = (
        f"Elo points, of ratings on the prompts that {whose} have battles on (prompts); {kind} of"
        f" {comparison.n_resamples:,} bootstraps over these prompts"
    )
    met = "win rate: in the battles that the two had with each other (met), a tie counting half"
    few = [row for row in comparison.rows if row.lower is not None and row.prompts < FEW_PROMPTS]
    rough = [f"warning: intervals from fewer than {FEW_PROMPTS} prompts are rough"] if few else []
    rests_on = "; ".join([_decided(comparison.coverage), *_undecided(comparison.coverage)])
    return Table(columns, rows, title, [rests_on, note, met, *rough, *other_judges(view)])


def _compared(row: Compared) -> list[str]:
    known = row.lower is not None or row.upper is not None
    return [
        signed(row.difference),
        f"{signed(row.lower, '-∞')} … {signed(row.upper, '∞')}" if known else "-",
        number(row.win_rate, 3),
        f"{row.met:,}",
        f"{row.prompts:,}",
        _told_apart(row),
    ]


def signed(value: float | None, missing: str = "-") -> str:
    """Such as +12 or -3."""
    return missing if value is None else f"{value:+.0f}"


def _told_apart(row: Compared) -> str:
    if row.difference is None:
        return row.reason or "no difference can be had"
    if row.lower is not None and row.lower > 0:
        return "better"
    if row.upper is not None and row.upper < 0:
        return "worse"
    if row.lower is None and row.upper is None:
        return f"not told: {row.reason}"
    return "tied"
