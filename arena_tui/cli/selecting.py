"""What `select` does: look at the battles, show what each threshold keeps, store the rows, and tell them as JSON."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from arena_tui.cli.running import one_of, open_for_reading, open_for_writing
from arena_tui.output import out, out_json, out_table, say
from arena_tui.words import counted
from engine.errors import UsageError

if TYPE_CHECKING:
    from arena_tui.layout import Table
    from engine.flywheel.selection.choosing import Selection
    from engine.flywheel.selection.parameters import Parameters
    from engine.flywheel.selection.pool import Pool
    from engine.flywheel.selection.summary import Summary
    from engine.store.selections import StoredSelection
    from engine.store.store import Store

Thresholds = Sequence[tuple["Selection", "Summary"]]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was said on the command line.

    Attributes:
        parameters: of engine.flywheel.selection.parameters, by name, stage and pairs as words.
        options: of the strategy, as KEY=VALUE.
    """

    arena: str | None
    judge: str | None
    category: str | None
    parameters: Mapping[str, Any]
    options: tuple[str, ...]

    def read(self) -> Parameters:
        """
        Raises:
            UsageError: a word or number that means nothing.
        """
        from engine.flywheel.selection.parameters import Pairs, Parameters, Stage

        said = dict(self.parameters)
        said["stage"] = Stage(one_of("--stage", said["stage"], tuple(Stage)))
        said["pairs"] = Pairs(one_of("--pairs", said["pairs"], tuple(Pairs)))
        return Parameters(**said, options=dict(map(_option, self.options)))


def _option(said: str) -> tuple[str, Any]:
    """KEY=VALUE, the value as TOML has it, else a text."""
    key, found, value = said.partition("=")
    if not found or not key:
        raise UsageError(f"--option {said} is no KEY=VALUE")
    try:
        return key, tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return key, value


def select_rows(asked: Asked, store: Path | None, dry_run: bool, as_json: bool) -> None:
    """Choose rows, and store them unless it is a dry run."""
    from engine.flywheel.selection.choosing import choose

    parameters = asked.read()
    with open_for_reading(store) if dry_run else open_for_writing(store, create=False) as opened:
        pool = _look(opened, asked, parameters)
        selection = choose(pool)
        kept = None if dry_run else _keep(opened, selection)
    thresholds = _thresholds(pool)
    if as_json:
        out_json(selected_facts(selection, thresholds, kept))
    else:
        _print(selection, thresholds, kept)


def _look(opened: Store, asked: Asked, parameters: Parameters) -> Pool:
    from engine.flywheel.selection.pool import read_pool
    from engine.ratings.views import find_view

    # No snapshot: it would hold up writers for as long as texts are read. What was fought is one statement, and so one
    # moment's state; responses and prompts are never changed afterwards.
    view = find_view(opened.reader, asked.arena, asked.judge, asked.category)
    return read_pool(opened.reader, view, parameters)


def _keep(opened: Store, selection: Selection) -> tuple[int, bool]:
    from engine.flywheel.selection.keeping import keep

    with opened.write() as tx:
        return keep(tx, selection)


def _thresholds(pool: Pool) -> Thresholds:
    """What every K keeps; of a strategy that asks for no gap, what it keeps."""
    from engine.flywheel.selection.choosing import choose, sweep
    from engine.flywheel.selection.summary import summarise

    found = sweep(pool) if _chooses_by_gap(pool.parameters) else [choose(pool)]
    return [(one, summarise(one)) for one in found]


def _chooses_by_gap(parameters: Parameters) -> bool:
    from engine.flywheel.selection.strategy import find_strategy

    return find_strategy(parameters.strategy, parameters.options)[0].by_gap


def _print(selection: Selection, thresholds: Thresholds, kept: tuple[int, bool] | None) -> None:
    from arena_tui.selections import counts_table, reasons_table, thresholds_table
    from arena_tui.tables import short
    from engine.flywheel.selection.summary import summarise

    view, parameters = selection.pool.view, selection.parameters
    title = f"{parameters.stage.value} rows for {short(parameters.target)} · {short(view.arena.name)}"
    title += f" · judge {short(view.judge)}"
    summary = summarise(selection)
    tables = [
        thresholds_table(thresholds, title, by_gap=_chooses_by_gap(parameters)),
        reasons_table(selection.reasons, selection.pool.considered, len(selection.rows)),
    ]
    if selection.rows:
        tables += [counts_table("opponent", summary.opponents), counts_table("category", summary.categories)]
    out_tables(tables)
    if not parameters.held_out:
        say("no test set is named, so nothing is held out: --held-out SET")
    _say_kept(selection, kept)


def out_tables(tables: Sequence[Table]) -> None:
    """Tables with a line between them."""
    for place, table in enumerate(tables):
        if place:
            out()
        out_table(table)


def _say_kept(selection: Selection, kept: tuple[int, bool] | None) -> None:
    rows = counted(len(selection.rows), "row")
    if kept is None:
        say(f"a dry run: {rows} at K = {selection.parameters.min_gap:g}, nothing is stored")
        return
    number, new = kept
    what = "stored as" if new else "the same as"
    say(
        f"{rows} at K = {selection.parameters.min_gap:g}, {what} selection {number}: arena-tui select show {number}"
    )


def selected_facts(
    selection: Selection, thresholds: Thresholds, kept: tuple[int, bool] | None
) -> dict[str, Any]:
    """`select --json`."""
    from engine.flywheel.selection.summary import summarise

    view, parameters = selection.pool.view, selection.parameters
    number, new = kept if kept is not None else (None, False)
    return {
        "selection": number,
        "new": new,
        "arena": view.arena.name,
        "judge": view.judge,
        "target": parameters.target,
        "stage": parameters.stage.value,
        "round": parameters.round,
        "strategy": parameters.strategy,
        "parameters": parameters.as_json() | {"category": view.category},
        "considered": selection.pool.considered,
        **asdict(summarise(selection)),
        "reasons": selection.reasons,
        "thresholds": [
            {"min_gap": one.parameters.min_gap, "reasons": one.reasons, **asdict(summary)}
            for one, summary in thresholds
        ],
    }


def stored_facts(one: StoredSelection, summary: Summary) -> dict[str, Any]:
    """A selection of `select list --json`, and what `select show --json` begins with."""
    said = asdict(one)
    return {"selection": said.pop("id"), **said, **asdict(summary)}
