"""Several files in one import, and one after another: where a row stood, and which file it is of."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.battles.exporting import export_store
from engine.battles.importing import ImportReport
from engine.errors import UsageError
from engine.formats.export import ExportFormat
from engine.store import Store
from engine.store.imports import read_set_aside
from tests.engine.battles.carrying import take
from tests.engine.formats.importing import write_csv, write_jsonl
from tests.engine.store.landing import fresh_store, recounts

Rows = list[dict[str, Any]]

PLAYED = {"model_a": "ann", "model_b": "bob", "winner": "model_a", "judge": "j"}
ASKED = {"question_id": "q1", "prompt_set": "questions"}


# Where a row stood that the store refuses


def first_battles(winner: str) -> Rows:
    return [{**PLAYED, **ASKED, "winner": winner, "source_id": "1"}]


def scores(score: int) -> Rows:
    return [{**ASKED, "model": "ann", "score": score, "judge": "j", "verdict_key": "1"}]


@pytest.mark.parametrize(
    ("form", "rows"),
    [
        ("arena", lambda second: first_battles("model_b" if second else "model_a")),
        ("verdicts", lambda second: scores(1 + second)),
    ],
)
def test_what_the_store_refuses_is_shown_with_its_file(
    store: Store, tmp_path: Path, form: str, rows: Callable[[bool], Rows]
) -> None:
    paths = [write_jsonl(tmp_path / f"{name}.jsonl", rows(name == "feb")) for name in ("jan", "feb")]
    report = take(store, form, *paths, arena="votes")
    (group,) = report.set_aside
    assert [(one.file, one.line) for one in group.examples] == [(str(paths[1]), 1)]
    assert [(file, line) for _, file, line, _ in read_set_aside(store.reader, report.import_id)] == [
        (str(paths[1]), 1)
    ]


# Rows without an id: known by the file that they are of


def votes(seed: int, n: int) -> Rows:
    """Votes among three models, so that many of them say the same."""
    random = Random(seed)
    return [
        dict(zip(("model_a", "model_b"), random.sample("abc", 2), strict=True))
        | {"winner": random.choice(["model_a", "model_b", "tie"])}
        for _ in range(n)
    ]


def asked(rows: Rows) -> Rows:
    return [row | {"question_id": f"q{n % 5}"} for n, row in enumerate(rows)]


def told(rows: Rows) -> Rows:
    return [row | {"prompt": "one?", "response_a": "x", "response_b": "y"} for row in rows]


def file_of(folder: Path, rows: Rows) -> Path:
    folder.mkdir(exist_ok=True)
    return write_csv(folder / "battles.csv", rows)


def landed(report: ImportReport, noun: str = "battles") -> tuple[int, int]:
    assert report.set_aside == ()
    return report.taken.get(noun, 0), report.known.get(noun, 0)


@pytest.mark.parametrize("make", [list, asked, told])
def test_another_file_of_the_same_name_is_taken_whole(
    store: Store, tmp_path: Path, make: Callable[[Rows], Rows]
) -> None:
    jan, feb = (file_of(tmp_path / name, make(votes(seed, 300))) for seed, name in enumerate(("jan", "feb")))
    assert landed(take(store, "arena", jan)) == (300, 0)
    assert landed(take(store, "arena", feb)) == (300, 0)
    for path in (jan, feb, file_of(tmp_path / "copy", make(votes(1, 300)))):
        assert landed(take(store, "arena", path)) == (0, 300)
    assert recounts(store) == []


def test_a_file_that_has_changed_since_it_was_imported_is_told(store: Store, tmp_path: Path) -> None:
    rows = votes(1, 30)
    first = take(store, "arena", file_of(tmp_path, rows[:20]), arena="votes")
    again = take(store, "arena", file_of(tmp_path, rows[:20]), arena="votes")
    grown = take(store, "arena", file_of(tmp_path, rows), arena="votes")
    assert (first.changed_since, again.changed_since) == ((), ())
    assert grown.changed_since == (first.import_id, again.import_id)


def test_rows_with_ids_are_known_in_a_file_that_has_grown(store: Store, tmp_path: Path) -> None:
    rows = [row | {"source_id": str(n)} for n, row in enumerate(votes(1, 30))]
    take(store, "arena", file_of(tmp_path, rows[:20]), arena="votes")
    grown = take(store, "arena", file_of(tmp_path, rows), arena="votes")
    assert (landed(grown), grown.changed_since) == ((10, 20), ())


def test_battles_of_two_files_on_the_same_line_are_on_prompts_of_their_own(
    store: Store, tmp_path: Path
) -> None:
    paths = [file_of(tmp_path / str(seed), votes(seed, 20)) for seed in range(2)]
    assert landed(take(store, "arena", *paths), "prompts") == (40, 0)
    assert landed(take(store, "arena", paths[1]), "prompts") == (0, 0)


def test_copies_of_a_file_in_one_import_count_once(store: Store, tmp_path: Path) -> None:
    rows = votes(0, 30)
    paths = [file_of(tmp_path / name, asked(rows)) for name in ("one", "copy")]
    assert landed(take(store, "arena", *paths)) == (30, 30)
    with pytest.raises(UsageError, match="is given twice"):
        take(store, "arena", paths[0], paths[0])


def test_an_export_of_rows_without_ids_adds_nothing_and_goes_into_another_store(
    store: Store, tmp_path: Path
) -> None:
    paths = [file_of(tmp_path / str(seed), votes(seed, 30)) for seed in range(2)]
    take(store, "arena", *paths)
    export_store(store, tmp_path / "out", ExportFormat.CSV)
    with fresh_store() as other:
        for there, expected in ((store, (0, 60)), (other, (60, 0))):
            assert landed(take(there, "store", tmp_path / "out")) == expected
            assert landed(take(there, "arena", *paths)) == (0, 60)


def test_scores_of_another_file_of_the_same_name_are_taken_whole(store: Store, tmp_path: Path) -> None:
    rows = [{"model": "ann", "score": 1 + n % 3, "question_id": "q", "judge": "j"} for n in range(30)]
    jan, feb = file_of(tmp_path / "jan", rows), file_of(tmp_path / "feb", rows[1:])
    for path, expected in ((jan, (30, 0)), (feb, (29, 0)), (jan, (0, 30)), (feb, (0, 29))):
        assert landed(take(store, "verdicts", path), "verdicts") == expected


def test_another_folder_of_the_same_name_is_taken_whole(store: Store, tmp_path: Path) -> None:
    folders = [tmp_path / name / "votes" for name in ("jan", "feb", "copy")]
    for folder, seed in zip(folders, (0, 1, 1), strict=True):
        folder.mkdir(parents=True)
        write_jsonl(folder / "train.jsonl", votes(seed, 40))
    assert [landed(take(store, "hf", folder)) for folder in folders] == [(40, 0), (40, 0), (0, 40)]


VOTES = st.lists(
    st.builds(
        lambda a, winner: {"model_a": a, "model_b": "b", "winner": winner},
        st.sampled_from(["x", "y"]),
        st.sampled_from(["model_a", "tie"]),
    ),
    min_size=1,
    max_size=6,
)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(one=VOTES, other=VOTES)
def test_each_vote_counts_once_whatever_else_was_imported(tmp_path: Path, one: Rows, other: Rows) -> None:
    paths = [file_of(tmp_path / name, rows) for name, rows in (("one", one), ("other", other))]
    files = [one] if one == other else [one, other]
    with fresh_store() as store:
        for path in (*paths, *paths):
            take(store, "arena", path)
        (number,) = store.reader.execute("SELECT COUNT(*) FROM battles").fetchone()
        assert number == sum(map(len, files))
        assert recounts(store) == []
