"""Rows that claim keys: those that do not follow from them, or stand for something else here, are set aside."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.battles.exporting import export_store
from engine.battles.importing import ImportReport
from engine.errors import UsageError
from engine.formats.export import ExportFormat
from engine.jobs.worker import Batch, run_batch
from engine.plan import read_plan
from engine.records import OnCut, OutcomeRule
from engine.store import Store, open_store
from engine.store.battles import land_arena
from engine.store.checks import check_store
from engine.store.contestants import alias_player, land_player
from engine.store.derivations import named_player_key
from tests.engine.battles.carrying import carry, contents, rewrite, take
from tests.engine.battles.importing_rows import battle, bring, dump, game, prompt, response, scores
from tests.engine.store.landing import fresh_store, recounts

PROMPTS, BATTLES = 2, 12
"""Of the run: four players, and a checker that plays one game a battle."""

Row = dict[str, Any]
Change = Callable[[Row], object]


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An export of two prompts of the pocket arena."""
    folder = tmp_path_factory.mktemp("run")
    with open_store(folder / "arena.db", writable=True) as store:
        batch = Batch(store, read_plan("pocket"), lambda event: None, PROMPTS)
        asyncio.run(_run(batch))
        export_store(store, folder / "out", ExportFormat.JSONL)
    return folder / "out"


async def _run(batch: Batch) -> None:
    await run_batch(batch, asyncio.Event())


@pytest.fixture
def out(exported: Path, tmp_path: Path) -> Path:
    """The export, to be changed."""
    return Path(shutil.copytree(exported, tmp_path / "out"))


def change_first(path: Path, change: Change) -> None:
    """Change the first row of a file."""
    met: list[Row] = []

    def first_only(row: Row) -> object:
        met.append(row)
        return change(row) if len(met) == 1 else None

    rewrite(path, first_only)


def set_aside(report: ImportReport) -> dict[str, int]:
    """Rows by reason, without what to do about it."""
    return {group.reason.partition(" (")[0]: group.rows for group in report.set_aside}


def another_key(key: str) -> str:
    return key[:-1] + ("0" if key[-1] != "0" else "1")


def claim(name: str) -> Change:
    return lambda row: row.update({name: another_key(row[name])})


FOLLOWS = "its key does not follow from the row"
NO_RESPONSE = "its response is not in this store"
NO_VERDICT = "its verdict is not in this store"
ENDED = "it ended otherwise than follows from its games"
RULES = "its arena is rated by other rules in this store"
LOST = "it is rated under the name of another model, which the export lacks"
RATINGS = "its ratings are none that a plan could say"


@pytest.mark.parametrize(
    ("table", "change", "reasons"),
    [
        ("prompts", claim("prompt_key"), {"prompt_key does not follow from its text": 1}),
        ("responses", claim("response_key"), {FOLLOWS: 1}),
        ("responses", lambda row: row.update(sample=1), {FOLLOWS: 1}),
        ("verdicts", claim("verdict_key"), {FOLLOWS: 1, NO_VERDICT: 1}),
        ("verdicts", lambda row: row.update(turn=1), {FOLLOWS: 1, NO_VERDICT: 1}),
        ("verdicts", lambda row: row.update(source_id="mine"), {FOLLOWS: 1, NO_VERDICT: 1}),
        ("battles", claim("battle_key"), {FOLLOWS: 1}),
        ("battles", lambda row: row.update(turn=1), {"its verdict is about something else": 1}),
        ("battles", claim("response_key_a"), {NO_RESPONSE: 1}),
        (
            "battles",
            lambda row: row.update(response_key_a=row["response_key_b"]),
            {"its response is another model's, or to another prompt": 1},
        ),
        ("battles", lambda row: row.update(verdict_keys=[], games=0), {ENDED: 1}),
        ("battles", lambda row: row.update(verdict_keys=[]), {"a game of its battle is missing": 1}),
        ("battles", lambda row: row.update(margin=row["margin"] + 1), {ENDED: 1}),
        ("battles", lambda row: row.update(status_a="cut"), {"its response is not cut, empty or failed as it says": 1}),
        ("battles", lambda row: row.update(on_cut="loss"), {RULES: 1}),
        ("battles", lambda row: row.update(position=-1), {"position is not in 0 to inf": 1}),
        ("battles", lambda row: row.update(battle_key="b1:x"), {"battle_key is no content key": 1}),
        ("judges", claim("judge_key"), {FOLLOWS: 1, "its judge is not in this store under its key": 24}),
        ("arenas", lambda row: row.update(ratings={"over": "moons"}), {RATINGS: 1}),
    ],
)  # fmt: skip
def test_a_row_whose_claims_do_not_follow_is_set_aside(
    store: Store, out: Path, table: str, change: Change, reasons: dict[str, int]
) -> None:
    change_first(out / f"{table}.jsonl", change)
    report = take(store, "store", out)
    assert reasons.items() <= set_aside(report).items()
    files = {Path(one.file) for group in report.set_aside for one in group.examples}
    assert out / f"{table}.jsonl" in files
    assert files <= set(out.iterdir())
    assert check_store(store.reader).sound


