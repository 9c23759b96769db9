"""`import FORMAT PATH...`: other people's files into the store, or a look at what would come of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli.running import JsonOption, StoreOption, one_of, open_for_writing
from arena_tui.cli.tree import commands, examples
from arena_tui.output import out_json, out_table, say
from arena_tui.streams import strays_as_talk
from engine.errors import UsageError

if TYPE_CHECKING:
    from engine.battles.importing import ImportReport
    from engine.formats.rows import Importer, ImportOptions, Layout

app = commands()


@app.command(
    "import",
    epilog=examples(
        "arena-tui import arena battles.csv --dry-run",
        "arena-tui import arena battles.csv --prompts prompts.jsonl --join prompt",
        "arena-tui import alpaca-eval model_outputs.json annotations.json",
        "arena-tui import arena log.jsonl --map 'meta.lang=category' --map '=crowd=judge' --values left=model_a",
        "arena-tui import hf lmsys/chatbot_arena_conversations --option split=train",
        "arena-tui imports formats             what each format reads, and its options",
    ),
)
def import_files(
    form: Annotated[
        str,
        typer.Argument(
            help="arena, alpaca-eval, mt-bench, arena-hard, sharegpt, oasst, preferences, hf, prompts, responses or"
            " verdicts.",
            metavar="FORMAT",
        ),
    ],
    paths: Annotated[
        list[Path], typer.Argument(help="Files, or the folder that the format calls for.", metavar="PATH")
    ],
    mapping: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            help="Which column is which field. Theirs may be a dotted path, or =VALUE for a constant. Repeatable.",
            metavar="THEIRS=OURS",
        ),
    ] = None,
    values: Annotated[
        list[str] | None,
        typer.Option(
            "--values", help="What their values of a winner mean. Repeatable.", metavar="THEIRS=OURS"
        ),
    ] = None,
    mapping_file: Annotated[
        Path | None,
        typer.Option(
            "--map-file", help="The same from a file (TOML, JSON): columns, values, options.", metavar="FILE"
        ),
    ] = None,
    prompts: Annotated[
        Path | None, typer.Option("--prompts", help="A file of prompts kept apart.", metavar="FILE")
    ] = None,
    join: Annotated[
        str | None,
        typer.Option(
            "--join",
            help="The column that names a prompt; COLUMN=THEIRS where it is called otherwise in --prompts.",
            metavar="COLUMN",
        ),
    ] = None,
    arena: Annotated[
        str | None,
        typer.Option("--arena", help="The arena to join. Default: the file's name.", metavar="NAME"),
    ] = None,
    judge: Annotated[
        str | None, typer.Option("--judge", help="The judge, where the file names none.", metavar="NAME")
    ] = None,
    set_name: Annotated[
        str | None,
        typer.Option("--set-name", help="The prompt set. Default: the file's name.", metavar="NAME"),
    ] = None,
    where: Annotated[
        str | None,
        typer.Option(
            "--where",
            help="Only rows whose COLUMN is VALUE (or is not, with !=). The others are set aside, counted.",
            metavar="COLUMN=VALUE",
        ),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--option", help="An option of the format; see imports formats. Repeatable.", metavar="NAME=VALUE"
        ),
    ] = None,
    outcome_rule: Annotated[
        str,
        typer.Option(
            "--outcome-rule",
            help="How games make an outcome in a new arena: mean-margin, strict or per-game.",
            metavar="RULE",
            show_default=True,
        ),
    ] = "mean-margin",
    on_cut: Annotated[
        str,
        typer.Option(
            "--on-cut",
            help="What a cut, empty or refused response means in a new arena: judge, void or loss.",
            metavar="RULE",
            show_default=True,
        ),
    ] = "judge",
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Write nothing. Show the layout, the mapping, three rows as they would land, what would be set aside.",
        ),
    ] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Bring in battle logs, responses, verdicts or prompts. Importing again adds only what is missing.

    Rows that cannot be used are counted, kept aside with their line and the reason, and shown. `imports undo` takes an
    import back.
    """
    from engine.plugins import Group, load
    from engine.records import OnCut, OutcomeRule

    _check_format(form, paths)
    importer: Importer = load(Group.FORMATS, form)()
    options = _options(mapping, values, mapping_file, settings, where, prompts, join, arena, judge, set_name)
    rules = (
        OutcomeRule(one_of("--outcome-rule", outcome_rule, tuple(OutcomeRule))),
        OnCut(one_of("--on-cut", on_cut, tuple(OnCut))),
    )
    with strays_as_talk():
        layout = importer.layout(paths, options)
        if dry_run:
            _preview(importer, paths, options, layout, as_json)
            return
        report = _land(importer, paths, options, layout, rules, store)
    if as_json:
        out_json(report.facts())
    else:
        _print_report(report)
    if not report.usable:
        raise typer.Exit(1)


