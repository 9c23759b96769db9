"""A store that is exported and imported again is the same store, however it came about."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from hypothesis import given, settings

from engine.battles import importing
from engine.battles.exporting import export_store
from engine.errors import UsageError
from engine.formats.export import ExportFormat
from engine.formats.rows import ImportOptions, Row
from engine.formats.whole import StoreImporter
from engine.records import OnCut, OutcomeRule, Sampling
from engine.store import Store
from engine.store.battles import land_arena
from engine.store.checks import check_store
from engine.store.contestants import alias_player, land_judge, land_player
from engine.store.export import COLUMNS
from engine.store.undo import undo_import
from tests.engine.battles.carrying import carry, contents, take
from tests.engine.battles.importing_rows import ROWS, battle, bring, dump, prompt, response
from tests.engine.store.landing import fresh_store, recounts
from tests.engine.store.test_export import everything


@pytest.mark.parametrize("form", list(ExportFormat))
def test_an_imported_store_comes_back(tmp_path: Path, form: ExportFormat) -> None:
    with fresh_store() as store, fresh_store() as other:
        bring(store, everything())
        bring(store, [prompt("q9", "late?"), battle(prompt="q9"), battle(prompt="named only")], "more.csv")
        report = carry(store, other, tmp_path / "out", form)
        assert report.set_aside == ()
        assert contents(other) == contents(store)
        assert recounts(other) == []
        assert check_store(other.reader).sound


@settings(max_examples=40, deadline=None)
@given(rows=ROWS)
def test_any_imported_store_comes_back(rows: list[Row], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("export")
    with fresh_store() as store, fresh_store() as other:
        bring(store, rows)
        if not rows:
            return
        assert carry(store, other, folder).set_aside == ()
        assert contents(other) == contents(store)
        assert check_store(other.reader).sound


@settings(max_examples=20, deadline=None)
@given(rows=ROWS)
def test_a_store_takes_nothing_from_its_own_export(
    rows: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("export")
    with fresh_store() as store:
        bring(store, [battle(), *rows])
        before = dump(store)
        report = carry(store, store, folder)
        assert not any(report.taken.values())
        assert report.set_aside == ()
        assert dump(store) == before


@settings(max_examples=20, deadline=None)
@given(before=ROWS, rows=ROWS)
def test_undoing_the_import_of_an_export_restores_the_store(
    before: list[Row], rows: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("export")
    with fresh_store() as store, fresh_store() as other:
        bring(store, [battle(), *rows])
        bring(other, before)
        stood = dump(other)
        report = carry(store, other, folder)
        undo_import(other, report.import_id)
        assert dump(other) == stood
        assert recounts(other) == []


def test_an_import_of_an_export_that_is_cut_short_is_finished_by_another(tmp_path: Path) -> None:
    def broken(rows: Iterator[Row], after: int) -> Iterator[Row]:
        yield from islice(rows, after)
        raise ConnectionError("the disk was pulled out")

    importer, options = StoreImporter(), ImportOptions()
    with fresh_store() as store:
        bring(store, everything())
        export_store(store, tmp_path / "out", ExportFormat.JSONL)
        layout = importer.layout([tmp_path / "out"], options)
        total = len(list(importer.rows([tmp_path / "out"], options, layout)))
        for after in range(0, total, 7):
            with fresh_store() as other, pytest.MonkeyPatch.context() as patch:
                patch.setattr(importing, "CHUNK", 3)
                rows = broken(importer.rows([tmp_path / "out"], options, layout), after)
                with pytest.raises(ConnectionError):
                    importing.import_rows(other, "store", [tmp_path / "out"], rows, layout, options)
                assert recounts(other) == []
                assert take(other, "store", tmp_path / "out").set_aside == ()
                assert contents(other) == contents(store)


def test_identities_that_share_a_name_or_a_model_come_back(tmp_path: Path) -> None:
    with fresh_store() as store, fresh_store() as other:
        with store.write() as tx:
            cold = land_player(tx, "ann", "weights", {"hash": "x"}, "t", Sampling(0.0), "/models/x")
            warm = land_player(tx, "warm", "weights", {"hash": "x"}, "t", Sampling(1.0, stop=("a", "b")))
            again = land_player(tx, "warm", "weights", {"hash": "y"}, None, Sampling(seed=3))
            alias_player(tx, warm.name, cold.name)
            land_judge(tx, "plug", "scores", "j1:" + "0" * 32, {"kind": "oracle"})
        assert (cold.name, warm.name, again.name) == ("ann", "warm", "warm.2")
        bring(store, [battle(), response("ann", "x")])
        report = carry(store, other, tmp_path / "out")
        assert [(group.reason, group.rows) for group in report.set_aside] == [
            (
                "its key does not follow from the row",
                1,
            )  # nobody can tell how a judge of that kind makes its key
        ]
        here, there = contents(store), contents(other)
        assert there["players"] == here["players"]
        assert there["models"] == here["models"]
        assert [row["player"] for row in there["players"]] == ["ann", "warm", "warm.2", "ann.2", "bob"]
        undo_import(other, report.import_id)
        assert not any(dump(other).values())


def test_the_ratings_that_a_plan_wanted_come_back(tmp_path: Path) -> None:
    with fresh_store() as store, fresh_store() as other, fresh_store() as third:
        with store.write() as tx:
            land_arena(tx, "empty", OutcomeRule.STRICT, OnCut.LOSS)
            tx.connection.execute(
                "INSERT INTO jobs(id, digest, name, plan, state, created_at) VALUES (1, 'd', 'n', ?, 'done', 0)",
                ('[run]\narena = "empty"\n[ratings]\nover = "prompts"\nn_resamples = 70\n',),
            )
        carry(store, other, tmp_path / "out")
        carry(other, third, tmp_path / "again")
        assert contents(third)["arenas"] == [
            {
                "arena": "empty",
                "outcome_rule": "strict",
                "on_cut": "loss",
                "ratings": {"over": "prompts", "n_resamples": 70},
            }
        ]


def test_an_export_without_a_row_is_told(tmp_path: Path) -> None:
    with fresh_store() as store, fresh_store() as other, pytest.raises(UsageError, match="without a row"):
        carry(store, other, tmp_path / "out")


def test_a_secret_is_in_no_export(store: Store, tmp_path: Path) -> None:
    bring(store, everything())
    (secret,) = store.reader.execute("SELECT value FROM meta WHERE name = 'secret'").fetchone()
    export_store(store, tmp_path / "out", ExportFormat.JSONL)
    written = b"".join(path.read_bytes() for path in (tmp_path / "out").iterdir())
    assert secret not in written
    assert secret.hex().encode() not in written


def test_an_export_is_whole_and_replaces_only_what_it_may(store: Store, tmp_path: Path) -> None:
    bring(store, [battle()])
    out = tmp_path / "out"
    rows = export_store(store, out, ExportFormat.JSONL)
    assert rows["battles"] == 1
    assert {path.name for path in out.iterdir()} == {f"{table}.jsonl" for table in COLUMNS}
    (out / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="is not empty"):
        export_store(store, out, ExportFormat.CSV)
    export_store(store, out, ExportFormat.CSV, force=True)
    assert {path.name for path in out.iterdir()} == {*(f"{table}.csv" for table in COLUMNS), "notes.txt"}
    with pytest.raises(UsageError, match="is no folder"):
        export_store(store, out / "notes.txt", ExportFormat.CSV, force=True)
    assert not [path for path in tmp_path.iterdir() if path.name.endswith(".part")]


def test_tables_of_an_export_are_read_by_themselves_too(tmp_path: Path) -> None:
    with fresh_store() as store, fresh_store() as other:
        bring(store, everything())
        out = tmp_path / "out"
        export_store(store, out, ExportFormat.PARQUET)
        for form, table in (
            ("prompts", "prompts"),
            ("store", "players"),
            ("store", "judges"),
            ("store", "arenas"),
            ("responses", "responses"),
            ("verdicts", "verdicts"),
            ("verdicts", "games"),
            ("arena", "battles"),
        ):
            assert take(other, form, out / f"{table}.parquet").set_aside == ()
        assert contents(other) == contents(store)
