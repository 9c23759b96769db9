"""`select`, `select list|show|export|drop`: which battles become training rows."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli.options import ArenaOption, CategoryOption, JudgeOption
from arena_tui.cli.running import JsonOption, StoreOption, one_of, open_for_reading, open_for_writing
from arena_tui.cli.selecting import Asked, out_tables, select_rows, stored_facts
from arena_tui.cli.tree import commands, examples
from arena_tui.output import data_stream, out_json, out_table, say
from arena_tui.streams import data_is_seen
from arena_tui.words import counted
from engine.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from engine.flywheel.exporting.files import FileFormat
    from engine.flywheel.exporting.rows import TrainingRow
    from engine.store.selections import StoredSelection

app = commands(
    "Choose training rows from decided battles. A prompt gives a row where the target lost by K or more (sft), or"
    " where the best and the worst response lie K apart (dpo, reward). What is cut, refused, flagged, twice there or"
    " near the test set is left out, and counted. See what each K keeps with --dry-run."
)

SelectionArgument = Annotated[
    int, typer.Argument(help="Number of the selection, from select list.", metavar="ID")
]

LAYOUTS = ("trl", "llama-factory")
FORMS = ("jsonl", "parquet")
COLUMNS = ("prompt-completion", "messages")


@app.callback(
    invoke_without_command=True,
    epilog=examples(
        "arena-tui select --target moth --min-gap 3 --dry-run",
        "arena-tui select --target moth --stage dpo --pairs group --min-gap 2 --held-out pocket:test",
        "arena-tui select list --by opponent",
        "arena-tui select export 1 --out sft.jsonl",
    ),
)
def select(
    context: typer.Context,
    arena: ArenaOption = None,
    judge: JudgeOption = None,
    category: CategoryOption = None,
    target: Annotated[
        str | None, typer.Option("--target", help="The model that is to be trained.", metavar="NAME")
    ] = None,
    opponents: Annotated[
        list[str] | None,
        typer.Option(
            "--opponent",
            help="Who else is of the group. Repeatable. Default: all who fought.",
            metavar="NAME",
        ),
    ] = None,
    stage: Annotated[
        str,
        typer.Option("--stage", help="sft, dpo or reward.", metavar="KIND", show_default=True),
    ] = "sft",
    pairs: Annotated[
        str,
        typer.Option(
            "--pairs",
            help="Of dpo and reward: group (best and worst), target-lost (best and the target's), own-worst (best and"
            " the worst of the target's samples).",
            metavar="RULE",
            show_default=True,
        ),
    ] = "group",
    min_gap: Annotated[
        float,
        typer.Option("--min-gap", help="K, in the judge's units.", metavar="K", show_default=True),
    ] = 0.0,
    round_: Annotated[
        int | None, typer.Option("--round", min=1, help="Round of a flywheel that it is for.", metavar="N")
    ] = None,
    sets: Annotated[
        list[str] | None,
        typer.Option("--prompts", help="Only prompts of this set. Repeatable.", metavar="SET"),
    ] = None,
    held_out: Annotated[
        list[str] | None,
        typer.Option("--held-out", help="Test set whose prompts never train. Repeatable.", metavar="SET"),
    ] = None,
    near: Annotated[
        float,
        typer.Option(
            "--near",
            help="Share of word runs from which on a prompt is near a test prompt; 1: equal ones alone.",
            metavar="SHARE",
            show_default=True,
        ),
    ] = 0.8,
    max_per_category: Annotated[
        int | None, typer.Option("--max-per-category", help="Rows at most of a category.", metavar="N")
    ] = None,
    max_per_opponent: Annotated[
        int | None, typer.Option("--max-per-opponent", help="Rows at most of an opponent.", metavar="N")
    ] = None,
    max_length_ratio: Annotated[
        float | None,
        typer.Option("--max-length-ratio", help="Characters of chosen to rejected, at most.", metavar="X"),
    ] = None,
    rows: Annotated[int | None, typer.Option("--rows", help="Rows at most in all.", metavar="N")] = None,
    allow: Annotated[
        list[str] | None,
        typer.Option(
            "--allow",
            help="Do not leave out: cut, refused, duplicate, constant, content-free, injected, special-tokens or"
            " hidden. Repeatable.",
            metavar="REASON",
        ),
    ] = None,
    strategy: Annotated[
        str,
        typer.Option(
            "--strategy",
            help="battles (the method), or to compare with: all, random, cluster, longest, or a plug-in.",
            metavar="NAME",
            show_default=True,
        ),
    ] = "battles",
    options: Annotated[
        list[str] | None,
        typer.Option("--option", help="Option of the strategy, such as n_clusters=50.", metavar="KEY=VALUE"),
    ] = None,
    seed: Annotated[
        int, typer.Option("--seed", help="Seed of what is drawn.", metavar="N", show_default=True)
    ] = 0,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what K = 0 to 5 would keep, and store nothing.")
    ] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Choose training rows from decided battles."""
    if context.invoked_subcommand is not None:
        if target is not None:
            raise UsageError(f"--target and the command '{context.invoked_subcommand}' are two things")
        return
    if target is None:
        raise UsageError("whom the rows are for is not said", mend="Name the model with --target NAME.")
    said: dict[str, Any] = {
        "target": target,
        "opponents": tuple(opponents or ()),
        "stage": stage,
        "pairs": pairs,
        "min_gap": min_gap,
        "round": round_,
        "sets": tuple(sets or ()),
        "held_out": tuple(held_out or ()),
        "near": near,
        "max_per_category": max_per_category,
        "max_per_opponent": max_per_opponent,
        "max_length_ratio": max_length_ratio,
        "rows": rows,
        "allow": tuple(allow or ()),
        "strategy": strategy,
        "seed": seed,
    }
    select_rows(Asked(arena, judge, category, said, tuple(options or ())), store, dry_run, as_json)


