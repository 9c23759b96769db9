"""What is exported can be imported, and gives the same store: exactly, in every format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from engine.battles.importing import ImportReport, import_rows
from engine.errors import UsageError
from engine.formats.arena import ArenaImporter
from engine.formats.export import Column, ColumnKind, ExportFormat, export_rows
from engine.formats.prompts import PromptsImporter
from engine.formats.responses import ResponsesImporter
from engine.formats.rows import ImportOptions, Row, SingleRow
from engine.formats.verdicts import VerdictsImporter
from engine.records import (
    Conversation,
    Game,
    Message,
    Prompt,
    ResponseStatus,
    Turn,
    Verdict,
    VerdictKind,
    VerdictStatus,
)
from engine.store import Store
from engine.store.checks import check_store
from engine.store.counts import read_pairs
from engine.store.export import COLUMNS, table_rows
from tests.engine.battles.importing_rows import ROWS, battle, bring, game, invalid, prompt, response, scores
from tests.engine.store.landing import (
    fresh_store,
    recounts,
)

IMPORTERS = {
    "prompts": PromptsImporter,
    "responses": ResponsesImporter,
    "games": VerdictsImporter,
    "singles": VerdictsImporter,
    "battles": ArenaImporter,
}
HOSTILE = "=SUM(A1)\0\ud800\r\n\x1b]52;c;x\x07'\"\\json:\u2028 'é"


def export(store: Store, table: str, folder: Path, form: ExportFormat = ExportFormat.JSONL) -> Path:
    source, filters = ("verdicts", {"kind": "single"}) if table == "singles" else (table, {})
    columns = [Column(name, ColumnKind(kind)) for name, kind in COLUMNS[source].items()]
    out = folder / f"{table}.{form.value}"
    with store.snapshot() as connection:
        export_rows(table_rows(connection, source, filters), columns, form, out)
    return out


def take(store: Store, table: str, path: Path, **rules: Any) -> ImportReport:
    importer, options = IMPORTERS[table](), ImportOptions()
    layout = importer.layout([path], options)
    return import_rows(store, table, [path], importer.rows([path], options, layout), layout, options, **rules)


def copy(
    store: Store, other: Store, folder: Path, form: ExportFormat, *tables: str, **rules: Any
) -> list[ImportReport]:
    """Carry tables over as files; an empty table makes no file that could be read."""
    written = [(table, export(store, table, folder, form)) for table in tables]
    return [take(other, table, path, **rules) for table, path in written if _rows_in(store, table)]


def _rows_in(store: Store, table: str) -> int:
    if table == "singles":
        return len(list(table_rows(store.reader, "verdicts", {"kind": "single"})))
    return len(list(table_rows(store.reader, table)))


ALL = ("prompts", "responses", "games", "singles")


def content(store: Store, *tables: str) -> dict[str, list[dict[str, Any]]]:
    """All that is exported but for the times of landing, and rows of one kind in no order of their own."""
    said = {table: [dict(row) for row in table_rows(store.reader, table)] for table in tables}
    for rows in said.values():
        for row in rows:
            row.pop("created_at", None)
            row.pop("position", None)
    return {
        table: sorted(rows, key=lambda row: json.dumps(row, sort_keys=True)) for table, rows in said.items()
    }


def everything() -> list[Row]:
    """Rows with something in every column, and text that breaks what can be broken."""
    given = Conversation(
        (
            Message("system", HOSTILE),
            Message("user", "a"),
            Message("assistant", HOSTILE),
            Message("user", ""),
            Message("assistant", None),
        )
    )
    turns = (Turn(HOSTILE, HOSTILE, "stop", 1, 2, 3.5), Turn("", None, None, None, None, None))
    opinion = Verdict(VerdictKind.SINGLE, VerdictStatus.OK, 7.5, explanation=HOSTILE, raw=HOSTILE, turn=2)
    preference = Game(False, Verdict(VerdictKind.PREFERENCE, VerdictStatus.OK, 0.1 + 0.2, thinking=HOSTILE))
    grade = Game(
        True, Verdict(VerdictKind.GRADE, VerdictStatus.OK, "A>>B", finish_reason="stop", tokens_in=5)
    )
    two = Prompt("two turns", Conversation.of("one?", "two?"), "questions", "maths", 2.5, {"split": "test"})
    return [
        two,
        Prompt(HOSTILE, given, "questions", HOSTILE),
        prompt("q1", "one?"),
        response("ann", HOSTILE),
        response("bob", "whole", status=ResponseStatus.REFUSED, error=HOSTILE),
        response(HOSTILE, "x"),
        response("cid", "", status=ResponseStatus.FAILED, error="timeout"),
        type(response("ann", ""))(two, "ann", turns, ResponseStatus.CUT),
        battle("ann", "bob", scores(8, 2.5, explanation=HOSTILE, raw=HOSTILE), scores(9, 1, swapped=True)),
        battle("ann", "bob", preference, occurred_at=1e9 + 0.125, category=HOSTILE, round=3, arena=HOSTILE),
        battle("ann", "bob", grade, turn=1),
        battle("bob", HOSTILE, scores(8, 2), invalid(swapped=True), source_id=HOSTILE, judge=HOSTILE),
        battle("bob", "bob", game("tie")),
        battle("ann", "bob"),
        battle("ann", "bob"),
        battle("ann", "bob", source_id="1"),
        battle("ann", "bob", source_id="1", arena="other"),
        SingleRow(two, "ann", opinion, "human"),
        SingleRow(two, "ann", opinion, "human"),
        SingleRow(two, "dee", opinion, "human", "own id"),
    ]


@pytest.mark.parametrize("form", list(ExportFormat))
def test_importing_an_export_gives_the_same_store(tmp_path: Path, form: ExportFormat) -> None:
    with fresh_store() as store, fresh_store() as other:
        assert not bring(store, everything()).set_aside
        reports = copy(store, other, tmp_path, form, *ALL)
        assert [report.set_aside for report in reports] == [()] * 4
        tables = ("prompts", "responses", "verdicts", "games", "battles")
        assert content(other, *tables) == content(store, *tables)
        assert order(other) == order(store)
        assert recounts(other) == []
        assert check_store(other.reader).sound
        # Once more, and the bare battles too: all of it is there.
        again = copy(store, other, tmp_path, form, *ALL, "battles")
        assert not any(n for report in again for n in report.taken.values())


def order(store: Store) -> list[Any]:
    """Keys of the battles of the first arena, in their order."""
    query = "SELECT key FROM battles WHERE arena_id = (SELECT id FROM arenas WHERE name = 'votes') ORDER BY position"
    return store.reader.execute(query).fetchall()


@settings(max_examples=25, deadline=None)
@given(rows=ROWS)
def test_any_import_comes_back_from_its_export(
    rows: list[Row], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("export")
    with fresh_store() as store, fresh_store() as other:
        bring(store, rows)
        copy(store, other, folder, ExportFormat.JSONL, *ALL)
        kept = (
            "question_id",
            "prompt_set",
            "model_a",
            "model_b",
            "swapped",
            "value",
            "judge",
            "arena",
            "category",
        )
        here, there = (
            sorted(repr([row[k] for k in kept]) for row in table_rows(s.reader, "games"))
            for s in (store, other)
        )
        assert there == here
        assert recounts(other) == []


def test_importing_its_own_export_adds_nothing_to_a_store(store: Store, tmp_path: Path) -> None:
    bring(store, everything())
    before = content(store, "responses", "verdicts", "games", "battles")
    reports = copy(store, store, tmp_path, ExportFormat.JSONL, *ALL, "battles")
    assert not any(n for report in reports for n in report.taken.values())
    assert content(store, "responses", "verdicts", "games", "battles") == before


def test_a_battle_that_ended_otherwise_than_it_stands_is_set_aside(tmp_path: Path) -> None:
    with fresh_store() as store, fresh_store() as other:
        bring(store, [battle("ann", "bob", scores(8, 2)), battle("ann", "bob", scores(8, 2), prompt="q2")])
        copy(store, other, tmp_path, ExportFormat.JSONL, "games", "battles")
        path = export(store, "battles", tmp_path)
        path.write_text(path.read_text().replace('"winner": "model_a"', '"winner": "model_b"', 1))
        for target in (store, other):
            report = take(target, "battles", path)
            assert [group.rows for group in report.set_aside] == [1]
            assert report.known["battles"] == 1


def test_battles_alone_keep_who_won(tmp_path: Path) -> None:
    rows = [
        battle("ann", "bob", scores(8, 2)),
        battle("bob", "ann", game("tie")),
        battle("ann", "cid", scores(1, 9)),
    ]
    with fresh_store() as store, fresh_store() as other:
        bring(store, rows)
        (report,) = copy(store, other, tmp_path, ExportFormat.CSV, "battles")
        assert report.taken["battles"] == 3
        assert results(other) == results(store)
        kept = ("question_id", "model_a", "model_b", "winner", "margin", "judge", "arena")
        here, there = (
            [[row[k] for k in kept] for row in table_rows(s.reader, "battles")] for s in (store, other)
        )
        assert there == here


def results(store: Store) -> list[tuple[Any, ...]]:
    names = dict(store.reader.execute("SELECT id, name FROM players"))
    pairs = read_pairs(store.reader, 1, 1)
    return sorted((names[p.a], names[p.b], p.wins, p.losses, p.ties) for p in pairs)


def test_battles_are_written_in_the_fields_own_words(store: Store) -> None:
    bring(store, [battle("ann", "bob", scores(2, 8), category="maths", occurred_at=5.0)])
    (row,) = table_rows(store.reader, "battles")
    said = {
        k: row[k]
        for k in ("question_id", "model_a", "model_b", "winner", "margin", "judge", "category", "arena")
    }
    assert said == {
        "question_id": "q1",
        "model_a": "ann",
        "model_b": "bob",
        "winner": "model_b",
        "margin": -6.0,
        "judge": "human",
        "category": "maths",
        "arena": "votes",
    }
    assert (row["tstamp"], row["win_share"], row["state"], row["round"]) == (5.0, 0.0, "decided", None)


@pytest.mark.parametrize("table", list(COLUMNS))
def test_every_table_has_the_columns_that_it_says(store: Store, table: str) -> None:
    bring(store, everything())
    with store.write() as tx:
        execute = tx.connection.execute
        execute(
            "INSERT INTO jobs(id, digest, name, plan, state, created_at) VALUES (1, 'd', 'n', '', 'done', 0)"
        )
        execute(
            "INSERT INTO workers(id, host, boot_id, pid, pid_started_at, started_at, heartbeat_at)"
            " VALUES ('w', 'h', 'b', 1, 0, 0, 0)"
        )
        execute(
            "INSERT INTO attempts(id, job_id, number, worker_id, state, lease_until, started_at)"
            " VALUES (1, 1, 1, 'w', 'ended', 0, 0)"
        )
        execute("INSERT INTO events VALUES (1, 0, 'started', 'info', 1, 1, '{}')")
        execute("INSERT INTO rating_snapshots VALUES (1, 1, 1, '', '{\"n\": 1}', '[]', 3, 0, NULL)")
        execute("INSERT INTO selections VALUES (1, 'k', 1, 1, 1, 'sft', NULL, 'all', '{}', 1, 0, NULL)")
    rows = list(table_rows(store.reader, table))
    assert rows
    numbers = (int, float)
    kinds = {
        "text": str,
        "integer": int,
        "number": numbers,
        "boolean": bool,
        "json": (dict, list, str, *numbers),
    }
    for row in rows:
        assert list(row) == list(COLUMNS[table])
        for name, kind in COLUMNS[table].items():
            assert row[name] is None or isinstance(row[name], kinds[kind])  # type: ignore[arg-type]


def test_rows_are_chosen_by_what_a_table_has(store: Store) -> None:
    bring(store, everything())
    assert {row["arena"] for row in table_rows(store.reader, "games", {"arena": HOSTILE})} == {HOSTILE}
    assert {row["judge"] for row in table_rows(store.reader, "battles", {"judge": HOSTILE})} == {HOSTILE}
    assert {row["model"] for row in table_rows(store.reader, "responses", {"model": "bob"})} == {"bob"}
    assert len(list(table_rows(store.reader, "prompts", {"set": "questions"}))) == 3
    assert list(table_rows(store.reader, "battles", {"arena": "votes", "judge": "nobody"})) == []
    with pytest.raises(UsageError, match="there is no table 'texts'"):
        table_rows(store.reader, "texts")
    with pytest.raises(UsageError, match="prompts cannot be chosen by judge"):
        table_rows(store.reader, "prompts", {"judge": "x"})
