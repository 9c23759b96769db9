"""A user's mistakes: one short message, the nearest name, the documented exit code, and never a traceback."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.cli.commanding import Result, command

PLAN = """
[run]
nam = "x"
seed = "one"
[players.a]
kind = "htp"
"""


def assert_told(result: Result, code: int, *parts: str) -> None:
    assert result.code == code, result.err
    assert result.out == ""
    assert result.err.startswith("arena-tui: ")
    assert "Traceback" not in result.err
    for part in parts:
        assert part in result.err


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["leaderbord"], ["no command 'leaderbord'", "Did you mean 'leaderboard'?"]),
        (["leaderboard", "--sed", "1"], ["no such option: --sed", "See: arena-tui leaderboard --help"]),
        (["leaderboard", "--n-resamples", "many"], ["'many' is no whole number"]),
        (["leaderboard", "--n-resamples", "0"], ["0 is less than 40"]),
        (["leaderboard", "--fold-seconds", "nan"], ["'nan' is no number"]),
        (["leaderboard", "--format", "cvs"], ["--format cannot be 'cvs'", "Did you mean 'csv'?"]),
        (["leaderboard", "--over", "users"], ["Known: battles, prompts."]),
        (["leaderboard", "--anchor", "ada=high"], ["'high' is no rating"]),
        (["leaderboard", "--anchor", "ada=inf"], ["'inf' is no rating"]),
        (["leaderboard", "extra"], ["unexpected extra argument"]),
        (["compare", "a"], ["compare takes two models, and got 1"]),
        (["compare", "a", "b", "--fail-if", "upper=0"], ["'upper=0' is no condition"]),
        (["compare", "a", "b", "--fail-if", "uper<0"], ["difference, lower, upper, win_rate"]),
        (["compare"], ["missing argument 'MODEL'"]),
        (["ratings", "agree"], ["missing option '--reference'"]),
        (["ratings", "agree", "--reference", "nowhere.csv"], ["nowhere.csv cannot be read"]),
        (["verdicts", "list", "--state", "done"], ["Known: decided, waiting, void."]),
        (["import", "arena"], ["missing argument 'PATH'"]),
        (["import", "areena", "x.csv"], ["no format 'areena'", "Did you mean 'arena'?"]),
        (
            ["import", "nonsense", "x.csv"],
            ["no format 'nonsense'", "Known: alpaca-eval, arena", "imports formats"],
        ),
        (["import", "arena", "nowhere.csv"], ["nowhere.csv"]),
        (["import", "arena", "nowhere.csv", "--map", "x"], ["--map x is not THEIRS=OURS"]),
        (["import", "arena", "x.csv", "--values", "a=b", "--values", "a=c"], ["says two things of 'a'"]),
        (["import", "arena", "x.csv", "--on-cut", "lose"], ["Known: void, loss, judge."]),
        (["export", "battels"], ["no table 'battels'"]),
        (["export", "battles", "--format", "xml"], ["--format cannot be 'xml'"]),
        (
            ["plan", "show", "pokcet"],
            ["no such file, and no shipped plan of that name", "did you mean 'pocket'?"],
        ),
        (["judge", "templates", "show", "brif"], ["Did you mean 'brief'?"]),
        (["jobs", "show", "one"], ["'one' is no whole number"]),
        (["--limit", "3"], ["--limit goes with --batch PLAN"]),
        (["--dry-run", "leaderboard"], ["--dry-run goes with --batch PLAN"]),
        (["--json", "leaderboard"], ["--json goes behind 'leaderboard'"]),
        (["--batch", "pocket", "leaderboard"], ["two runs"]),
        (["--batch", "pocket", "--stop-after", "soon"], ["--stop-after soon: expected a duration"]),
        (["--batch", "pocket", "--set", "run.sed=1"], ["run.sed", "did you mean 'seed'?"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_usage_is_2(arguments: list[str], parts: list[str], few: Path) -> None:
    assert_told(command(*arguments, store=few), 2, *parts)


def test_a_group_without_a_command_shows_its_help() -> None:
    shown = command("plan")
    assert (shown.code, shown.out) == (2, "")
    assert "Usage: arena-tui plan" in shown.err


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["leaderboard", "--arena", "fwe"], ["no arena 'fwe'", "Did you mean 'few'?"]),
        (["leaderboard", "--judge", "crwod"], ["Did you mean 'crowd'?"]),
        (["leaderboard", "--judge", "crowd", "--judge", "gpt*"], ["no judge 'gpt*'", "Known: crowd."]),
        (["export", "battles", "--judge", "Crowd"], ["no judge 'Crowd'", "Did you mean 'crowd'?"]),
        (["export", "battles", "--arena", "fwe"], ["no arena 'fwe'", "Did you mean 'few'?"]),
        (["leaderboard", "--category", "mth"], ["Did you mean 'math'?"]),
        (["leaderboard", "--anchor", "adda"], ["adda"]),
        (["compare", "ada", "bod"], ["no model 'bod'", "Did you mean 'bob'?"]),
        (["compare", "ada", "ada"], ["compared with itself"]),
        (["compare", "z*", "--baseline", "ada"], ["no model 'z*'"]),
        (["models", "alias", "ada", "adda"], ["no model called 'adda'"]),
        (
            ["verdicts", "list", "--model", "bod"],
            ["no model 'bod'", "Known: ada, bob", "Did you mean 'bob'?"],
        ),
        (["verdicts", "list", "--model", "ada", "--model", "nosuch"], ["no model 'nosuch'"]),
        (["verdicts", "show", "100000"], ["no battle 100000", "verdicts list"]),
        (["jobs", "show", "9"], ["no job 9", "jobs list"]),
        (["jobs", "logs", "9"], ["no job 9", "jobs list"]),
        (["jobs", "pause", "9"], ["no job 9", "jobs list"]),
        (["imports", "undo", "9"], ["no import 9", "imports list"]),
        (["arenas", "rename", "fwe", "x"], ["no arena 'fwe'"]),
        (["arenas", "drop", "few"], ["240 battles of 'few' would be deleted", "add --yes"]),
        (["export", "battles", "--kind", "x"], ["battles cannot be chosen by kind"]),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_names_that_do_not_exist_are_2_with_the_nearest(
    arguments: list[str], parts: list[str], few: Path
) -> None:
    assert_told(command(*arguments, store=few), 2, *parts)


def test_a_bad_plan_tells_all_mistakes_at_once_and_writes_nothing(tmp_path: Path) -> None:
    plan = tmp_path / "bad.toml"
    plan.write_text(PLAN)
    result = command("--batch", plan, "--store", tmp_path / "arena.db")
    assert_told(
        result, 2, "bad.toml:3: run.nam", "did you mean", "bad.toml:4: run.seed", "bad.toml:6: players.a.kind"
    )
    assert list(tmp_path.iterdir()) == [plan]


def test_no_secret_of_a_plan_is_shown(tmp_path: Path) -> None:
    plan = tmp_path / "bad.toml"
    plan.write_text('[players.a]\nkind = "http"\napi_key_env = "sk-aB3dE5fG7hI9jK1lM3nO5pQ7"\n')
    for arguments in (["plan", "check", plan], ["plan", "show", plan], ["--batch", plan]):
        result = command(*arguments, store=tmp_path / "arena.db")
        assert result.code == 2
        assert "sk-aB3dE5" not in result.out + result.err


READERS = (
    ["leaderboard"],
    ["matrix"],
    ["compare", "a", "b"],
    ["verdicts", "list"],
    ["verdicts", "show", "1"],
    ["models", "list"],
    ["arenas", "list"],
    ["imports", "list"],
    ["jobs", "list"],
    ["jobs", "show", "1"],
    ["export", "battles"],
    ["store", "info"],
    ["store", "check"],
    ["store", "verify"],
)


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_no_store_is_1_with_the_first_step(arguments: list[str], tmp_path: Path) -> None:
    store = tmp_path / "none.db"
    assert_told(command(*arguments, store=store), 1, f"no store at {store}", "arena-tui --batch pocket")
    assert not store.exists()


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
def test_another_programs_file_is_1_and_stays_as_it_was(arguments: list[str], tmp_path: Path) -> None:
    text, database = tmp_path / "notes.txt", tmp_path / "other.db"
    text.write_text("dear diary" * 100)
    connection = sqlite3.connect(database)
    connection.execute("CREATE TABLE t (x)")
    connection.close()
    for path in (text, database):
        before = path.read_bytes()
        assert_told(command(*arguments, store=path), 1, "is not an arena-tui store", "It was not changed.")
        assert path.read_bytes() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ["import", "arena", "x" * 5000],
        ["store", "backup", "x" * 5000],
        ["leaderboard", "--store", "x" * 5000],
    ],
)
def test_a_name_that_no_file_can_have_is_2(arguments: list[str], few: Path) -> None:
    told = command(*arguments, store=few)
    assert_told(told, 2, "there can be no file 'xxx", "Give another name.")
    assert "more characters)" in told.err
    assert len(told.err) < 4000


def test_a_folder_is_no_store(tmp_path: Path) -> None:
    assert_told(command("leaderboard", store=tmp_path), 1, "is a folder", "--store FILE")


def test_an_empty_store_says_how_to_start(tmp_path: Path) -> None:
    log = tmp_path / "p.jsonl"
    log.write_text('{"id": "q1", "prompt": "hello"}\n')
    store = tmp_path / "arena.db"
    assert command("import", "prompts", log, store=store).code == 0
    assert_told(command("leaderboard", store=store), 2, "no arena yet", "arena-tui --batch pocket")
    for arguments in (["jobs", "list"], ["models", "list"], ["arenas", "list"]):
        shown = command(*arguments, store=store)
        assert (shown.code, shown.err) == (0, "")
        assert "yet" in shown.out


def test_a_forgotten_format_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log.csv"
    log.write_text("x")
    for paths in ([log], [log, log]):
        assert_told(
            command("import", *paths), 2, f"import needs a format before {log}", "arena-tui import arena"
        )


def test_a_bug_is_1_and_shows_its_traceback_inert(capsys: pytest.CaptureFixture[str]) -> None:
    from arena_tui.cli.running import run

    def broken() -> int:
        raise ZeroDivisionError("\x1b]0;title\x07")

    assert run(broken) == 1
    err = capsys.readouterr().err
    assert err.startswith("Traceback")
    assert err.endswith("ZeroDivisionError: ␛]0;title␇\n")


def test_a_leaderboard_without_ratings_names_the_option_of_that_file(tmp_path: Path) -> None:
    good, bad = tmp_path / "good.csv", tmp_path / "bad.csv"
    good.write_text("model,rating\na,1000\nb,900\n")
    bad.write_text("model,points\na,1000\nb,900\n")
    for first, second, option in ((good, bad, "--reference-columns"), (bad, good, "--columns")):
        files = ["ratings", "agree", "--ratings", first, "--reference", second]
        assert_told(command(*files), 2, f"no column of {bad} is the rating", f"with {option} rating=THEIRS")
        assert command(*files, option, "rating=points").code == 0
