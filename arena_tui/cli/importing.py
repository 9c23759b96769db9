"""`import FORMAT PATH...`: other people's files into the store, or a look at what would come of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING

import typer

from arena_tui.cli.import_options import (
    ByJudgeOption,
    DryRunOption,
    FormatArgument,
    JoinOption,
    MapFileOption,
    MapOption,
    OnCutOption,
    OutcomeRuleOption,
    PathsArgument,
    PromptsOption,
    SetNameOption,
    SettingsOption,
    ToArenaOption,
    ValuesOption,
    WhereOption,
    read_mapping,
)
from arena_tui.cli.running import JsonOption, StoreOption, one_of, open_for_writing
from arena_tui.cli.tree import commands, examples
from arena_tui.output import out_json, out_table, say
from arena_tui.streams import strays_as_talk
from arena_tui.words import counted

if TYPE_CHECKING:
    from engine.battles.importing import ImportReport
    from engine.formats.rows import Importer, ImportOptions, Layout
    from engine.records import OnCut, OutcomeRule

app = commands()

MOST_HINTS = 3
"""Arenas whose tables are pointed to after an import."""


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
    form: FormatArgument,
    paths: PathsArgument,
    mapping: MapOption = None,
    values: ValuesOption = None,
    mapping_file: MapFileOption = None,
    prompts: PromptsOption = None,
    join: JoinOption = None,
    arena: ToArenaOption = None,
    judge: ByJudgeOption = None,
    set_name: SetNameOption = None,
    where: WhereOption = None,
    settings: SettingsOption = None,
    outcome_rule: OutcomeRuleOption = "mean-margin",
    on_cut: OnCutOption = "judge",
    dry_run: DryRunOption = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Bring in battle logs, responses, verdicts or prompts. Importing again adds only what is missing.

    A table with columns such as model_a, model_b and winner is of format arena, whatever its file (CSV, JSON, JSONL,
    Parquet). Begin with --dry-run: it shows what would land, and writes nothing. Rows that cannot be used are counted,
    kept aside with their line and the reason, and shown. `imports undo` takes an import back.
    """
    from engine.formats.rows import ImportOptions
    from engine.plugins import Group, load
    from engine.records import OnCut, OutcomeRule

    importer: Importer = load(Group.FORMATS, form)()
    said = read_mapping(mapping_file, mapping, values, settings, where)
    options = ImportOptions(said.columns, said.values, prompts, join, arena, judge, set_name, said.options)
    rules = (
        OutcomeRule(one_of("--outcome-rule", outcome_rule, tuple(OutcomeRule))),
        OnCut(one_of("--on-cut", on_cut, tuple(OnCut))),
    )
    with strays_as_talk():
        layout = importer.layout(paths, options)
        if dry_run:
            _preview(importer, paths, options, layout, rules[0], as_json)
            return
        report = _land(importer, paths, options, layout, rules, store)
    if as_json:
        out_json(report.facts())
    else:
        _print_report(report)
    _tell_names(report)
    if not report.usable:
        raise typer.Exit(1)


def _preview(
    importer: Importer,
    paths: Sequence[Path],
    options: ImportOptions,
    layout: Layout,
    rule: OutcomeRule,
    as_json: bool,
) -> None:
    from arena_tui.cli.import_tables import preview_facts, print_preview
    from engine.battles.import_preview import preview_rows

    preview = preview_rows(importer.rows(paths, options, layout), layout, rule)
    if as_json:
        out_json(preview_facts(importer.name, preview))
    else:
        print_preview(importer.name, preview)


def _land(
    importer: Importer,
    paths: Sequence[Path],
    options: ImportOptions,
    layout: Layout,
    rules: tuple[OutcomeRule, OnCut],
    store: Path | None,
) -> ImportReport:
    """Land all rows, and leave a rating snapshot of each arena and judge that changed."""
    from arena_tui.headless import RowCounter
    from engine.battles.importing import import_rows
    from engine.jobs.snapshots import write_snapshots
    from engine.store.battles import read_arenas

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
        changed = {arena for arena, _ in report.affected}
        for arena in [one.name for one in read_arenas(opened.reader) if one.id in changed][:MOST_HINTS]:
            say(f"See the table: arena-tui leaderboard --arena {quote(arena)}")
    return report


def _print_report(report: ImportReport) -> None:
    from arena_tui.cli.import_tables import aside_table, report_table

    out_table(report_table(report))
    if report.set_aside:
        out_table(aside_table(report.set_aside, report.import_id))


def _tell_names(report: ImportReport) -> None:
    for wanted, shown in report.renamed.items():
        say(f"'{wanted}' belongs to another in this store; it is shown as '{shown}'")
    if report.changed_since:
        last = report.changed_since[-1]
        say(
            f"import {last} was of the same files, which have changed since: rows without ids that stand in both count"
            f" twice now. If the files have grown, take the earlier one back: arena-tui imports undo {last}"
        )
    if report.by_names:
        say(
            f"{counted(report.by_names, 'battle')} went by names: the store lacks the models, responses or verdicts"
            " that their keys stand for"
        )