@app.command("list", epilog=examples("arena-tui select list", "arena-tui select list --by category"))
def list_selections(
    by: Annotated[
        str | None,
        typer.Option("--by", help="Kept rows by opponent or by category instead.", metavar="WHAT"),
    ] = None,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """List all selections with their means, oldest first."""
    from arena_tui.selections import pivot_table, selections_table
    from engine.flywheel.selection.summary import summarise_stored
    from engine.store.selections import read_selections

    if by is not None:
        one_of("--by", by, ("opponent", "category"))
    with open_for_reading(store) as opened, opened.snapshot() as connection:
        found = [(one, summarise_stored(connection, one.id)) for one in read_selections(connection)]
    if as_json:
        out_json([stored_facts(one, summary) for one, summary in found])
    elif by is None:
        out_table(selections_table(found))
    else:
        counts = [(one, s.opponents if by == "opponent" else s.categories) for one, s in found]
        out_table(pivot_table(by, counts))


@app.command(
    "show", epilog=examples("arena-tui select show 1", "arena-tui select show 1 --limit 1000 --json")
)
def show_selection(
    number: SelectionArgument,
    limit: Annotated[
        int, typer.Option("--limit", min=0, help="At most so many rows.", metavar="N", show_default=True)
    ] = 20,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show a selection. What was kept and what left out, by opponent and category, and rows with their battles."""
    from arena_tui.selections import counts_table, means_table, reasons_table, rows_table
    from engine.flywheel.selection.shown import show_rows
    from engine.flywheel.selection.summary import summarise_stored
    from engine.store.selections import read_selection

    with open_for_reading(store) as opened, opened.snapshot() as connection:
        one = read_selection(connection, number)
        summary = summarise_stored(connection, number)
        rows = show_rows(connection, number, limit)
    if as_json:
        from dataclasses import asdict

        out_json(stored_facts(one, summary) | {"training_rows": [asdict(row) for row in rows]})
        return
    tables = [
        means_table(one, summary),
        counts_table("opponent", summary.opponents),
        counts_table("category", summary.categories),
        reasons_table(one.reasons, one.considered, one.rows),
        rows_table(rows, one.rows),
    ]
    out_tables([table for table in tables if table.rows])


@app.command(
    "export",
    epilog=examples(
        "arena-tui select export 1 --out sft.jsonl",
        "arena-tui select export 2 --format parquet --out dpo.parquet",
        "arena-tui select export 2 --layout llama-factory --out LLaMA-Factory/data",
    ),
)
def export_selection(
    number: SelectionArgument,
    layout: Annotated[
        str, typer.Option("--layout", help="trl or llama-factory.", metavar="LAYOUT", show_default=True)
    ] = "trl",
    form: Annotated[
        str | None,
        typer.Option(
            "--format", help="jsonl or parquet. Default: by the ending of --out, else jsonl.", metavar="FORM"
        ),
    ] = None,
    columns: Annotated[
        str,
        typer.Option(
            "--columns",
            help="Of sft rows for trl: prompt-completion, or messages.",
            metavar="WHICH",
            show_default=True,
        ),
    ] = "prompt-completion",
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            help="The file, whole or not at all; default: stdout. Of llama-factory the folder with its"
            " dataset_info.json, which gets an entry more.",
            metavar="PATH",
        ),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what is there.")] = False,
    store: StoreOption = None,
) -> None:
    """Write a selection for a trainer. Conversations with their history, text exactly, and the id of each row."""
    from engine.flywheel.exporting.rows import training_rows
    from engine.store.selections import read_selection

    one_of("--layout", layout, LAYOUTS)
    one_of("--columns", columns, COLUMNS)
    wanted = _form(form, out if layout == "trl" else None)
    with open_for_reading(store) as opened, opened.snapshot() as connection:
        one = read_selection(connection, number)
        if columns == "messages" and (one.stage != "sft" or layout != "trl"):
            raise UsageError("--columns goes with sft rows and the layout trl")
        rows = training_rows(connection, one)
        if layout == "trl":
            _export_trl(one, rows, columns == "messages", wanted, out, force)
        else:
            _export_llama_factory(one, rows, wanted, out, force)


def _form(said: str | None, out: Path | None) -> FileFormat:
    from engine.flywheel.exporting.files import FileFormat

    if said is not None:
        return FileFormat(one_of("--format", said, FORMS))
    ending = "jsonl" if out is None else out.suffix.lstrip(".").lower()
    if ending not in FORMS:
        raise UsageError(
            "the ending of --out is no format",
            mend=f"End it in .{' or .'.join(FORMS)}, or say which it is with --format.",
        )
    return FileFormat(ending)


def _export_trl(
    one: StoredSelection,
    rows: Iterator[TrainingRow],
    as_messages: bool,
    form: FileFormat,
    out: Path | None,
    force: bool,
) -> None:
    from engine.flywheel.exporting.files import FileFormat, replacing, write
    from engine.flywheel.exporting.trl import trl_columns, trl_rows

    columns = trl_columns(has_pairs=one.stage != "sft", as_messages=as_messages)
    if out is None:
        if form is FileFormat.PARQUET and data_is_seen():
            raise UsageError("Parquet is not for a terminal", mend="Write it to a file with --out FILE.")
        with data_stream() as stream:
            count = write(trl_rows(rows), columns, form, stream)
        if not count:
            say(f"selection {one.id} has no rows")
        return
    _check_free(out, force)
    with replacing(out) as stream:
        count = write(trl_rows(rows), columns, form, stream)
    say(f"{counted(count, 'row')} of selection {one.id} written to {out}")


def _export_llama_factory(
    one: StoredSelection, rows: Iterator[TrainingRow], form: FileFormat, folder: Path | None, force: bool
) -> None:
    from engine.flywheel.exporting.llama_factory import export_llama_factory

    if folder is None or not folder.is_dir():
        raise UsageError(
            "the layout llama-factory needs a folder that is there",
            mend="Name it with --out FOLDER; LLaMA-Factory's own is its data folder.",
        )
    name = f"arena_tui_{one.stage}_{one.id}"
    _check_free(folder / f"{name}.{form.value}", force)
    told = export_llama_factory(rows, folder, name, form, has_pairs=one.stage != "sft")
    say(f"{counted(told.rows, 'row')} of selection {one.id} written to {told.file}; dataset: {name}")
    if told.left_out:
        say(
            f"{counted(told.left_out, 'row')} left out: turns do not alternate, or a pair differs before its end"
        )


def _check_free(path: Path, force: bool) -> None:
    if path.exists() and not force:
        raise UsageError(f"{path} exists", mend="Name another file, or replace it with --force.")


@app.command("drop")
def drop(
    number: SelectionArgument,
    yes: Annotated[
        bool, typer.Option("--yes", help="Do it; without this it is only told what would go.")
    ] = False,
    store: StoreOption = None,
) -> None:
    """Forget a selection. Battles and responses stay; an arena or import that it rests on can then go."""
    from engine.store.selections import drop_selection, read_selection

    if not yes:
        with open_for_reading(store) as opened:
            rows = read_selection(opened.reader, number).rows
        raise UsageError(
            f"selection {number} would be forgotten, {counted(rows, 'row')}",
            mend="If that is meant, add --yes.",
        )
    with open_for_writing(store, create=False) as opened, opened.write() as tx:
        drop_selection(tx, number)
    say(f"selection {number} is dropped")
