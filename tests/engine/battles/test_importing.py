"""Importing: everything once, whatever is done twice, cut short, or contradicts itself."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import keys
from engine.battles import importing
from engine.battles.importing import ImportReport, chunks
from engine.errors import StoreError
from engine.formats.rows import ImportOptions, Row, SetAside, SingleRow
from engine.records import (
    OnCut,
    OutcomeRule,
    ResponseStatus,
    Turn,
    Verdict,
    VerdictKind,
    VerdictStatus,
)
from engine.store import Store, open_store
from engine.store.battles import read_arenas
from engine.store.checks import check_store
from engine.store.contestants import land_player
from engine.store.counts import read_pairs
from engine.store.imports import read_imports, read_set_aside
from engine.store.undo import undo_import
from tests.engine.battles.importing_rows import (
    ARENA,
    LAYOUT,
    ROWS,
    SET,
    battle,
    bring,
    dump,
    game,
    invalid,
    prompt,
    response,
    scores,
)
from tests.engine.store.landing import fresh_store, recounts


def column(store: Store, query: str) -> list[object]:
    return [value for (value,) in store.reader.execute(query)]


# Twice, in pieces, in any chunks


@settings(max_examples=60, deadline=None)
@given(rows=ROWS)
def test_the_second_import_adds_nothing(rows: list[Row]) -> None:
    with fresh_store() as store:
        first = bring(store, rows)
        before = dump(store)
        again = bring(store, rows)
        assert dump(store) == before
        assert not any(again.taken.values())
        assert again.known.get("battles", 0) == first.taken.get("battles", 0) + first.known.get("battles", 0)
        assert again.affected == ()
        assert recounts(store) == []
        assert check_store(store.reader).sound


@settings(max_examples=40, deadline=None)
@given(rows=ROWS, size=st.integers(1, 5))
def test_chunks_leave_no_trace(rows: list[Row], size: int) -> None:
    with fresh_store() as whole, fresh_store() as pieces:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(importing, "CHUNK", size)
            in_pieces = bring(pieces, rows)
        at_once = bring(whole, rows)
        assert by_key(dump(pieces)) == by_key(dump(whole))
        assert in_pieces.taken == at_once.taken
        assert set_aside(in_pieces) == set_aside(at_once)


def set_aside(report: ImportReport) -> dict[str, int]:
    return {group.reason: group.rows for group in report.set_aside}


def by_key(dumped: dict[str, list[object]]) -> dict[str, list[object]]:
    """What does not depend on which rows landed together: keys, counts, set members."""
    keyed = {"prompts", "responses", "verdicts", "battles", "players", "judges"}
    own = {table: sorted(key_of(row) for row in rows) for table, rows in dumped.items() if table in keyed}
    return own | {"texts": sorted(repr(row[1:]) for row in dumped["texts"])}  # type: ignore[index]


def key_of(row: object) -> str:
    return next(value for value in row if isinstance(value, str) and value[1:3] == "1:")  # type: ignore[attr-defined]


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, cut=st.integers(0, 20), size=st.integers(1, 4))
def test_an_import_that_is_cut_short_is_finished_by_another(rows: list[Row], cut: int, size: int) -> None:
    def broken() -> Iterator[Row]:
        yield from islice(rows, cut)
        raise ConnectionError("the disk was pulled out")

    with fresh_store() as cut_short, fresh_store() as undisturbed, pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "CHUNK", size)
        with pytest.raises(ConnectionError):
            bring(cut_short, broken())
        bring(cut_short, rows)
        bring(undisturbed, rows)
        states = [record.state for record in read_imports(cut_short.reader)]
        assert states == ["done", "unfinished"]
        # Contradictions are settled by who came first, which a second reading of the same rows cannot change.
        assert positions(cut_short) == positions(undisturbed)
        assert recounts(cut_short) == []


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.battles import importing
from engine.store import open_store
from engine.store.store import Transaction
from tests.engine.battles.importing_rows import battle, bring
importing.CHUNK = 4
rows = [battle("ann", "bob", source_id=str(n)) for n in range(20)]
window, number = sys.argv[2], int(sys.argv[3])
def until_killed():
    for n, row in enumerate(rows):
        if window == "between rows" and n == number:
            os.kill(os.getpid(), signal.SIGKILL)
        yield row
keep = importing.note_progress
def note_progress(tx, *said, **more):
    keep(tx, *said, **more)
    if window == "before the commit" and said[0]["battles"] >= number:
        os.kill(os.getpid(), signal.SIGKILL)
importing.note_progress = note_progress
with open_store(Path(sys.argv[1]), writable=True) as store:
    bring(store, until_killed())
"""