def _check_format(form: str, paths: Sequence[Path]) -> None:
    """Say it plainly when the format was forgotten, and a file stands in its place."""
    if Path(form).exists() and not paths:
        raise UsageError(f"import needs a format before {form}", mend="Such as: arena-tui import arena FILE")


def _options(
    mapping: list[str] | None,
    values: list[str] | None,
    mapping_file: Path | None,
    settings: list[str] | None,
    where: str | None,
    prompts: Path | None,
    join: str | None,
    arena: str | None,
    judge: str | None,
    set_name: str | None,
) -> ImportOptions:
    """What was said, the command line above the mapping file."""
    from engine.formats.mapping import MappingFile, load_mapping
    from engine.formats.rows import ImportOptions

    file = MappingFile({}, {}, {}) if mapping_file is None else load_mapping(mapping_file)
    extra = {**file.options, **_pairs("--option", settings)}
    if where is not None:
        extra["where"] = where
    return ImportOptions(
        mapping={**file.columns, **_pairs("--map", mapping)},
        values={**file.values, **_pairs("--values", values)},
        prompts=prompts,
        join=join,
        arena=arena,
        judge=judge,
        set_name=set_name,
        extra=extra,
    )


def _pairs(option: str, said: Iterable[str] | None) -> dict[str, str]:
    """LEFT=RIGHT, split at the last `=`, so that the left may be `=VALUE`; at the first one for --option."""
    found = {}
    for text in said or ():
        left, mark, right = text.partition("=") if option == "--option" else text.rpartition("=")
        if not mark or not left or not right:
            form = "NAME=VALUE" if option == "--option" else "THEIRS=OURS"
            raise UsageError(f"{option} {text} is not {form}")
        if left in found:
            raise UsageError(f"{option} says two things of '{left}'")
        found[left] = right
    return found


def _preview(
    importer: Importer, paths: Sequence[Path], options: ImportOptions, layout: Layout, as_json: bool
) -> None:
    from arena_tui.cli.import_tables import preview_facts, print_preview
    from engine.battles.importing import preview_rows

    preview = preview_rows(importer.rows(paths, options, layout), layout)
    if as_json:
        out_json(preview_facts(importer.name, preview))
    else:
        print_preview(importer.name, preview)


def _land(
    importer: Importer,
    paths: Sequence[Path],
    options: ImportOptions,
    layout: Layout,
    rules: tuple[Any, Any],
    store: Path | None,
) -> ImportReport:
    """Land all rows, and leave a rating snapshot of each arena and judge that changed."""
    from arena_tui.headless import RowCounter
    from engine.battles.importing import import_rows
    from engine.jobs.snapshots import write_snapshots

    counter = RowCounter()
    rows = importer.rows(paths, options, layout)
    with open_for_writing(store) as opened:
        try:
            report = import_rows(
                opened,
                importer.name,
                paths,
                rows,
                layout,
                options,
                counter.show,
                outcome_rule=rules[0],
                on_cut=rules[1],
            )
        except KeyboardInterrupt:
            say("What was read so far is kept: import the same again, and only the rest is added.")
            raise
        finally:
            counter.close()
        write_snapshots(opened, None, report.affected)
    return report


def _print_report(report: ImportReport) -> None:
    from arena_tui.cli.import_tables import aside_table, report_table

    out_table(report_table(report))
    if report.set_aside:
        out_table(aside_table(report.set_aside))
    for wanted, shown in report.renamed.items():
        say(f"'{wanted}' belongs to another in this store; it is shown as '{shown}'")
    if report.layout.arena is not None and report.affected:
        say(f"See the table: arena-tui leaderboard --arena {quote(report.layout.arena)}")