def test_a_game_counts_for_the_battle_that_it_is_of_only(store: Store, out: Path) -> None:
    rows = [json.loads(line) for line in (out / "battles.jsonl").read_text().splitlines()]
    change_first(out / "battles.jsonl", lambda row: row.update(verdict_keys=rows[1]["verdict_keys"]))
    assert set_aside(take(store, "store", out)) == {"its verdict is about something else": 1}


def test_a_battle_says_who_won_by_its_games(store: Store, out: Path) -> None:
    def mirror(row: Row) -> object:
        row["winner"] = {"model_a": "model_b", "model_b": "model_a", "tie": "model_a"}[row["winner"]]
        return None

    rewrite(out / "battles.jsonl", mirror)
    report = take(store, "store", out)
    assert set_aside(report) == {ENDED: BATTLES}
    assert report.taken.get("battles", 0) == 0


@pytest.mark.parametrize(
    ("table", "name", "value"),
    [("responses", "status", "empty"), ("verdicts", "value", [1.0, 10.0]), ("responses", "turns", None)],
)
def test_what_says_otherwise_than_the_store_is_set_aside(
    store: Store, exported: Path, out: Path, table: str, name: str, value: Any
) -> None:
    take(store, "store", exported)
    before = dump(store)

    def change(row: Row) -> object:
        if name == "turns":
            row["turns"][0]["answer"] += " or so"
            return None
        row[name] = [10.0, 1.0] if row[name] == value else value
        return None

    change_first(out / f"{table}.jsonl", change)
    report = take(store, "store", out)
    assert set_aside(report) == {"its key stands for something else in this store": 1}
    assert not any(report.taken.values())
    assert dump(store) == before


def test_two_rows_of_one_key_that_differ_are_told_apart_in_one_chunk(store: Store, out: Path) -> None:
    path = out / "responses.jsonl"
    first = path.read_text().splitlines()[0]
    row = json.loads(first)
    row["turns"][0]["answer"] += " or so"
    path.write_text(path.read_text() + first + "\n" + json.dumps(row) + "\n")
    report = take(store, "store", out)
    assert set_aside(report) == {"its key stands for something else in this store": 1}
    assert report.known["responses"] == 1


@pytest.mark.parametrize(("alias", "reasons"), [("lynx", {}), ("moth", {LOST: 1}), ("nobody", {LOST: 1})])
def test_a_model_is_rated_under_the_name_of_one_that_is_there(
    store: Store, out: Path, alias: str, reasons: dict[str, int]
) -> None:
    rewrite(
        out / "players.jsonl", lambda row: row.update(alias_of=alias) if row["player"] == "moth" else None
    )
    report = take(store, "store", out / "players.jsonl")
    assert set_aside(report) == reasons
    assert report.taken["players"] == 4 - sum(reasons.values())
    assert [row["alias_of"] for row in contents(store)["players"] if row["player"] == "moth"] == (
        [] if reasons else [alias]
    )


def test_a_model_follows_the_one_that_it_stands_for(store: Store, exported: Path, out: Path) -> None:
    """Which is itself an alias here."""
    take(store, "store", exported / "players.jsonl")
    with store.write() as tx:
        alias_player(tx, "lynx", "heron")
    rewrite(
        out / "players.jsonl",
        lambda row: row.update(
            player="late", model="late", kind="name", facts={"name": "late"}, template_hash=None, sampling=None,
            path=None, player_key=named_player_key("late"), alias_of="lynx",
        ) if row["player"] == "moth" else None,
    )  # fmt: skip
    assert take(store, "store", out / "players.jsonl").set_aside == ()
    assert [row["alias_of"] for row in contents(store)["players"] if row["player"] == "late"] == ["heron"]


def test_a_name_that_is_taken_gets_a_number_and_is_told(store: Store, exported: Path) -> None:
    with store.write() as tx:
        land_player(tx, "moth", "weights", {"hash": "other"})
    report = take(store, "store", exported)
    assert report.set_aside == ()
    assert report.renamed == {"moth": "moth.2"}
    assert "moth.2" in {row["model_a"] for row in contents(store)["battles"]}


def test_an_arena_of_other_rules_keeps_out_battles_of_these(store: Store, exported: Path) -> None:
    with store.write() as tx:
        land_arena(tx, "pocket", OutcomeRule.STRICT, OnCut.LOSS)
    report = take(store, "store", exported)
    assert set_aside(report) == {RULES: 1 + BATTLES}
    assert take(store, "store", exported, arena="mine").taken["battles"] == BATTLES
    assert recounts(store) == []


def test_exports_of_several_stores_meet_in_one(exported: Path, tmp_path: Path) -> None:
    """What two stores share is there once, and each brings its own."""
    with fresh_store() as other, fresh_store() as both:
        take(other, "store", exported)
        bring(other, [prompt("q1", "one?"), response("ann", "x"), battle()])
        export_store(other, tmp_path / "larger", ExportFormat.CSV)
        take(both, "store", exported)
        report = take(both, "store", tmp_path / "larger")
        assert report.set_aside == ()
        assert (report.taken["battles"], report.known["battles"]) == (1, BATTLES)
        assert contents(both) == contents(other)


