"""What commands do to a store, and what they say."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.plan import read_plan
from tests.cli.battle_logs import random_battles, write_battles
from tests.cli.commanding import command
from tests.cli.conftest import Played


@pytest.fixture
def store(tmp_path: Path) -> Path:
    """A store of its own for a test that changes it."""
    log = write_battles(tmp_path / "log.csv", random_battles(["ada", "bob", "cyd"], 60))
    assert (
        command(
            "import", "arena", log, "--arena", "one", "--judge", "crowd", store=tmp_path / "arena.db"
        ).code
        == 0
    )
    return tmp_path / "arena.db"


def models(store: Path, *arguments: str) -> dict[str, int]:
    facts = command("leaderboard", "--json", *arguments, store=store).json
    return {row["model"]: row["battles"] for row in facts["models"]}


def test_the_store_may_be_said_before_the_command_or_behind_it(store: Path) -> None:
    wanted = command("arenas", "list", store=store).out
    assert command("--store", store, "arenas", "list").out == wanted
    assert command("arenas", "list", "--store", store).out == wanted
    other = command("--store", "elsewhere.db", "arenas", "list", "--store", store)
    assert other.out == wanted


def test_the_overview_shows_the_way(store: Path, tmp_path: Path) -> None:
    first = command(store=tmp_path / "none.db")
    assert (first.code, first.err) == (0, "")
    assert "arena-tui --batch pocket" in first.out
    shown = command(store=store)
    assert "arena one: 60 battles judged by crowd" in shown.out


def test_aliases_join_and_part_models(store: Path) -> None:
    before = models(store)
    assert command("models", "alias", "cyd", "bob", store=store).code == 0
    joined = models(store)
    assert set(joined) == {"ada", "bob"}
    assert "cyd" in command("models", "list", store=store).out
    assert command("models", "alias", "cyd", "cyd", store=store).code == 0
    assert models(store) == before


def test_arenas_are_renamed_and_dropped(store: Path) -> None:
    assert command("arenas", "rename", "one", "two", store=store).code == 0
    assert command("arenas", "list", "--json", store=store).json[0]["arena"] == "two"
    assert command("arenas", "drop", "two", store=store).code == 2
    assert models(store, "--arena", "two")
    gone = command("arenas", "drop", "two", "--yes", store=store)
    assert (gone.code, gone.out) == (0, "")
    assert "with 60 battles" in gone.err
    assert command("arenas", "list", "--json", store=store).json == []


def test_an_undone_import_leaves_the_counts_of_before(store: Path, tmp_path: Path) -> None:
    before = command("leaderboard", "--json", store=store).json
    more = write_battles(tmp_path / "more.csv", random_battles(["ada", "bob", "new"], 40, seed=1))
    assert command("import", "arena", more, "--arena", "one", "--judge", "crowd", store=store).code == 0
    assert models(store)["new"] > 0
    undone = command("imports", "undo", "2", store=store)
    assert "import 2 is undone; gone: " in undone.err
    after = command("leaderboard", "--json", store=store).json
    assert after == before
    assert "undone already" in command("imports", "undo", "2", store=store).err


def test_an_import_leaves_a_snapshot_of_the_ratings(store: Path) -> None:
    rows = [json.loads(line) for line in command("export", "ratings", store=store).lines]
    assert [(row["arena"], row["judge"]) for row in rows] == [("one", "crowd")]


def test_mapping_by_options_and_by_file(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    rows = [{"x": {"left": "ada", "right": "bob"}, "who": w, "topic": "t"} for w in ("L", "R", "=")]
    log.write_text("\n".join(map(json.dumps, rows)))
    said = [
        "--map",
        "x.left=model_a",
        "--map",
        "x.right=model_b",
        "--map",
        "who=winner",
        "--map",
        "topic=category",
    ]
    said += ["--map", "=crowd=judge", "--values", "L=model_a", "--values", "R=model_b", "--values", "==tie"]
    one, two = tmp_path / "one.db", tmp_path / "two.db"
    first = command("import", "arena", log, *said, "--json", store=one)
    assert first.code == 0, first.err
    mapping = tmp_path / "map.toml"
    mapping.write_text(
        '[columns]\n"x.left" = "model_a"\n"x.right" = "model_b"\nwho = "winner"\ntopic = "category"\n'
        '"=crowd" = "judge"\n'
        '[values]\nL = "model_a"\nR = "model_b"\n"=" = "tie"\n'
    )
    second = command("import", "arena", log, "--map-file", mapping, "--json", store=two)
    assert second.json == first.json
    boards = [
        command("leaderboard", "--json", "--category", "t", store=one).json["judge"] for one in (one, two)
    ]
    assert boards == ["crowd", "crowd"]


def test_rows_left_out_by_where_are_counted(tmp_path: Path) -> None:
    log = write_battles(tmp_path / "log.csv", random_battles(["ada", "bob"], 20))
    result = command(
        "import", "arena", log, "--where", "category=math", "--json", store=tmp_path / "arena.db"
    )
    assert result.json["taken"]["battles"] == 10
    assert [(group["reason"], group["rows"]) for group in result.json["set_aside"]] == [
        ("left out by --where category=math", 10)
    ]


@pytest.mark.parametrize("form", ["jsonl", "csv", "parquet"])
def test_battles_go_out_and_come_in_again(store: Path, tmp_path: Path, form: str) -> None:
    out = tmp_path / f"battles.{form}"
    assert command("export", "battles", "--out", out, store=store).code == 0
    again = tmp_path / "again.db"
    result = command("import", "arena", out, "--json", store=again)
    assert (result.code, result.json["taken"]["battles"], result.json["set_aside"]) == (0, 60, [])
    first, second = (command("leaderboard", "--json", store=one).json for one in (store, again))
    assert second["models"] == first["models"]


def test_an_export_to_a_pipe_is_the_file(store: Path, tmp_path: Path) -> None:
    out = tmp_path / "b.csv"
    assert command("export", "battles", "--out", out, store=store).code == 0
    assert command("export", "battles", "--format", "csv", store=store).out == out.read_bytes().decode()


def test_verdicts_go_on_behind_the_last(store: Path) -> None:
    first = command("verdicts", "list", "--limit", "25", "--json", store=store).json
    rest = command(
        "verdicts", "list", "--limit", "50", "--after", str(first[-1]["id"]), "--json", store=store
    ).json
    assert len({one["id"] for one in [*first, *rest]}) == 60
    assert "--after 25" in command("verdicts", "list", "--limit", "25", store=store).out
    pair = command("verdicts", "list", "--model", "ada", "--model", "bob", "--json", store=store).json
    assert {frozenset((one["a"], one["b"])) for one in pair} == {frozenset(("ada", "bob"))}


def test_a_battle_is_traced_to_what_was_said(played: Played) -> None:
    shown = command("verdicts", "show", "1", "--raw", store=played.store)
    for part in (
        "[user]\n│ question",
        "│ i am ",
        "from job 1, attempt 1",
        "the reply as it was:",
        '"score_first"',
        "shown first",
    ):
        assert part in shown.out


NEW = ["plan", "new", "--player", "ada=m1@http://localhost:1/v1", "--player", "bob=m2@http://localhost:2/v1"]
NEW += ["--judge", "eve=m3@http://localhost:3/v1"]


def test_a_new_plan_reads_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "prompts.jsonl").write_text('{"id": "q", "prompt": "hello"}\n')
    (tmp_path / "plans").mkdir()
    made = command(*NEW, "--prompts", "prompts.jsonl", "--api-key-env", "KEY", "--out", "plans/p.toml")
    assert (made.code, made.out) == (0, "")
    plan = read_plan(tmp_path / "plans" / "p.toml").plan
    assert plan.prompts.file == str(tmp_path / "prompts.jsonl")
    assert {name: one.api_key_env for name, one in plan.players.items()} == {"ada": "KEY", "bob": "KEY"}
    assert plan.judges["eve"].api_key_env is None
    again = command(*NEW, "--prompts", "prompts.jsonl", "--out", "plans/p.toml")
    assert (again.code, "plans/p.toml exists" in again.err) == (2, True)
    shown = command(*NEW, "--prompts", "prompts.jsonl")
    (tmp_path / "q.toml").write_text(shown.out)
    assert command("plan", "check", "q.toml").code == 0


def test_a_new_plan_needs_its_prompts_and_a_folder_to_write_to(tmp_path: Path) -> None:
    (tmp_path / "prompts.jsonl").write_text("{}")
    assert command(*NEW, "--prompts", tmp_path / "none.jsonl").code == 2
    missing = command(*NEW, "--prompts", tmp_path / "prompts.jsonl", "--out", tmp_path / "no" / "p.toml")
    assert (missing.code, "cannot be written" in missing.err) == (1, True)


def test_plan_show_says_where_each_value_is_from(played: Played) -> None:
    plan = played.folder / "plan.toml"
    values = command("plan", "show", plan, "--set", "run.seed=7", "--json").json
    sources = {one["key"]: (one["value"], one["source"]) for one in values}
    assert sources["run.seed"] == (7, "--set")
    assert sources["run.name"] == ("loop", f"{plan}:2")
    assert sources["run.arena"] == ("loop", "default: run.name")
    assert sources["ratings.n_resamples"] == (100, "default")
    shown = command("plan", "show", plan)
    assert shown.out.count(str(plan)) == 1
    assert any(line.split() == ["run.name", '"loop"', "line", "2"] for line in shown.lines)


def test_a_judge_is_previewed_on_a_prompt_and_on_a_battle(played: Played, tmp_path: Path) -> None:
    plan = played.folder / "plan.toml"
    shown = command("judge", "preview", plan, "--prompt", "q3", store=tmp_path / "arena.db")
    assert shown.code == 0, shown.err
    assert "question 3" in shown.out
    assert "(here stands the first response)" in shown.out
    battle = command("judge", "preview", plan, "--battle", "1", store=played.store)
    assert "i am " in battle.out
    wrong = command("judge", "preview", plan, "--judge", "jude", store=played.store)
    assert (wrong.code, "Did you mean 'judge'?" in wrong.err) == (2, True)


def test_a_job_that_does_not_run_is_not_drained(played: Played) -> None:
    result = command("jobs", "drain", "1", store=played.store)
    assert (result.code, "job 1 is over: it is done" in result.err) == (1, True)


def test_running_again_asks_nobody(played: Played) -> None:
    again = command("--batch", played.folder / "plan.toml", "--json", store=played.store)
    events = [json.loads(line) for line in again.lines]
    assert again.code == 0
    assert events[-1]["progress"]["calls"] == {}
    assert [event["calls_needed"] for event in events if event["event"] == "preflight"] == [0]


def test_a_missing_extra_is_one_line_that_says_what_to_install(capsys: pytest.CaptureFixture[str]) -> None:
    from arena_tui.cli.running import run
    from engine.errors import MissingExtra

    def needs_torch() -> int:
        raise MissingExtra("the player 'moth'", "train", "torch")

    assert run(needs_torch) == 1
    assert capsys.readouterr().err == (
        "arena-tui: the player 'moth' needs the package torch, which is not installed\n"
        "  pip install 'arena-tui[train]'\n"
    )


def test_a_dry_run_shows_battles_as_they_would_land_and_no_internals(tmp_path: Path) -> None:
    log = write_battles(
        tmp_path / "log.csv", [("ada", "bob", "model_b", "q1", "t"), ("ada", "", "tie", "q1", "t")]
    )
    shown = command("import", "arena", log, "--dry-run", width=100, store=tmp_path / "arena.db")
    assert (shown.code, shown.err) == (0, "")
    assert ["ada", "bob", "model_b", "q1", "t"] in [line.split() for line in shown.lines]
    assert "would be set aside: 1 row" in shown.lines
    assert "games" not in shown.out
    assert not (tmp_path / "arena.db").exists()
    nothing = command(
        "import", "arena", write_battles(tmp_path / "no.csv", [("", "b", "tie", "q", "t")]), "--dry-run"
    )
    assert (nothing.code, "nothing would land" in nothing.out) == (0, True)
    assert "without --dry-run" not in nothing.out


def test_the_overview_of_a_store_without_battles_shows_the_first_steps(tmp_path: Path) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"name": "q1", "text": "why?"}\n')
    assert command("import", "prompts", prompts, store=tmp_path / "arena.db").code == 0
    shown = command(store=tmp_path / "arena.db")
    assert "holds no battles yet" in shown.out
    assert "--batch pocket" in shown.out
    assert "leaderboard" not in shown.out
