"""Plug-ins check their own options; what they say stands at the plan's lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.errors import PlanError, Problem
from engine.plan import check_options, read_plan
from tests.engine.plan.packages import install
from tests.engine.plan.writing import PLAN, line_of, read, write

ODD = """
from pydantic import BaseModel, Field, field_validator

class Inner(BaseModel, extra="forbid"):
    size: int = 1

class OddOptions(BaseModel, extra="forbid"):
    concurrency: int = Field(4, ge=1, description="Requests at once.")
    path: str = Field(description="Where it is.")
    inner: Inner = Inner()

    @field_validator("path")
    @classmethod
    def check(cls, value):
        if value == "bad":
            raise ValueError("is bad")
        if value == "worse":
            raise KeyError("sk-CANARYcanary0123456789")
        return value

class Odd:
    Options = OddOptions
    @classmethod
    def from_plan(cls, name, spec): return cls()

class Plain:
    @classmethod
    def from_plan(cls, name, spec): return cls()
"""


@pytest.fixture(autouse=True)
def packages(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path_factory.mktemp("packages")
    targets = {"odd": "odd_one:Odd", "plain": "odd_one:Plain", "broken": "broken_one:X"}
    install(folder, "stranger", {"arena_tui.players": targets}, {"odd_one": ODD, "broken_one": "1 / 0"})
    monkeypatch.syspath_prepend(folder)


def with_options(options: str, kind: str = "odd") -> str:
    return PLAN.replace('kind = "recorded"', f'kind = "{kind}"\n{options}')


def mistakes(folder: Path, text: str) -> dict[str, Problem]:
    with pytest.raises(PlanError) as raised:
        read_plan(write(folder, text))
    return {problem.key: problem for problem in raised.value.problems}


def test_good_options_pass(tmp_path: Path) -> None:
    text = with_options('options = { concurrency = 8, path = "x", inner = { size = 2 } }')
    assert read_plan(write(tmp_path, text)).plan.players["qwen"].options["concurrency"] == 8
    assert check_options(read(tmp_path, text)) == ()
    read_plan(write(tmp_path, with_options("", "plain")))


@pytest.mark.parametrize(
    ("options", "key", "words", "nearest"),
    [
        ("concurency = 2", "concurency", "unknown key", "concurrency"),
        ('concurrency = "y"', "concurrency", "an integer, found a string", None),
        ("concurrency = 0", "concurrency", "at least 1", None),
        ("inner.siz = 1", "inner.siz", "unknown key", None),
        ('path = "bad"', "path", "is bad", None),
    ],
)
def test_mistakes_stand_at_their_lines(
    tmp_path: Path, options: str, key: str, words: str, nearest: str | None
) -> None:
    more = "" if "path" in options else 'path = "x"'
    text = with_options(f"[players.qwen.options]\n{more}\n{options}")
    (problem,) = mistakes(tmp_path, text).values()
    assert problem.key == f"players.qwen.options.{key}"
    assert words in problem.message
    assert problem.nearest == nearest
    assert problem.line == line_of(text, options)


def test_a_missing_option_says_what_it_is_for(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, with_options("")).values()
    assert (problem.key, problem.message) == ("players.qwen.options.path", "is missing: Where it is.")


def test_they_come_together_with_the_mistakes_of_the_plan(tmp_path: Path) -> None:
    found = mistakes(tmp_path, with_options("options.path = 3\nrevison = 1"))
    assert set(found) == {"players.qwen.options.path", "players.qwen.revison"}


def test_a_kind_that_takes_none(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, with_options("options.x = 1", "plain")).values()
    assert (problem.key, problem.message) == ("players.qwen.options", "the player 'plain' takes no options")


def test_an_unknown_kind_tells_the_known_and_the_nearest(tmp_path: Path) -> None:
    text = PLAN.replace('"checker"', '"chekcer"').replace('"recorded"', '"recordd"')
    found = mistakes(tmp_path, text)
    assert found["judges.scorer.kind"].nearest == "checker"
    assert found["players.qwen.kind"].nearest == "recorded"
    assert "http" in found["players.qwen.kind"].message
    assert found["players.qwen.kind"].line == line_of(text, '"recordd"')


def test_a_broken_plugin_is_a_problem_of_the_plan_that_names_it(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, with_options("", "broken")).values()
    assert problem.key == "players.qwen.kind"
    assert "package stranger 1.0 is broken" in problem.message
    assert "ZeroDivisionError" in problem.message


def test_a_plugin_that_fails_to_check_is_named_and_its_text_is_not_shown(tmp_path: Path) -> None:
    (problem,) = mistakes(tmp_path, with_options('options.path = "worse"')).values()
    assert "'odd' failed to check them: KeyError" in problem.message
    assert "CANARY" not in str(problem)


def test_an_unknown_kind_of_stage(tmp_path: Path) -> None:
    stage = '[flywheel]\nbase = "x"\n[[flywheel.stage]]\nkind = "rewrad"\n'
    more = '[players.c]\nkind = "recorded"\n[players.d]\nkind = "recorded"\n'
    (problem,) = mistakes(tmp_path, PLAN + more + stage).values()
    assert (problem.key, problem.nearest) == ("flywheel.stage[0].kind", "reward")


def test_our_own_options_are_checked(tmp_path: Path) -> None:
    text = PLAN.replace('model = "llama-3"', 'model = "llama-3"\noptions.concurrencyy = 3')
    (problem,) = mistakes(tmp_path, text).values()
    assert (problem.key, problem.nearest) == ("players.llama.options.concurrencyy", "concurrency")
