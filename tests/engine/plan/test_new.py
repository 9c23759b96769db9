"""`plan new` writes a plan that reads back, and whose comments hold what they promise."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from engine.errors import PlanError, UsageError
from engine.plan import PlanKey, ServedModel, new_plan, plan_keys, read_plan
from engine.plan.kinds import is_idle
from tests.engine.plan.writing import write

LLAMA = ServedModel("llama", "meta/llama-3", ("http://localhost:8000/v1",))
QWEN = ServedModel("qwen 2", "qwen-2", ("http://a/v1", "http://b/v1"), "QWEN_KEY")
JUDGE = ServedModel("judge", "big", ("http://localhost:9000/v1",))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "prompts.jsonl").touch()
    (tmp_path / "my-prompts").touch()
    return tmp_path


def text() -> str:
    return new_plan([LLAMA, QWEN], "prompts.jsonl", JUDGE)


def test_it_reads_back(folder: Path) -> None:
    plan = read_plan(write(folder, text())).plan
    assert list(plan.players) == ["llama", "qwen 2"]
    assert plan.players["qwen 2"].endpoints == QWEN.endpoints
    assert plan.players["qwen 2"].api_key_env == "QWEN_KEY"
    assert plan.prompts.file == str(folder / "prompts.jsonl")
    assert (plan.judges["judge"].kind, plan.judges["judge"].model) == ("llm", "big")
    assert plan.run.name == "spring"


def is_shown(key: PlanKey) -> bool:
    """Whether `plan new` offers a key: one that this version acts on, for the kinds that it writes."""
    section, kind = key.pattern[0], {"players": "http", "judges": "llm"}.get(key.pattern[0])
    apart = section in ("flywheel", "cluster") or key.pattern[:2] == ("ratings", "anchor")
    hidden = key.is_table or key.name in ("serve", "options") or is_idle(section, kind, key.name)
    return not (apart or hidden or (section, key.name) == ("judges", "python"))


@pytest.mark.parametrize("key", [*filter(is_shown, plan_keys())], ids=str)
def test_every_key_is_there_with_its_description(key: PlanKey) -> None:
    name = ".".join(key.pattern).split("NAME.")[-1].removeprefix(f"{key.pattern[0]}.")
    assert re.search(rf"^(# )?{re.escape(name)} = ", text(), re.MULTILINE)
    words = " ".join(line.removeprefix("# ") for line in text().splitlines())
    assert key.description in words


def test_what_is_given_cannot_break_out_of_its_place(folder: Path) -> None:
    odd = ServedModel('a"b\nc = 1', 'm"\n[run]\n', ("http://a/v1",))
    with pytest.raises(PlanError) as raised:
        read_plan(write(folder, new_plan([odd, QWEN], "prompts.jsonl", JUDGE)))
    assert [problem.message for problem in raised.value.problems] == [
        "expected a name of printable letters, without spaces at its ends"
    ]


def test_options_of_the_plugins_are_there() -> None:
    assert "# options.concurrency = 32  # default" in text()
    assert '# anchor = "llama"  # for example' in text()


def test_every_default_and_example_can_be_taken_in(folder: Path) -> None:
    """Each commented key alone; a set excludes the file, a target needs its mode."""
    lines = text().splitlines()
    commented = [number for number, line in enumerate(lines) if re.match(r"# [\w.]+ = ", line)]
    assert len(commented) > 40
    for number in commented:
        taken = lines[number].removeprefix("# ")
        changed = [*lines[:number], taken, *lines[number + 1 :]]
        sets = {"set": ["prompts.file="], "target": ["run.mode=i"], "opponents": ["run.mode=i"]}
        read_plan(write(folder, "\n".join(changed)), sets.get(taken.split()[0], []))


@pytest.mark.parametrize("players", [[], [LLAMA], [LLAMA, LLAMA], [LLAMA, QWEN, LLAMA]])
def test_it_takes_two_players_of_different_names(players: list[ServedModel]) -> None:
    with pytest.raises(UsageError, match="two players or more"):
        new_plan(players, "prompts.jsonl", JUDGE)


@pytest.mark.parametrize(
    ("given", "served"),
    [
        ("llama=meta/llama-3@http://localhost:8000/v1", LLAMA),
        (
            "meta/llama-3@http://localhost:8000/v1",
            ServedModel("llama-3", "meta/llama-3", ("http://localhost:8000/v1",)),
        ),
        ("x=a@b@http://a/v1,https://b/v1", ServedModel("x", "a@b", ("http://a/v1", "https://b/v1"))),
    ],
)
def test_served_models_on_the_command_line(given: str, served: ServedModel) -> None:
    assert ServedModel.parse(given) == served


@pytest.mark.parametrize(
    "given",
    ["", "llama", "http://localhost/v1", "llama@localhost", "a=b=c@http://h", "a=m@http://u:CANARY@h/v1"],
)
def test_what_is_no_served_model(given: str) -> None:
    with pytest.raises(UsageError) as raised:
        ServedModel.parse(given)
    assert "CANARY" not in str(raised.value)


def test_a_taken_in_mistake_is_still_one(folder: Path) -> None:
    with pytest.raises(PlanError):
        read_plan(write(folder, text().replace("# seed = 0", "seed = -1")))
