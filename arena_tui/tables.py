"""Tables of the engine's results for people: which columns, how numbers look, what is said below."""

from __future__ import annotations

from arena_tui.output import Column, Table
from engine.ratings.comparing import Comparison
from engine.ratings.leaderboard import Leaderboard, ModelRow


def leaderboard_table(board: Leaderboard, *, wide: bool) -> Table:
    """A leaderboard. Narrow has what a decision needs in 80 columns, wide has everything."""
    columns = [
        Column("rank", right=True),
        Column("model"),
        Column("rating", right=True),
        Column("95 % interval", right=True),
        Column("win rate", right=True),
        Column("battles", right=True),
        Column("tied with"),
    ]
    rows = [_narrow(row) for row in board.rows]
    if wide:
        columns += [Column(name, right=True) for name in _WIDE]
        rows = [[*cells, *_wide(row)] for cells, row in zip(rows, board.rows, strict=True)]
    view = board.view
    title = f"{view.arena.name} · judge {view.judge} · {view.category_name}"
    return Table(columns, rows, title, _notes(board))


_WIDE = (
    "median",
    "win share",
    "wins",
    "losses",
    "ties",
    "Elo online",
    "TrueSkill mu",
    "sigma",
    "cut, empty, refused",
)


def _narrow(row: ModelRow) -> list[str]:
    interval = f"{number(row.rating_lower, 0)} … {number(row.rating_upper, 0)}"
    return [
        "-" if row.rank is None else str(row.rank),
        row.model,
        number(row.rating, 1),
        interval if row.rating is not None else "-",
        number(row.win_rate, 3),
        f"{row.battles:,}",
        _some(row.tied_with),
    ]


def _wide(row: ModelRow) -> list[str]:
    cut = sum(row.unusual.values())
    return [
        number(row.rating_median, 1),
        number(row.win_share, 3),
        f"{row.wins:,}",
        f"{row.losses:,}",
        f"{row.ties:,}",
        number(row.elo_online, 1),
        number(row.trueskill_mu, 2),
        number(row.trueskill_sigma, 2),
        f"{cut:,} of {row.sides:,}",
    ]


def _some(names: tuple[str, ...], most: int = 3) -> str:
    shown = ", ".join(names[:most])
    return f"{shown} +{len(names) - most}" if len(names) > most else shown


def number(value: float | None, digits: int) -> str:
    """A number with so many digits; a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def _notes(board: Leaderboard) -> list[str]:
    return [_rests_on(board), _rated_by(board), *_reasons(board), *_cut(board), *_online(board)]


def _rests_on(board: Leaderboard) -> str:
    coverage = board.coverage
    parts = [f"{coverage.decided:,} of {coverage.total:,} battles decided"]
    if board.battles != coverage.decided:
        parts.append(f"{board.battles:,} rated")
    parts += [f"{n:,} {reason}" for reason, n in coverage.waiting_for.items()]
    return "; ".join(parts)


def _rated_by(board: Leaderboard) -> str:
    options = board.options
    anchor = (
        "mean 1000"
        if options.anchor is None
        else f"{options.anchor.model} pinned to {options.anchor.rating:g}"
    )
    how = "sandwich intervals"
    if options.interval == "bootstrap":
        how = f"intervals of {options.n_resamples:,} bootstraps over {options.over}"
    rule = f"{board.view.arena.outcome_rule.value}, cut responses: {board.view.arena.on_cut.value}"
    return f"Bradley-Terry, {anchor}, {how}; outcome {rule}; ties by {board.tied_by}"


def _reasons(board: Leaderboard) -> list[str]:
    lines = []
    for row in board.rows:
        if row.reason is not None:
            lost = (
                f" ({row.without_finite_fit:,} resamples without a finite fit)"
                if row.without_finite_fit
                else ""
            )
            lines.append(f"{row.model}: {row.reason}{lost}")
    return lines if len(lines) <= 8 else [*lines[:8], f"… and {len(lines) - 8} more; see --json"]


def _cut(board: Leaderboard) -> list[str]:
    shares = []
    for row in board.rows:
        cut = sum(row.unusual.values())
        if cut:
            told = ", ".join(f"{n:,} {status}" for status, n in sorted(row.unusual.items()))
            shares.append(f"{row.model} {cut / row.sides:.1%} ({told} of {row.sides:,})")
    lines = [f"not whole: {'; '.join(shares[:6])}{'; …' if len(shares) > 6 else ''}"] if shares else []
    for one in board.cut_dependence:
        lines.append(
            f"warning: the rank of {one.model} depends on its responses that are not whole:"
            f" {one.rank_void or '-'} if their battles are void, {one.rank_loss or '-'} if they are lost"
        )
    return lines


def _online(board: Leaderboard) -> list[str]:
    behind = [f"{kind} {done:,} of {total:,}" for kind, (done, total) in board.online.items() if done < total]
    return [f"in battle order, so far: {', '.join(behind)}"] if behind else []


def comparison_table(found: Comparison) -> Table:
    """Differences of models, one a row."""
    single = len({row.category for row in found.rows}) > 1 or not found.simultaneous
    columns = [
        Column("category" if single else "model", keep=True),
        Column("difference", right=True),
        Column("95 % interval", right=True),
        Column("win rate", right=True),
        Column("met", right=True),
        Column("prompts", right=True),
        Column("", right=False),
    ]
    rows = [
        [
            row.category if single else row.model,
            signed(row.difference),
            f"{signed(row.lower)} … {signed(row.upper)}" if row.difference is not None else "-",
            number(row.win_rate, 3),
            f"{row.met:,}",
            f"{row.prompts:,}",
            _read(row.difference, row.lower, row.upper, row.reason),
        ]
        for row in found.rows
    ]
    first = found.rows[0]
    title = f"{first.model if single else 'models'} against {first.baseline} · {found.view.arena.name}"
    kind = "simultaneous 95 % intervals" if found.simultaneous else "95 % intervals"
    note = f"Elo points on common prompts before {found.view.judge}; {kind} of {found.n_resamples:,} bootstraps over prompts"
    return Table(columns, rows, title, [note])


def signed(value: float | None) -> str:
    """Such as +12 or -3; a dash where there is none."""
    return "-" if value is None else f"{value:+.0f}"


def _read(difference: float | None, lower: float | None, upper: float | None, reason: str | None) -> str:
    if difference is None:
        return reason or ""
    if lower is not None and lower > 0:
        return "better"
    if upper is not None and upper < 0:
        return "worse"
    return "not told apart"
