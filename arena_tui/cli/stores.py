"""`store info|check|verify|backup|salvage`: the store as a file: what is in it, whether it is whole, copies of it."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli.running import JsonOption, StoreOption, open_for_reading, open_for_writing, store_path
from arena_tui.cli.tree import commands, examples
from arena_tui.output import out, out_json, out_table, say

if TYPE_CHECKING:
    from engine.store.checks import CheckReport
    from engine.store.info import StoreInfo
    from engine.store.salvage import Salvage
    from engine.store.verify import Mismatch

app = commands("The store as a file: what it holds, checks, copies.")

MOST_SHOWN = 20


@app.command("info")
def info(
    migrate: Annotated[
        bool, typer.Option("--migrate", help="First bring a store of an older version up to date.")
    ] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show where the store is, what it holds and how large it is."""
    from engine.store.info import store_info

    if migrate:
        open_for_writing(store, create=False).close()
    path = store_path(store)
    with open_for_reading(store) as opened:
        facts = store_info(opened.reader, path)
    if as_json:
        out_json(asdict(facts) | {"path": str(path), "rows": dict(facts.rows)})
    else:
        _print_info(facts)


def _print_info(facts: StoreInfo) -> None:
    from arena_tui.layout import Column, Table
    from arena_tui.progress import size

    made = time.strftime("%Y-%m-%d %H:%M", time.localtime(facts.created_at))
    out(f"{facts.path}")
    out(f"  made {made}, id {facts.store_id}, schema {facts.schema}")
    out(
        f"  {size(facts.bytes)}, and {size(facts.wal_bytes)} not yet in it; {size(facts.free_bytes)} are free"
    )
    shared = "several processes may write" if facts.several_writers else "one process at a time may write"
    where = f"{facts.filesystem}{', a network' if facts.network else ''}"
    out(f"  on {where}; journal {facts.journal}; SQLite {facts.sqlite_version}: {shared}\n")
    rows = [[name.replace("_", " "), f"{count:,}"] for name, count in facts.rows.items()]
    out_table(Table([Column("table", fit="keep"), Column("rows", right=True)], rows))


@app.command("check", epilog=examples("arena-tui store check", "arena-tui store check --rebuild"))
def check(
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Replace counts that differ from the battles by a recount.")
    ] = False,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Check that the store is whole. The file, the counts against the battles, every key against its row.

    Exit code 1 when something is wrong.
    """
    from engine.store.checks import check_store, rebuild_counts

    with open_for_writing(store, create=False) if rebuild else open_for_reading(store) as opened:
        mended = rebuild_counts(opened) if rebuild else 0
        report = check_store(opened.reader, lambda step: say(f"looking at the {step} …"))
    if as_json:
        out_json(_check_facts(report, mended))
    else:
        _print_check(report, mended)
        if report.damage:
            say(f"what can be read can be taken: arena-tui store salvage {store_path(store)} --out NEW")
    if not report.sound:
        raise typer.Exit(1)


def _check_facts(report: CheckReport, mended: int) -> dict[str, Any]:
    return {
        "sound": report.sound,
        "damage": list(report.damage),
        "counts": {arena: list(lines) for arena, lines in report.counts.items()},
        "arenas_rebuilt": mended,
        "mismatched": report.mismatched,
        "mismatches": [asdict(one) for one in report.mismatches],
        "derived": dict(report.derived),
    }


def _print_check(report: CheckReport, mended: int) -> None:
    if mended:
        out(f"counts of {mended} arenas were replaced by a recount")
    for line in report.damage:
        out(f"damaged: {line}")
    for arena, lines in report.counts.items():
        out(f"counts of arena {arena} differ from its battles ({len(lines)}); mend it with --rebuild")
        for line in lines[:MOST_SHOWN]:
            out(f"  {line}")
    _print_keys(report.derived, report.mismatched, report.mismatches)
    out("the store is sound" if report.sound else "the store is NOT sound")


def _print_keys(derived: dict[str, int] | Any, mismatched: int, shown: tuple[Mismatch, ...]) -> None:
    told = ", ".join(f"{n:,} {table}" for table, n in derived.items())
    out(f"keys derived again: {told or 'none'}")
    for one in shown:
        out(f"  the key of row {one.id} of {one.table} does not follow from it: {one.key}")
    if mismatched > len(shown):
        out(f"  and {mismatched - len(shown):,} more")


@app.command("verify")
def verify_keys(as_json: JsonOption = False, store: StoreOption = None) -> None:
    """Derive every content key again. Exit code 1 when one does not follow from its row."""
    from engine.store.verify import verify

    derived: Counter[str] = Counter()
    with open_for_reading(store) as opened:
        found = verify(opened.reader, derived)
        shown = tuple(islice(found, MOST_SHOWN))
        mismatched = len(shown) + sum(1 for _ in found)
    if as_json:
        facts = {
            "mismatched": mismatched,
            "mismatches": [asdict(one) for one in shown],
            "derived": dict(derived),
        }
        out_json(facts)
    else:
        _print_keys(derived, mismatched, shown)
    if mismatched:
        raise typer.Exit(1)


@app.command("backup", epilog=examples("arena-tui store backup /mnt/nfs/arena-backup.db"))
def backup(
    to: Annotated[Path, typer.Argument(help="The file that the copy becomes.", metavar="FILE")],
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Copy the store safely, while runs go on too. The copy is one file, whole or not there at all.

    An earlier copy of the same store is replaced. A file that is anything else is left as it is, with exit code 1.
    """
    from arena_tui.progress import size
    from engine.store.backup import back_up, refuse_other_files

    with open_for_reading(store) as opened:

        def may_replace() -> None:
            refuse_other_files(opened.reader, to)

        may_replace()  # before the work as well as after it
        count = back_up(opened.reader, to, may_replace)
    if as_json:
        out_json({"file": str(to), "bytes": count})
    else:
        say(f"{to} written, {size(count)}")


@app.command("salvage", epilog=examples("arena-tui store salvage arena.db --out saved.db"))
def salvage_store(
    damaged: Annotated[Path, typer.Argument(help="The damaged store; it is only read.", metavar="FILE")],
    to: Annotated[Path, typer.Option("--out", help="The new store.", metavar="NEW")],
    as_json: JsonOption = False,
) -> None:
    """Copy what can be read of a damaged store into a new one. Tells by table what was lost.

    Rows that refer to lost ones are left out too: running the plan again makes them anew. Exit code 1 when something
    was lost.
    """
    from engine.store.salvage import salvage

    result = salvage(damaged.expanduser(), to, lambda table: say(f"reading {table.replace('_', ' ')} …"))
    if as_json:
        tables = {name: asdict(told) for name, told in result.tables.items()}
        out_json({"file": str(to), "complete": result.is_complete, "tables": tables, "notes": result.notes})
    else:
        _print_salvage(result)
        out(
            f"\n{to} is a store of what could be read; see that it is sound: arena-tui store check --store {to}"
        )
    if not result.is_complete:
        raise typer.Exit(1)


def _print_salvage(result: Salvage) -> None:
    from arena_tui.layout import Column, Table

    rows = [
        [
            name.replace("_", " "),
            f"{told.kept:,}",
            "unknown" if told.lost is None else f"{told.lost:,}",
            f"{told.dropped:,}",
        ]
        for name, told in result.tables.items()
        if told.kept or told.lost != 0 or told.dropped
    ]
    columns = [Column("table", fit="keep"), Column("kept", right=True), Column("lost", right=True)]
    out_table(Table([*columns, Column("left out", right=True)], rows, notes=result.notes))