@pytest.mark.parametrize("window", ["between rows", "before the commit"])
@pytest.mark.parametrize("number", [1, 9, 17])
def test_a_killed_import_leaves_whole_chunks_and_is_finished_by_another(
    tmp_path: Path, window: str, number: int
) -> None:
    path = tmp_path / "arena.db"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[3])}
    command = [sys.executable, "-c", KILLED, str(path), window, str(number)]
    assert subprocess.run(command, env=environment, check=False).returncode == -signal.SIGKILL
    rows = [battle("ann", "bob", source_id=str(n)) for n in range(20)]
    with open_store(path, writable=True) as store, fresh_store() as undisturbed:
        (record,) = read_imports(store.reader)
        landed = column(store, "SELECT COUNT(*) FROM battles")[0]
        assert record.state == "unfinished"
        assert (landed, landed % 4) == (record.taken.get("battles", 0), 0)
        assert recounts(store) == []
        bring(store, rows)
        bring(undisturbed, rows)
        assert dump(store) == dump(undisturbed)


def positions(store: Store) -> dict[object, object]:
    rows = store.reader.execute("SELECT key, position, occurred_at, outcome, category FROM battles")
    return {key: rest for key, *rest in rows}


@settings(max_examples=40, deadline=None)
@given(before=ROWS, rows=ROWS)
def test_undoing_restores_the_store_exactly(before: list[Row], rows: list[Row]) -> None:
    with fresh_store() as store:
        bring(store, before, "first.csv")
        stood = dump(store)
        report = bring(store, rows, "second.csv")
        undo_import(store, report.import_id)
        assert dump(store) == stood
        assert recounts(store) == []
        assert check_store(store.reader).sound


@settings(max_examples=20, deadline=None)
@given(rows=ROWS, order=st.permutations([0, 1, 2]))
def test_undoing_all_imports_in_any_order_leaves_an_empty_store(rows: list[Row], order: list[int]) -> None:
    with fresh_store() as store:
        empty = dump(store)
        reports = [bring(store, rows[part::2], f"{part}.csv") for part in range(2)]
        reports.append(bring(store, rows, "all.csv"))
        for number in order:
            undo_import(store, reports[number].import_id)
        assert dump(store) == empty


# What makes a row one of its kind


def test_equal_rows_without_an_id_are_told_apart_by_how_many_came_before(store: Store) -> None:
    report = bring(store, [battle(), battle(), battle(), battle("bob", "ann")])
    assert report.taken["battles"] == 4
    assert bring(store, [battle(), battle()]).taken.get("battles", 0) == 0
    assert bring(store, [battle()] * 5).taken["battles"] == 2


@pytest.mark.parametrize(
    "other",
    [
        battle("ann", "cid"),
        battle(prompt="q2"),
        battle(judge="llm"),
        battle(turn=1),
        battle("ann", "bob", game("second")),
        battle("ann", "bob", scores(8, 2)),
        battle(occurred_at=5.0),
        battle(round=2),
        battle(arena="other"),
        battle(response_a=(Turn("said"),)),
    ],
)
def test_rows_that_say_something_else_are_others(store: Store, other: Row) -> None:
    bring(store, [battle()])
    assert bring(store, [other]).taken["battles"] == 1


def test_an_id_tells_rows_apart_whatever_else_they_say_alike(store: Store) -> None:
    rows = [battle(source_id=str(n)) for n in range(3)]
    assert bring(store, rows).taken["battles"] == 3
    assert bring(store, reversed(rows)).known["battles"] == 3


def test_an_id_that_stands_twice_is_set_aside(store: Store) -> None:
    report = bring(
        store, [battle(source_id="1"), battle("ann", "bob", game("second"), source_id="1", line=7)]
    )
    assert report.taken["battles"] == 1
    assert [(group.reason, group.rows) for group in report.set_aside] == [
        ("id stands twice for the same models and prompt", 1)
    ]
    assert report.set_aside[0].examples[0].line == 7


