"""Options that several commands take: which arena, judge and category, how it is rated, in what form it is shown."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

from arena_tui.cli.running import one_of, open_for_reading, open_for_writing, store_path
from arena_tui.output import FORMATS, Format
from engine.errors import StoreError, UsageError

if TYPE_CHECKING:
    from engine.ratings.scale import Anchor
    from engine.store import Store

ArenaOption = Annotated[
    str | None, typer.Option("--arena", help="The arena. Default: the newest.", metavar="NAME")
]
JudgeOption = Annotated[
    str | None,
    typer.Option(
        "--judge",
        help="The judge. Default: the one with the most battles. Judges are never mixed.",
        metavar="NAME",
    ),
]
JudgesOption = Annotated[
    list[str] | None,
    typer.Option(
        "--judge",
        help="The judge. Default: the one with the most battles. Judges are never mixed unless you ask: repeat it, or"
        " give a glob such as 'gpt*', or 'all', and each battle of each of them counts.",
        metavar="NAME",
    ),
]
CategoryOption = Annotated[
    str | None, typer.Option("--category", help="One category. Default: all.", metavar="NAME")
]
FormatOption = Annotated[
    str, typer.Option("--format", help="table, csv or markdown.", metavar="FORM", show_default=True)
]
AnchorOption = Annotated[
    str | None,
    typer.Option(
        "--anchor",
        help="Pin a model, such as vicuna-13b=1000; 'none' puts the mean at 1000. Default: as the arena's plan says.",
        metavar="MODEL[=RATING]",
    ),
]
ResamplesOption = Annotated[
    int,
    typer.Option("--n-resamples", min=40, help="Bootstrap resamples.", metavar="N", show_default=True),
]
SeedOption = Annotated[
    int, typer.Option("--seed", help="Seed of the resamples.", metavar="N", show_default=True)
]
PlannedResamplesOption = Annotated[
    int | None,
    typer.Option(
        "--n-resamples",
        min=40,
        help="Bootstrap resamples. Default: as the arena's plan says, else 100.",
        metavar="N",
    ),
]
OverOption = Annotated[
    str | None,
    typer.Option(
        "--over",
        help="What is resampled: battles, or prompts (games on one prompt are not independent). "
        "Default: as the arena's plan says, else battles; prompts where several judges are asked for.",
        metavar="WHAT",
    ),
]


IntervalOption = Annotated[
    str,
    typer.Option(
        "--interval", help="bootstrap, or sandwich (quick, symmetric).", metavar="KIND", show_default=True
    ),
]
PointOption = Annotated[
    str,
    typer.Option(
        "--point",
        help="The rating that is shown: mle, or median (of the resamples: the paper's number).",
        metavar="WHICH",
        show_default=True,
    ),
]
FoldOption = Annotated[
    float,
    typer.Option(
        "--fold-seconds",
        min=0,
        help="How long to fold new battles into online Elo and TrueSkill, each. They go on from where they were.",
        metavar="SECONDS",
        show_default=True,
    ),
]
SkillOption = Annotated[
    str,
    typer.Option(
        "--skill",
        help="The package behind mu and sigma: trueskill, or openskill (free for commercial use, an extra).",
        metavar="PACKAGE",
        show_default=True,
    ),
]
AllowInvalidOption = Annotated[
    bool,
    typer.Option(
        "--allow-invalid",
        help="Also show ratings that are held back because too many of a model's battles came to nothing, marked.",
    ),
]
AllColumnsOption = Annotated[
    bool, typer.Option("--all-columns", help="Every column, on a narrow terminal too.")
]
TiesOption = Annotated[
    bool, typer.Option("--ties/--no-ties", help="A tie counts half a win, or is left out.", show_default=True)
]


def read_format(said: str) -> Format:
    """The form of a table.

    Raises:
        UsageError: there is no such form.
    """
    return cast(Format, one_of("--format", said, FORMATS))


def read_anchor(said: str | None) -> Anchor | None:
    """MODEL or MODEL=RATING; a name may hold `=` itself, then the rating has to be said.

    Raises:
        UsageError: the rating is no number.
    """
    from math import isfinite

    from engine.ratings.scale import Anchor

    if said is None:
        return None
    name, mark, rating = said.rpartition("=")
    if not mark:
        return Anchor(said, 1000.0)
    try:
        number = float(rating)
    except ValueError:
        number = float("nan")
    if not isfinite(number):
        raise UsageError(
            f"--anchor: '{rating}' is no rating", mend="Write MODEL=RATING, such as vicuna-13b=1000."
        )
    return Anchor(name, number)


def open_to_rate(store: Path | None) -> Store:
    """The store to rate from. Ratings in battle order are folded on, and kept, where the store can be written.

    Raises:
        StoreError: it cannot be read; an older program's that cannot be brought up to date says why it cannot.
    """
    from engine.store.opening import OlderStore

    path = store_path(store)
    if not path.exists():
        return open_for_reading(store)
    try:
        return open_for_writing(store, create=False)
    except StoreError as unwritable:
        opened = open_for_reading(store)
        try:
            _ = opened.reader
        except OlderStore:
            raise unwritable from None
        return opened