# Which table a file is


def test_files_of_an_export_may_come_in_any_order(store: Store, exported: Path) -> None:
    files = [
        exported / f"{name}.jsonl" for name in ("battles", "verdicts", "responses", "players", "prompts")
    ]
    assert take(store, "store", *files, exported / "judges.jsonl").taken["battles"] == BATTLES


def test_all_files_of_an_export_may_be_named(store: Store, exported: Path) -> None:
    """As a shell names them; what is of the store that they were in stays there."""
    report = take(store, "store", *exported.iterdir())
    assert (report.taken["battles"], report.known.get("battles", 0)) == (BATTLES, 0)
    with pytest.raises(UsageError, match="no file has a table that is imported"):
        take(store, "store", exported / "models.jsonl", exported / "jobs.jsonl")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda out: shutil.copy(out / "prompts.jsonl", out / "prompts.csv"), "has a table twice"),
        (lambda out: (out / "prompts.jsonl").write_text('{"id": 1, "prompt": "x"}\n'), "is no table of an export"),
        (lambda out: [path.unlink() for path in out.iterdir()], "has no table of an export"),
    ],
)  # fmt: skip
def test_a_folder_that_is_no_export_is_refused(
    store: Store, out: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(out)
    with pytest.raises(UsageError, match=message):
        take(store, "store", out)


def test_battles_that_went_by_names_are_counted_and_come_back_too(
    store: Store, exported: Path, tmp_path: Path
) -> None:
    """Some of them wait, without a game that would say where they came from."""
    log = tmp_path / "log.jsonl"
    shutil.copy(exported / "battles.jsonl", log)
    change_first(log, lambda row: row.update(state="waiting", winner=None, margin=None))
    report = take(store, "arena", log)
    assert (report.by_names, report.taken["battles"]) == (BATTLES, BATTLES)
    assert [row["games"] for row in contents(store)["battles"]].count(0) == 1
    with fresh_store() as third:
        assert carry(store, third, tmp_path / "again").set_aside == ()
        assert contents(third) == contents(store)
        assert not [table for table in check_store(third.reader).derived if "not derivable" in table]


def test_keys_can_be_ignored(store: Store, exported: Path) -> None:
    for form, table in (("prompts", "prompts"), ("responses", "responses"), ("verdicts", "games")):
        report = take(store, form, exported / f"{table}.jsonl", keys="ignore")
        assert report.set_aside == ()
    players = contents(store)["players"]
    assert {row["kind"] for row in players} == {"name"}
    assert len(contents(store)["battles"]) == BATTLES


# One battle in several arenas


@pytest.mark.parametrize("form", list(ExportFormat))
def test_a_battle_of_two_arenas_under_two_rules(tmp_path: Path, form: ExportFormat) -> None:
    """Its games say a by their mean, and nobody by strict: bare winners of both are kept, each in its arena."""
    fought = battle("ann", "bob", scores(9, 1), scores(6, 5, swapped=True), source_id="1")
    with fresh_store() as store, fresh_store() as other:
        bring(store, [fought, battle("bob", "ann", source_id="2")])
        bring(
            store,
            [type(fought)(**{**fields_of(fought), "arena": "strict"})],
            "strict.csv",
            outcome_rule=OutcomeRule.STRICT,
        )
        export_store(store, tmp_path / "out", form)
        report = take(other, "arena", tmp_path / "out" / f"battles.{form.value}")
        assert report.set_aside == ()
        here, there = (
            [
                (row["arena"], row["question_id"], row["model_a"], row["winner"])
                for row in contents(s)["battles"]
            ]
            for s in (store, other)
        )
        assert there == here
        assert {row[3] for row in here if row[2] == "ann"} == {"model_a", "tie"}
        assert contents(other)["arenas"] == contents(store)["arenas"]
        again = take(other, "arena", tmp_path / "out" / f"battles.{form.value}")
        assert not any(again.taken.values())
        assert check_store(other.reader).sound


def fields_of(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


def test_in_one_arena_an_id_still_stands_for_one_row(store: Store) -> None:
    bring(store, [battle(source_id="1", arena="x")])
    report = bring(store, [battle("ann", "bob", game("second"), source_id="1", arena="x")], "other.csv")
    assert [(group.reason, group.rows) for group in report.set_aside] == [
        ("id stands for another verdict in this store", 1)
    ]


def test_both_rows_of_a_battle_that_is_set_aside_count(store: Store, tmp_path: Path) -> None:
    path = tmp_path / "games.jsonl"
    rows = [
        {"question_id": "q", "model_a": "a", "model_b": "b", "score_a": 9, "score_b": 1, "game": number, "judge": "j",
         "battle_key": "x"}
        for number in (1, 2)
    ]  # fmt: skip
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    take(store, "verdicts", path)
    path.write_text("".join(json.dumps(row | {"score_b": 3}) + "\n" for row in rows))
    (group,) = take(store, "verdicts", path).set_aside
    assert (group.rows, [one.line for one in group.examples]) == (2, [1, 2])