def test_an_id_that_says_otherwise_than_before_is_set_aside(store: Store) -> None:
    bring(store, [battle(source_id="1")])
    before = dump(store)
    report = bring(store, [battle("ann", "bob", game("second"), source_id="1", line=3)])
    assert [(group.reason, group.rows) for group in report.set_aside] == [
        ("id stands for another verdict in this store", 1)
    ]
    assert dump(store) == before
    assert not report.known.get("battles")


@pytest.mark.parametrize("same", [True, False])
def test_a_prompt_that_says_otherwise_takes_its_rows_with_it(store: Store, same: bool) -> None:
    bring(store, [prompt("q1", "one?"), response("ann", "first")])
    told = prompt("q1", "one?" if same else "two?")
    rows = [
        replace(response("ann", "second"), prompt=told),
        battle(prompt=told, line=2),
        SingleRow(told, "ann", Verdict(VerdictKind.SINGLE, VerdictStatus.OK, 5.0), "human", line=3),
    ]
    report = bring(store, rows)
    usable = 1 if same else 0
    assert report.taken.get("responses", 0) == report.taken.get("battles", 0) == usable
    assert sum(group.rows for group in report.set_aside) == 3 * (1 - usable)


def test_a_prompt_that_says_otherwise_and_what_refers_to_it(store: Store) -> None:
    bring(store, [prompt("q1", "one?")])
    report = bring(store, [prompt("q1", "two?"), battle(line=4), prompt("q2", "new?"), battle(prompt="q2")])
    assert report.taken["battles"] == 1
    assert [group.rows for group in report.set_aside] == [1]  # the battle; its prompt belongs to the same row
    alone = bring(store, [prompt("q1", "two?")])
    assert [group.rows for group in alone.set_aside] == [1]


def test_texts_of_prompts_may_come_after_the_battles(store: Store) -> None:
    bring(store, [battle(source_id="1")])
    before = dump(store, "prompts", "texts")
    report = bring(store, [prompt("q1", "one?"), battle(source_id="1")], "with_texts.csv")
    assert report.taken == {"prompts": 1, "responses": 0, "verdicts": 0, "battles": 0}
    assert dump(store, "prompts", "texts") == before
    undo_import(store, report.import_id)
    assert column(store, "SELECT conversation FROM prompts") == [None]


# Responses


def test_a_battle_finds_the_one_response_of_each_model(store: Store) -> None:
    bring(
        store,
        [response("ann", "a"), response("bob", "b", status=ResponseStatus.CUT), response("bob", "x", "q2")],
    )
    bring(store, [battle(source_id="1"), battle("cid", "ann", source_id="2")])
    linked = store.reader.execute(
        "SELECT ra.key, rb.key, status_a, status_b FROM battles b LEFT JOIN responses ra ON ra.id = response_a"
        " LEFT JOIN responses rb ON rb.id = response_b ORDER BY b.position"
    ).fetchall()
    ann, bob = (key_of_response(name, text) for name, text in (("ann", "a"), ("bob", "b")))
    assert linked == [(ann, bob, "ok", "cut"), (None, ann, "ok", "ok")]


def key_of_response(model: str, text: str, name: str = "q1") -> str:
    player = keys.player_key({"kind": "name", "facts": {"name": model}}, None, None)
    return keys.imported_response_key(player, keys.named_prompt_key(SET, name), [text])


def test_of_several_responses_none_is_guessed(store: Store) -> None:
    bring(store, [response("ann", "one"), response("ann", "two"), response("bob", "b")])
    bring(store, [battle()])
    assert store.reader.execute("SELECT response_a IS NULL, response_b IS NULL FROM battles").fetchall() == [
        (1, 0)
    ]


def test_a_response_that_comes_in_the_same_import_is_found_too(store: Store) -> None:
    bring(store, [battle(source_id="0"), response("ann", "a"), battle(source_id="1")])
    bring(store, [battle(source_id="2")])
    # All three share a chunk or come later: the response is there when battles land.
    assert column(store, "SELECT COUNT(response_a) FROM battles") == [3]


def test_responses_in_the_row_are_stored_and_judged_as_they_are(store: Store) -> None:
    row = battle(response_a=(Turn(" "),), response_b=(Turn("fine"),))
    report = bring(store, [row, row])
    assert report.taken == {"prompts": 1, "responses": 2, "verdicts": 2, "battles": 2}
    assert (
        store.reader.execute("SELECT status_a, status_b, state, outcome FROM battles").fetchall()
        == [("empty", "ok", "decided", "a")] * 2
    )


