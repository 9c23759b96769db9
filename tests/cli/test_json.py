"""JSON is a contract: every command that prints data keeps to its documented shape."""

from __future__ import annotations

import json
import re
import shutil
from contextlib import closing
from pathlib import Path

import jsonschema
import pytest

from arena_tui.cli.main import ENTRIES
from engine.store.sqlite import connect
from tests.cli.battle_logs import random_battles, write_battles
from tests.cli.commanding import command
from tests.cli.conftest import Played
from tests.cli.schemas import check_command, check_event, schema

SHAPES = {
    "leaderboard": ["leaderboard"],
    "matrix": ["matrix"],
    "compare": ["compare", "ada", "bob"],
    "verdicts list": ["verdicts", "list", "--limit", "3"],
    "verdicts show": ["verdicts", "show", "1"],
    "verdicts stats": ["verdicts", "stats"],
    "models list": ["models", "list"],
    "arenas list": ["arenas", "list"],
    "imports list": ["imports", "list"],
    "plan list": ["plan", "list"],
    "plan show": ["plan", "show", "pocket"],
    "plan check": ["plan", "check", "pocket"],
    "plan keys": ["plan", "keys"],
    "judge templates list": ["judge", "templates", "list"],
    "judge templates show": ["judge", "templates", "show", "brief"],
    "imports formats": ["imports", "formats"],
    "store info": ["store", "info"],
    "store verify": ["store", "verify"],
    "arena-tui": [],
}


@pytest.mark.parametrize("shape", SHAPES)
def test_json_of_an_imported_arena(shape: str, few: Path) -> None:
    shown = command(*SHAPES[shape], "--json", store=few)
    assert (shown.code, shown.err) == (0, "")
    check_command(shape, shown.json)
    assert shown.json


def test_json_of_selections(played: Played, tmp_path: Path) -> None:
    store = shutil.copy(played.store, tmp_path / "arena.db")
    every = ["--strategy", "all", "--allow", "constant"]
    for more in (["--dry-run"], every, every, ["--stage", "dpo", "--round", "1"], []):
        check_command("select", command("select", "--target", "ada", *more, "--json", store=store).json)
    check_command("select list", command("select", "list", "--json", store=store).json)
    shown = command("select", "show", "1", "--json", store=store).json
    check_command("select show", shown)
    assert shown["training_rows"]


@pytest.mark.parametrize("shape", ["leaderboard", "matrix", "verdicts list", "verdicts show", "models list"])
def test_json_of_a_run(shape: str, played: Played) -> None:
    check_command(shape, command(*SHAPES[shape], "--json", store=played.store).json)


@pytest.mark.parametrize(
    "options",
    [
        ["--interval", "sandwich"],
        ["--over", "prompts", "--point", "median"],
        ["--anchor", "ada=1200"],
        ["--category", "math"],
        ["--fold-seconds", "0"],
    ],
    ids=" ".join,
)
def test_leaderboards_of_every_kind_keep_their_shape(options: list[str], few: Path) -> None:
    facts = command("leaderboard", "--json", *options, store=few).json
    check_command("leaderboard", facts)
    assert [row["model"] for row in facts["models"]] == ["ada", "bob", "cyd", "eve"]


def test_jobs_and_their_events(played: Played) -> None:
    check_command("jobs list", command("jobs", "list", "--json", store=played.store).json)
    job = command("jobs", "show", "1", "--json", store=played.store).json
    check_command("jobs show", job)
    assert (job["state"], [one["state"] for one in job["attempts"]]) == ("done", ["ended"])
    assert [event["kind"] for event in job["events"]] == ["queued", "started", "finished"]


def test_agreement_of_an_arena_with_its_own_table(few: Path, tmp_path: Path) -> None:
    table = tmp_path / "ratings.csv"
    table.write_text(command("leaderboard", "--format", "csv", store=few).out)
    facts = command("ratings", "agree", "--reference", table, "--json", store=few).json
    check_command("ratings agree", facts)
    assert (facts["spearman"], facts["order_agreement"], facts["only_reference"]) == (1.0, 1.0, [])
    assert facts["agreement"] == 1.0


def test_an_import_and_its_undoing(tmp_path: Path) -> None:
    log, store = (
        write_battles(tmp_path / "log.csv", random_battles(["a", "b", "c"], 30)),
        tmp_path / "arena.db",
    )
    with log.open("a") as file:
        file.write("a,b,nobody knows,q1,math\n,b,tie,q1,math\n")
    preview = command("import", "arena", log, "--dry-run", "--json", store=store)
    check_command("import --dry-run", preview.json)
    assert (preview.json["rows"], preview.json["kind"], len(preview.json["first"])) == (
        {"battles": 30},
        "battles",
        3,
    )
    assert not store.exists()
    first = command("import", "arena", log, "--json", store=store)
    check_command("import", first.json)
    assert (first.code, first.json["taken"]["battles"], first.json["known"].get("battles", 0)) == (0, 30, 0)
    assert sum(group["rows"] for group in first.json["set_aside"]) == 2
    again = command("import", "arena", log, "--json", store=store)
    assert (again.code, again.json["taken"]["battles"], again.json["known"]["battles"]) == (0, 0, 30)
    shown = command("imports", "show", "1", "--json", store=store).json
    check_command("imports show", shown)
    assert sorted(row["line"] for row in shown["rows_set_aside"]) == [32, 33]
    undone = command("imports", "undo", "1", "--json", store=store)
    check_command("imports undo", undone.json)
    assert undone.json["gone"]["battles"] == 30


