"""Templates: shipped ones, own files, and errors that name file and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.errors import PlanError, UsageError
from engine.judges.special import shipped_tokens
from engine.judges.template import load_template, read_template, shipped_templates
from engine.records import VerdictKind

SHIPPED = Path(__file__).parents[3] / "data/judges"


def arena_learning() -> str:
    return (SHIPPED / "arena-learning.toml").read_text(encoding="utf-8")


def problems(text: str) -> dict[str, str]:
    with pytest.raises(PlanError) as caught:
        read_template(text, "mine.toml")
    assert "mine.toml" in caught.value.title
    assert {problem.source for problem in caught.value.problems} == {"mine.toml"}
    return {
        problem.key: f"{problem.message} {problem.nearest or ''}".strip() for problem in caught.value.problems
    }


@pytest.mark.parametrize(
    ("name", "version", "digest"),
    [
        ("arena-learning", 1, "3eeb64f3f4af775dde0d69f28f9b03ba"),
        ("brief", 1, "ba8927c7c3ee728d593ebf1bd9a3b807"),
    ],
)
def test_shipped_templates_are_fixed(name: str, version: int, digest: str) -> None:
    """Words that change make other verdicts: then the version goes up, and this hash with it."""
    template = load_template(name)
    assert (template.name, template.version, template.hash) == (name, version, digest)
    assert template.kind is VerdictKind.SCORES


def test_all_shipped_templates_are_listed_and_hold_no_special_token() -> None:
    assert shipped_templates() == ("arena-learning", "brief")
    for name in shipped_templates():
        text = (SHIPPED / f"{name}.toml").read_text(encoding="utf-8")
        assert shipped_tokens().break_up(text) == (text, 0)


def test_a_file_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(arena_learning().replace("impartial", "strict"), encoding="utf-8")
    mine = load_template("mine.toml", tmp_path)
    assert mine.hash != load_template("arena-learning").hash
    assert load_template(str(tmp_path / "mine.toml")).hash == mine.hash


def test_names_and_comments_are_no_part_of_the_hash() -> None:
    renamed = re.sub(r"version = 1", "version = 7", arena_learning()).replace('"arena-learning"', '"other"')
    assert read_template(f"# a comment\n{renamed}", "f").hash == load_template("arena-learning").hash


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="no judge template 'arena_learning'") as caught:
        load_template("arena_learning")
    assert "Did you mean 'arena-learning'?" in str(caught.value)
    assert "brief" in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=re.escape(str(tmp_path / "none.toml"))):
        load_template("none.toml", tmp_path)


def test_a_file_that_is_no_text(tmp_path: Path) -> None:
    (tmp_path / "latin.toml").write_bytes(b'name = "\xe9"')
    with pytest.raises(PlanError, match="latin"):
        load_template("latin.toml", tmp_path)


def test_broken_toml_says_where() -> None:
    (message,) = problems('name = "a\n').values()
    assert "line 1" in message


def test_all_problems_come_at_once() -> None:
    text = (
        arena_learning()
        .replace("version = 1", 'version = "one"')
        .replace('kind = "scores"', 'kind = "score"')
        .replace("rubric = ", "rubrik = ")
        .replace('second = "SECOND RESPONSE"', 'second = "FIRST RESPONSE"')
        .replace("of their fences is {nonce}", "of their fences is secret")
        .replace("The conversation that both assistants were given:", "Fenced by {nonce}:")
    )
    found = problems(text)
    assert found["version"] == "expected a whole number"
    assert "expected one of scores" in found["kind"]
    assert found["text.rubric"] == "is missing"
    assert found["text.rubrik"] == "is not known rubric"
    assert found["labels.second"] == "is the same as labels.first"
    assert found["text.responses"] == "has to hold {nonce}"
    assert found["text.prompt"] == "{nonce} has no meaning here; allowed: none"
    assert len(found) == 7


@pytest.mark.parametrize(
    ("old", "new", "key"),
    [
        ("[labels]", "[lables]", "labels"),
        ('user = "USER"', "user = 7", "labels.user"),
        ('user = "USER"', 'user = "US\\nER"', "labels.user"),
        ('user = "USER"', 'user = ""', "labels.user"),
        ('turn = "TURN {turn}"', 'turn = "TURN"', "labels.turn"),
        ('name = "arena-learning"', "name = 1", "name"),
        ('name = "arena-learning"', "", "name"),
    ],
)
def test_each_problem_names_its_key(old: str, new: str, key: str) -> None:
    assert key in problems(arena_learning().replace(old, new))


@pytest.mark.parametrize("text", ["", "text = 1\nlabels = 2", 'kind = ["scores"]', "kind = {}"])
def test_what_is_no_template_at_all(text: str) -> None:
    assert {"name", "version"} <= problems(text).keys()


@pytest.mark.parametrize("text", ["x = " + "[" * 5000, "x = " + "9" * 5000, "x = {" * 2000])
def test_a_file_that_no_reader_can_take_is_a_mistake_and_no_bug(text: str) -> None:
    with pytest.raises(PlanError, match=r"the judge template mine\.toml cannot be used"):
        read_template(text, "mine.toml")