# Arenas, judges, names


def test_an_arena_that_exists_keeps_its_rules(store: Store) -> None:
    rows = [battle("ann", "bob", scores(9, 1), scores(9, 8, swapped=True), source_id="1")]
    bring(store, rows, outcome_rule=OutcomeRule.STRICT, on_cut=OnCut.VOID)
    cut = battle(response_a=(Turn(""),), source_id="2")
    bring(store, [cut])
    (arena,) = read_arenas(store.reader)
    assert (arena.name, arena.outcome_rule, arena.on_cut) == (ARENA, OutcomeRule.STRICT, OnCut.VOID)
    rows_now = store.reader.execute("SELECT state, outcome, reason FROM battles ORDER BY position").fetchall()
    assert rows_now == [("decided", "tie", None), ("void", None, "empty response")]


@pytest.mark.parametrize(
    ("rule", "outcome", "counted"),
    [
        (OutcomeRule.MEAN_MARGIN, "a", (1, 0, 0)),
        (OutcomeRule.STRICT, "tie", (0, 0, 1)),
        (OutcomeRule.PER_GAME, "a", (1, 1, 0)),
    ],
)
def test_two_games_are_counted_by_the_rule(
    store: Store, rule: OutcomeRule, outcome: str, counted: tuple[int, int, int]
) -> None:
    bring(store, [battle("ann", "bob", scores(9, 1), scores(8, 7, swapped=True))], outcome_rule=rule)
    assert column(store, "SELECT outcome FROM battles") == [outcome]
    (pair,) = read_pairs(store.reader, 1, 1)
    assert (pair.wins, pair.losses, pair.ties) == counted


def test_a_battle_with_an_unreadable_verdict_waits(store: Store) -> None:
    report = bring(store, [battle("ann", "bob", scores(9, 1), invalid(swapped=True))])
    assert report.taken["battles"] == 1
    assert store.reader.execute("SELECT state, reason FROM battles").fetchall() == [
        ("waiting", "unparsable verdict")
    ]


def test_the_margin_that_a_row_tells_is_kept(store: Store) -> None:
    bring(store, [battle(margin=3.5), battle("ann", "bob", game("tie"), margin=0.0)])
    assert sorted(column(store, "SELECT margin FROM battles")) == [0.0, 3.5]


def test_judges_are_never_mixed(store: Store) -> None:
    report = bring(store, [battle(), battle(judge="llm")])
    assert len(report.affected) == 2
    assert [len(read_pairs(store.reader, arena, judge)) for arena, judge in report.affected] == [1, 1]


def test_a_name_that_belongs_to_a_model_that_ran_here_is_told(store: Store) -> None:
    with store.write() as tx:
        land_player(tx, "ann", "weights", {"hash": "x"})
    assert bring(store, [battle()]).renamed == {"ann": "ann.2"}


# Order


def test_battles_stand_in_the_order_of_their_file_and_behind_what_was_there(store: Store) -> None:
    def order() -> list[object]:
        return column(
            store, "SELECT p.name FROM battles b JOIN players p ON p.id = b.player_b ORDER BY b.position"
        )

    bring(store, [battle("x", name) for name in "cab"], "first.csv")
    bring(store, [battle("x", name) for name in "ed"], "second.csv")
    bring(store, [battle("x", name) for name in "cabz"], "first.csv")  # it has grown
    assert order()[:3] == ["c", "a", "b"]
    assert sorted(order()[3:]) == ["d", "e", "z"]
    assert order().index("e") < order().index("d")


def test_time_is_kept(store: Store) -> None:
    bring(store, [battle(occurred_at=1_700_000_000.25)])
    assert column(store, "SELECT occurred_at FROM battles") == [1_700_000_000.25]


# Set aside


def test_rows_set_aside_are_counted_by_reason_and_kept_up_to_a_limit(store: Store) -> None:
    def rows() -> Iterator[Row]:
        for line in range(1, 1_501):
            yield SetAside("no winner", "file.csv", line, f"row {line}\0\ud800")
        yield SetAside("cut", "file.csv", 1_501, "")
        yield battle()

    report = bring(store, rows())
    assert [(group.reason, group.rows, len(group.examples)) for group in report.set_aside] == [
        ("no winner", 1_500, 3),
        ("cut", 1, 1),
    ]
    (record,) = read_imports(store.reader)
    assert (record.state, record.set_aside, dict(record.reasons)) == (
        "done",
        1_501,
        {"no winner": 1_500, "cut": 1},
    )
    assert record.taken == report.taken
    kept = read_set_aside(store.reader, report.import_id, limit=5_000)
    assert len(kept) == 1_001
    assert kept[0] == ("no winner", "file.csv", 1, "row 1\0\ud800")


