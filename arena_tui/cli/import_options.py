"""The options of `import`, and how a mapping is put together from the command line and a file."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.formats.mapping import MappingFile


def check_format(form: str) -> str:
    """The format; checked before it is seen that files are missing.

    Raises:
        UsageError: the format was forgotten, and a file stands in its place.
    """
    if Path(form).suffix and Path(form).exists():
        raise UsageError(
            f"import needs a format before {form}", mend=f"Such as: arena-tui import arena {form}"
        )
    return form


FormatArgument = Annotated[
    str,
    typer.Argument(
        help="arena, alpaca-eval, mt-bench, arena-hard, sharegpt, oasst, preferences, hf, prompts, responses,"
        " verdicts or store.",
        metavar="FORMAT",
        callback=check_format,
    ),
]
PathsArgument = Annotated[
    list[Path], typer.Argument(help="Files, or the folder that the format calls for.", metavar="PATH")
]
MapOption = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        help="Which column is which field. Theirs may be a dotted path, or =VALUE for a constant. Repeatable.",
        metavar="THEIRS=OURS",
    ),
]
ValuesOption = Annotated[
    list[str] | None,
    typer.Option("--values", help="What their values of a winner mean. Repeatable.", metavar="THEIRS=OURS"),
]
MapFileOption = Annotated[
    Path | None,
    typer.Option(
        "--map-file", help="The same from a file (TOML, JSON): columns, values, options.", metavar="FILE"
    ),
]
PromptsOption = Annotated[
    Path | None, typer.Option("--prompts", help="A file of prompts kept apart.", metavar="FILE")
]
JoinOption = Annotated[
    str | None,
    typer.Option(
        "--join",
        help="The column that names a prompt; COLUMN=THEIRS where it is called otherwise in --prompts.",
        metavar="COLUMN",
    ),
]
ToArenaOption = Annotated[
    str | None,
    typer.Option(
        "--arena",
        help="The arena to join, whatever the rows say. Default: as they say, else the file's name.",
        metavar="NAME",
    ),
]
ByJudgeOption = Annotated[
    str | None, typer.Option("--judge", help="The judge, where the file names none.", metavar="NAME")
]
SetNameOption = Annotated[
    str | None, typer.Option("--set-name", help="The prompt set. Default: the file's name.", metavar="NAME")
]
WhereOption = Annotated[
    str | None,
    typer.Option(
        "--where",
        help="Only rows whose COLUMN is VALUE (or is not, with !=). The others are set aside, counted.",
        metavar="COLUMN=VALUE",
    ),
]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option(
        "--option", help="An option of the format; see imports formats. Repeatable.", metavar="NAME=VALUE"
    ),
]
OutcomeRuleOption = Annotated[
    str,
    typer.Option(
        "--outcome-rule",
        help="How games make an outcome in a new arena: mean-margin, strict or per-game.",
        metavar="RULE",
        show_default=True,
    ),
]
OnCutOption = Annotated[
    str,
    typer.Option(
        "--on-cut",
        help="What a cut, empty or refused response means in a new arena: judge, void or loss.",
        metavar="RULE",
        show_default=True,
    ),
]
DryRunOption = Annotated[
    bool,
    typer.Option(
        "--dry-run",
        help="Write nothing. Show the layout, the mapping, three rows as they would land, what would be set aside.",
    ),
]


def read_mapping(
    file: Path | None,
    columns: Iterable[str] | None,
    values: Iterable[str] | None,
    settings: Iterable[str] | None,
    where: str | None,
) -> MappingFile:
    """What a mapping file says, and above it what the command line says.

    Raises:
        UsageError: the file is none, or an option has not its form.
    """
    from engine.formats.mapping import MappingFile, load_mapping

    said = MappingFile({}, {}, {}) if file is None else load_mapping(file)
    options = {**said.options, **_pairs("--option", settings)}
    if where is not None:
        options["where"] = where
    return MappingFile(
        {**said.columns, **_pairs("--map", columns)}, {**said.values, **_pairs("--values", values)}, options
    )


def _pairs(option: str, said: Iterable[str] | None) -> dict[str, str]:
    """LEFT=RIGHT, split at the last `=`, so that the left may be `=VALUE`; at the first one for --option."""
    found: dict[str, str] = {}
    for text in said or ():
        left, mark, right = text.partition("=") if option == "--option" else text.rpartition("=")
        if not mark or not left or not right:
            form = "NAME=VALUE" if option == "--option" else "THEIRS=OURS"
            raise UsageError(f"{option} {text} is not {form}")
        if left in found:
            raise UsageError(f"{option} says two things of '{left}'")
        found[left] = right
    return found
