"""From a name or a path to a plan: what cannot be read, and what can."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PlanError, Problem
from engine.plan import read_plan, read_plan_text
from engine.records import OnCut, OutcomeRule
from tests.engine.plan.writing import PLAN, line_of, read, write


def only_problem(path: str | Path) -> Problem:
    with pytest.raises(PlanError) as raised:
        read_plan(path, options=False)
    assert raised.value.exit_code == 2
    (problem,) = raised.value.problems
    return problem


def test_a_plan_with_its_defaults(tmp_path: Path) -> None:
    plan = read(tmp_path).plan
    run = plan.run
    assert (run.name, run.arena, run.seed, run.mode, run.samples) == ("spring", "spring", 0, "round-robin", 1)
    assert (run.outcome_rule, run.on_cut, run.target, run.opponents) == (
        OutcomeRule.MEAN_MARGIN,
        OnCut.VOID,
        None,
        (),
    )
    assert (plan.ratings.n_resamples, plan.ratings.over, plan.ratings.anchor) == (100, "battles", None)
    assert (plan.judges["scorer"].games, plan.judges["scorer"].tries) == (None, 3)
    assert plan.players["llama"].endpoints == ("http://localhost:8000/v1",)
    assert plan.fighters == ("llama", "qwen")


def test_everything_is_typed(tmp_path: Path) -> None:
    text = """
    [run]
    seed = 7
    mode = "iii"
    target = "b"
    outcome_rule = "strict"
    on_cut = "loss"
    stop_after = "3h50m"
    max_cost = 3
    [prompts]
    set = "x"
    categories = ["math"]
    [players.a]
    kind = "http"
    model = "m"
    endpoints = "http://h/v1"
    sampling = { temperature = 1, stop = ["x"], extra = { min_p = 0.1 } }
    options.concurrency = 4
    [players.b]
    kind = "transformers"
    model = "pocket:b"
    sampling.temperature = 0
    [players.c]
    kind = "recorded"
    [judges.j]
    kind = "llm"
    model = "m"
    endpoints = ["http://h/v1", "http://g/v1"]
    sampling.seed = -1
    [ratings]
    anchor = { model = "a", rating = 1100 }
    """
    plan = read(tmp_path, text).plan
    assert plan.run.stop_after == 13_800
    assert plan.run.max_cost == 3.0
    assert plan.run.outcome_rule is OutcomeRule.STRICT
    assert plan.run.on_cut is OnCut.LOSS
    assert plan.fighters == ("b", "a", "c")
    assert plan.prompts.categories == ("math",)
    sampling = plan.players["a"].sampling.to_sampling()
    assert (sampling.temperature, sampling.stop, dict(sampling.extra)) == (1.0, ("x",), {"min_p": 0.1})
    assert plan.players["a"].options == {"concurrency": 4}
    assert plan.ratings.anchor is not None
    assert (plan.ratings.anchor.model, plan.ratings.anchor.rating) == ("a", 1100.0)


def test_seeds_follow_the_run(tmp_path: Path) -> None:
    text = PLAN.replace("[run]", "[run]\nseed = 5") + '[judges.j]\nkind = "llm"\nmodel = "m"\n'
    plan = read(tmp_path, text).plan
    assert plan.players["llama"].sampling.seed == 5
    assert plan.judges["j"].sampling.seed == 5
    assert plan.players["qwen"].sampling.seed is None, "recorded responses are not sampled"
    assert plan.judges["scorer"].sampling.seed is None
    greedy = read(tmp_path, text, "players.llama.sampling.temperature=0").plan
    assert greedy.players["llama"].sampling.seed is None
    unseeded = read(tmp_path, text, "players.llama.sampling.seed=-1").plan
    assert unseeded.players["llama"].sampling.to_sampling().seed is None
    own = read(tmp_path, text, "players.llama.sampling.seed=9").plan
    assert own.players["llama"].sampling.to_sampling().seed == 9


@pytest.mark.parametrize(
    ("file", "name"),
    [("my plan (2).toml", "my-plan--2-"), ("--x.toml", "x"), ("....toml", "run"), ("été.toml", "été")],
)
def test_without_a_name_the_file_gives_one(tmp_path: Path, file: str, name: str) -> None:
    path = write(tmp_path, PLAN.replace('name = "spring"', ""), file)
    assert read_plan(path, options=False).plan.run.name == name


def test_a_plan_without_a_run_table(tmp_path: Path) -> None:
    text = PLAN.replace('[run]\nname = "spring"\n', "")
    assert read(tmp_path, text).plan.run.arena == "spring"


def test_windows_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    content = ("\ufeff" + PLAN.replace("\n", "\r\n")).encode()
    effective = read_plan(write(tmp_path, content), options=False)
    assert effective.problem(("prompts", "set"), "?").line == line_of(PLAN, "set =")


def test_a_text_that_is_no_file() -> None:
    effective = read_plan_text(PLAN, source="job 7", options=False)
    assert effective.plan.run.name == "spring"
    assert (
        str(effective.problem(("prompts", "set"), "has no such set"))
        == "job 7:5: prompts.set: has no such set"
    )


def test_a_missing_file_tells_the_nearest(tmp_path: Path) -> None:
    write(tmp_path)
    problem = only_problem(tmp_path / "sprng.toml")
    assert "no such file" in problem.message
    assert problem.nearest == "spring.toml"
    assert only_problem(tmp_path / "no" / "folder.toml").message.startswith("there is no such file")


def test_a_folder(tmp_path: Path) -> None:
    assert "is a folder" in only_problem(tmp_path).message


@pytest.mark.parametrize("content", ["", "\n \t\n", "\ufeff"])
def test_an_empty_file(tmp_path: Path, content: str) -> None:
    assert "is empty" in only_problem(write(tmp_path, content)).message


def test_only_comments_lack_everything(tmp_path: Path) -> None:
    with pytest.raises(PlanError) as raised:
        read(tmp_path, "# to do\n")
    assert {problem.key for problem in raised.value.problems} == {"prompts", "players", "judges"}


@pytest.mark.parametrize(
    ("content", "words"), [(b'[run]\nname = "\xe9"\n', "not UTF-8"), (PLAN.encode("utf-16"), "UTF-16")]
)
def test_other_encodings(tmp_path: Path, content: bytes, words: str) -> None:
    problem = only_problem(write(tmp_path, content))
    assert words in problem.message
    assert "save it as UTF-8" in problem.message


def test_the_line_of_a_byte_that_is_no_utf8(tmp_path: Path) -> None:
    assert only_problem(write(tmp_path, b"[run]\n\nname = '\xff'\n")).line == 3


def test_a_path_through_a_file(tmp_path: Path) -> None:
    assert "cannot be read: Not a directory" in only_problem(write(tmp_path) / "plan.toml").message


@pytest.mark.parametrize("name", ["x" * 5000, "a\0b"])
def test_a_name_that_no_file_can_have(name: str) -> None:
    assert "cannot be read" in only_problem(name).message


def test_a_file_without_an_end() -> None:
    assert "larger than" in only_problem("/dev/zero").message


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("[run]\nseed = \n", 2, "column 8"),
        ("[run]\nseed 3\n", 2, "column 6"),
        ('[run]\n\nname = "x\n', 3, "column"),
        ("[run]\nseed = 1\nseed = 2\n", 3, "overwrite"),
        ("[run]\n[run]\n", 2, "twice"),
        ("[run]\nopponents = [\n", 2, "end of the file"),
        ("[run]\nx = " + "[" * 5000, None, "nested too deeply"),
        ("a" + ".a" * 50_000 + " = 1", None, "nested too deeply"),
        ("[" + "'a' . " * 20_000 + '"b"]\nx = 1', None, "nested too deeply"),
        ("x = {" + "a." * 20_000 + "a = 1}", None, "nested too deeply"),
        ("[run]\nx = " + "9" * 5000, None, "too many digits"),
    ],
)
def test_toml_errors_with_line_and_column(tmp_path: Path, text: str, line: int | None, words: str) -> None:
    problem = only_problem(write(tmp_path, text))
    assert problem.line == line
    assert words in problem.message