def test_every_row_of_a_file_is_taken_known_or_set_aside(store: Store) -> None:
    rows: list[Row] = [battle(source_id=str(n % 5), prompt="q1") for n in range(8)]
    rows += [SetAside("bad", "", 9, ""), battle("ann", "bob", game("second"), source_id="0")]
    report = bring(store, rows)
    counted = report.taken["battles"] + report.known.get("battles", 0) + sum(g.rows for g in report.set_aside)
    assert counted == len(rows)


def test_long_texts_make_short_chunks() -> None:
    rows = [response("ann", "x" * 3_000_000, f"q{n}") for n in range(20)]
    assert [len(chunk) for chunk in chunks(rows)] == [6, 6, 6, 2]


# Somebody else at the store meanwhile


def test_an_import_that_is_undone_while_it_runs_stops(store: Store) -> None:
    def rows() -> Iterator[Row]:
        yield from [battle()] * 3
        undo_import(store, 1)
        yield battle()

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "CHUNK", 2)
        with pytest.raises(StoreError, match="import 1 was undone while it ran"):
            bring(store, rows())
    assert dump(store)["battles"] == []


def test_an_undo_of_another_import_does_not_pull_the_ground_away(store: Store) -> None:
    first = bring(store, [prompt("q1", "one?"), battle(source_id="x"), response("ann", "a")], "first.csv")

    def rows() -> Iterator[Row]:
        yield from [battle(source_id="1"), battle(source_id="2")]
        undo_import(store, first.import_id)
        yield from [battle(source_id="3"), battle("ann", "cid", source_id="4")]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(importing, "CHUNK", 1)
        assert bring(store, rows(), "second.csv").taken["battles"] == 4
    assert recounts(store) == []
    assert check_store(store.reader).sound


def test_options_and_source_are_kept(store: Store) -> None:
    options = ImportOptions(mapping={"=x": "judge"}, prompts=Path("p.jsonl"), arena="a\ud800")
    importing.import_rows(store, "arena", [Path("a.csv"), Path("b.csv")], [battle()], LAYOUT, options)
    (record,) = read_imports(store.reader)
    assert (record.format, record.source) == ("arena", ("a.csv", "b.csv"))


# Real data


def test_all_of_alpacaeval_lands_and_its_win_rates_are_the_published_ones(
    store: Store, test_data: Path
) -> None:
    from engine.formats.alpaca_eval import AlpacaEval

    folder = test_data / "alpacaeval2"
    importer, options = AlpacaEval(), ImportOptions()
    layout = importer.layout([folder], options)
    report = importing.import_rows(
        store, "alpaca-eval", [folder], importer.rows([folder], options, layout), layout, options
    )
    assert report.taken == {"prompts": 805, "responses": 32_199, "verdicts": 129_473, "battles": 129_473}
    assert report.set_aside == ()
    with (folder / "leaderboard.csv").open() as file:
        published = {row["model"]: float(row["win_rate"]) for row in csv.DictReader(file)}
    rates = preferences(store, "weighted_alpaca_eval_gpt4_turbo", "gpt4_1106_preview")
    common = {name: rate for name, rate in rates.items() if name in published}
    assert len(common) == 55
    assert max(abs(100 * rate - published[name]) for name, rate in common.items()) < 1e-6
    assert recounts(store) == []


def preferences(store: Store, judge: str, baseline: str) -> dict[str, float]:
    """Mean preference of a judge for each model over the baseline, from the kept counts."""
    names = dict(store.reader.execute("SELECT id, name FROM players"))
    (judge_id,) = store.reader.execute("SELECT id FROM judges WHERE name = ?", (judge,)).fetchone()
    found = {}
    for pair in read_pairs(store.reader, 1, judge_id):
        a, b = names[pair.a], names[pair.b]
        if baseline in (a, b) and a != b:
            share = pair.win_share / pair.decided
            found[b if a == baseline else a] = 1 - share if a == baseline else share
    return found
