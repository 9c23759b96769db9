"""Importing: what was taken and set aside adds up, rows go in bounded chunks, and real data lands."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from engine.battles import importing
from engine.battles.importing import chunks
from engine.formats.rows import ImportOptions, Row, SetAside
from engine.store import Store
from engine.store.counts import read_pairs
from engine.store.imports import read_imports, read_set_aside
from tests.engine.battles.importing_rows import (
    LAYOUT,
    battle,
    bring,
    game,
    response,
)
from tests.engine.store.landing import recounts


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
