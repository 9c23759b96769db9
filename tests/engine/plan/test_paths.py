"""Relative paths: of a file from its folder, of --set from where the command is run."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.plan import read_plan
from tests.engine.plan.writing import PLAN, line_of, mistakes, write


@pytest.fixture
def plans(tmp_path: Path) -> Path:
    """A folder of plans with what they may name."""
    folder = tmp_path / "plans"
    for part in ("models/llama", "judge"):
        (folder / part).mkdir(parents=True)
    for file in ("prompts.jsonl", "rubric.toml"):
        (folder / file).touch()
    return folder


TEXT = PLAN.replace('set = "pocket:test"', 'file = "prompts.jsonl"').replace(
    'kind = "recorded"', 'kind = "transformers"\nmodel = "models/llama"'
)


def test_a_file_names_what_is_beside_it(plans: Path) -> None:
    plan = read_plan(write(plans, TEXT), ["run.mirror=m"], options=False).plan
    assert plan.prompts.file == str(plans / "prompts.jsonl")
    assert plan.players["qwen"].model == str(plans / "models/llama")
    assert plan.players["llama"].model == "llama-3", "a served model's name is no path"


def test_set_names_what_is_here(plans: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.jsonl").touch()
    plan = read_plan(write(plans, TEXT), ["prompts.file=mine.jsonl", "run.mirror=copies"], options=False).plan
    assert plan.prompts.file == str(tmp_path / "mine.jsonl")
    assert plan.run.mirror == str(tmp_path / "copies")


def test_home_is_understood(plans: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(plans))
    text = TEXT.replace("models/llama", "~/models/llama").replace('"prompts.jsonl"', '"~/prompts.jsonl"')
    plan = read_plan(write(plans, text), options=False).plan
    assert plan.players["qwen"].model == str(plans / "models/llama")


@pytest.mark.parametrize("model", ["org/name", "store:spring/SFT-I1", "pocket:moth", "gpt2"])
def test_names_stay_names(plans: Path, model: str) -> None:
    plan = read_plan(write(plans, TEXT.replace("models/llama", model)), options=False).plan
    assert plan.players["qwen"].model == model


def test_files_of_endpoints_templates_and_tokenizers(plans: Path) -> None:
    text = TEXT.replace('["http://localhost:8000/v1"]', '"@hosts"').replace(
        'kind = "checker"',
        'kind = "llm"\nmodel = "m"\nendpoints = ["@a/b", "http://h/v1"]\ntokenizer = "judge"\n'
        'template = "rubric.toml"\n',
    )
    plan = read_plan(write(plans, text), options=False).plan
    judge = plan.judges["scorer"]
    assert plan.players["llama"].endpoints == (f"@{plans / 'hosts'}",)
    assert judge.endpoints == (f"@{plans / 'a/b'}", "http://h/v1")
    assert (judge.tokenizer, judge.template) == (str(plans / "judge"), str(plans / "rubric.toml"))
    named = read_plan(write(plans, text.replace("rubric.toml", "brief")), options=False).plan
    assert named.judges["scorer"].template == "brief"


@pytest.mark.parametrize(
    ("old", "new", "key", "words"),
    [
        ("prompts.jsonl", "promts.jsonl", "prompts.file", "no such file: "),
        ("prompts.jsonl", "judge", "prompts.file", "is a folder"),
        ("prompts.jsonl", "a\\u0000b", "prompts.file", "no such file"),
        ("prompts.jsonl", "x" * 300, "prompts.file", "no such file"),
        ("prompts.jsonl", "~nobody-of-that-name/x", "prompts.file", "no such file"),
        ("models/llama", "./models/lama", "players.qwen.model", "no such file"),
        ("models/llama", "/no/such/model", "players.qwen.model", "no such file"),
        (
            'kind = "checker"',
            'kind = "llm"\nmodel = "m"\ntemplate = "./r.toml"',
            "judges.scorer.template",
            "no such",
        ),
    ],
)
def test_what_is_not_there_is_told_at_its_line(plans: Path, old: str, new: str, key: str, words: str) -> None:
    text = TEXT.replace(old, new)
    found = {problem.key: problem for problem in mistakes(plans, text)}
    assert words in found[key].message
    assert found[key].line == line_of(
        text, f'= "{new}' if "\n" not in new else new.partition("\n")[2].partition("\n")[2]
    )