def test_a_store_that_was_changed_by_hand(few: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy.db"
    made = command("store", "backup", copy, "--json", store=few)
    check_command("store backup", made.json)
    assert made.json == {"file": str(copy), "bytes": copy.stat().st_size}
    sound = command("store", "check", "--json", store=copy)
    check_command("store check", sound.json)
    assert (sound.code, sound.json["sound"], sound.json["derived"]["battles"]) == (0, True, 240)
    with closing(connect(str(copy))) as connection:
        connection.execute("UPDATE pair_counts SET wins = wins + 1 WHERE category = ''")
        connection.execute("UPDATE battles SET key = 'b1:other' WHERE id = 1")
        connection.commit()
    broken = command("store", "check", "--json", store=copy)
    check_command("store check", broken.json)
    assert (broken.code, broken.json["sound"], broken.json["mismatched"]) == (1, False, 1)
    assert set(broken.json["counts"]) == {"few"}
    told = command("store", "check", store=copy)
    assert "the store is NOT sound" in told.out
    assert "the key of row 1 of battles does not follow from it: b1:other" in told.out
    verified = command("store", "verify", "--json", store=copy)
    check_command("store verify", verified.json)
    assert verified.code == 1
    mended = command("store", "check", "--rebuild", "--json", store=copy).json
    assert (mended["counts"], mended["arenas_rebuilt"]) == ({}, 1)


def test_nothing_usable_is_1(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("model_a,model_b,winner\na,b,perhaps\nc,,model_a\n")
    result = command("import", "arena", log, "--json", "--store", tmp_path / "arena.db")
    assert result.code == 1
    check_command("import", result.json)
    assert sum(group["rows"] for group in result.json["set_aside"]) == 2


def test_problems_of_a_plan(tmp_path: Path) -> None:
    plan = tmp_path / "bad.toml"
    plan.write_text('[run]\nnam = "x"\n')
    result = command("plan", "check", plan, "--json")
    assert result.code == 2
    check_command("plan check", result.json)
    assert {one["key"] for one in result.json["problems"]} >= {"run.nam"}
    assert result.err.startswith("arena-tui: the plan")


def test_events_of_a_run(played: Played) -> None:
    events = [json.loads(line) for line in played.result.lines]
    for event in events:
        check_event(event)
    kinds = [event["event"] for event in events if event["event"] != "warning"]
    assert kinds[:2] == ["preflight", "started"]
    assert set(kinds[2:-1]) == {"progress"}
    assert kinds[-1] == "finished"
    assert {event["job"] for event in events} == {1}
    assert [event["time"] for event in events] == sorted(event["time"] for event in events)
    assert (events[-1]["exit_code"], events[-1]["reason"]) == (0, None)
    assert (events[-1]["progress"]["decided"], events[-1]["progress"]["total"]) == (36, 36)


def test_a_run_that_fails_before_its_job_ends_with_finished_too(tmp_path: Path) -> None:
    result = command("--batch", tmp_path / "none.toml", "--json")
    (event,) = [json.loads(line) for line in result.lines]
    check_event(event)
    assert (event["event"], event["job"], event["exit_code"], result.code) == ("finished", None, 2, 2)


def test_an_endpoint_that_is_down_is_1_and_names_its_job(played: Played, tmp_path: Path) -> None:
    nowhere = "players.ada.endpoints=['http://127.0.0.1:9/v1']"
    store = tmp_path / "arena.db"
    result = command("--batch", played.folder / "plan.toml", "--set", nowhere, "--json", store=store)
    last = json.loads(result.lines[-1])
    check_event(last)
    assert (result.code, last["exit_code"], last["job"]) == (1, 1, 1)
    assert last["reason"] == "no endpoint of the model 'ada' answers"
    assert "http://127.0.0.1:9/v1" in result.err
    (job,) = command("jobs", "list", "--json", store=store).json
    assert (job["state"], job["reason"]) == ("failed", last["reason"])


def test_a_dry_run_is_a_preflight_and_an_end(played: Played, tmp_path: Path) -> None:
    result = command(
        "--batch", played.folder / "plan.toml", "--dry-run", "--json", "--store", tmp_path / "arena.db"
    )
    events = [json.loads(line) for line in result.lines]
    for event in events:
        check_event(event)
    assert [event["event"] for event in events] == ["preflight", "finished"]
    assert [event["job"] for event in events] == [None, None]


def test_every_shape_is_strict_and_every_command_has_one() -> None:
    """A document with a field more, or one less, is told apart; each command that takes --json is documented."""
    with pytest.raises(jsonschema.ValidationError):
        check_command("plan list", [{"name": "pocket", "summary": "x", "more": 1}])
    with pytest.raises(jsonschema.ValidationError):
        check_command("plan list", [{"name": "pocket"}])
    documented = set(schema("commands")["$defs"])
    for entry in ENTRIES:
        for path, one in _below(entry.name, entry.load()):
            if any("--json" in option.opts for option in one.params) and not hasattr(one, "commands"):
                assert path in documented, path


def _below(path: str, found: object) -> list[tuple[str, object]]:
    inner = getattr(found, "commands", {})
    return [(path, found), *(pair for name, one in inner.items() for pair in _below(f"{path} {name}", one))]


def test_the_reference_is_up_to_date() -> None:
    from docs.make_reference import FOLDER, pages

    for name, text in pages().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, (
            f"run: python docs/make_reference.py ({name})"
        )
        assert not re.search(r"\bNone\b", text)
