"""The user's own trainer as a stage."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from engine.errors import UserError
from engine.players.transformers.checkpoint import weights_hash
from engine.training.external import words
from engine.training.launcher import run_stage
from engine.training.running import NoRows, Stopped
from engine.training.spec import Layout
from tests.engine.training.making import TARGET, pocket_rows, spec, write_rows

TRAINER = """
import json, os, shutil, sys
import engine  # a module of the user's own, beside the script: never ours
model, out, seed, *data = sys.argv[1:]
shutil.copytree(model, out)
config = json.load(open(out + "/config.json"))
json.dump(config | {"trained": [engine.NAME, seed, len(data)]}, open(out + "/config.json", "w"))
with open(os.environ["ARENA_TUI_METRICS"], "a") as file:
    file.write(json.dumps({"event": "step", "step": 7, "of": 7, "loss": 0.5, "own": 2}) + "\\n")
"""


def _trainer(folder: Path, script: str = TRAINER) -> str:
    (folder / "engine.py").write_text("NAME = 'theirs'\n")
    (folder / "a trainer.py").write_text(script)
    return f"'{sys.executable}' '{folder / 'a trainer.py'}' {{model}} {{out}} {{seed}} {{data}}"


def test_a_command_leaves_a_model_with_the_same_lineage(tmp_path: Path) -> None:
    data = pocket_rows(tmp_path / "rows.jsonl", 5)
    given = spec("external", tmp_path / "out", data, {"command": _trainer(tmp_path)})
    facts: list[dict[str, Any]] = []
    result = run_stage(given, on_fact=facts.append)
    assert result.content_hash == weights_hash(Layout(given.out).model) != weights_hash(TARGET)
    assert '"theirs", "5", 1' in (Layout(given.out).model / "config.json").read_text()
    assert result.steps == 7
    assert result.metrics == {"loss": 0.5, "own": 2}
    assert result.rows == 5
    assert "step" in [fact["event"] for fact in facts]


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("raise SystemExit(7)", "ended with 7"),
        ("", "there is no folder"),
        ("import os, sys; os.mkdir(sys.argv[2])", "is no model"),
    ],
)
def test_a_command_that_leaves_no_model_is_a_failure(tmp_path: Path, script: str, said: str) -> None:
    data = pocket_rows(tmp_path / "rows.jsonl", 1)
    given = spec("external", tmp_path / "out", data, {"command": _trainer(tmp_path, script)})
    with pytest.raises(UserError, match=said):
        run_stage(given)
    assert not Layout(given.out).model.exists()


def test_a_command_is_stopped_on_request(tmp_path: Path) -> None:
    data = pocket_rows(tmp_path / "rows.jsonl", 1)
    command = _trainer(tmp_path, "import time; time.sleep(600)")
    given = spec("external", tmp_path / "out", data, {"command": command})
    with pytest.raises(Stopped):
        run_stage(given, request=lambda: "stop")


def test_without_rows_it_is_not_started(tmp_path: Path) -> None:
    empty = write_rows(tmp_path / "rows.jsonl", [])
    given = spec("external", tmp_path / "out", empty, {"command": "no-such-command"})
    with pytest.raises(NoRows):
        run_stage(given)


def test_files_are_a_word_each_and_paths_with_spaces_stay_whole(tmp_path: Path) -> None:
    given = spec("external", tmp_path, Path("/a b/x.jsonl"), {}).model_copy(
        update={"data": (Path("/a b/x.jsonl"), Path("/y.jsonl")), "name": "spring/SFT-I1"}
    )
    assert words("train --data {data} --to={out}/{name} '{seed} x'", given, Path("/o p")) == [
        "train",
        "--data",
        "/a b/x.jsonl",
        "/y.jsonl",
        "--to=/o p/spring/SFT-I1",
        "5 x",
    ]


@pytest.mark.parametrize("template", ["train {modell}", "train 'open", "train {0}", "train {model"])
def test_a_command_that_cannot_be_read_is_told_with_what_is_known(tmp_path: Path, template: str) -> None:
    given = spec("external", tmp_path, tmp_path / "rows.jsonl", {})
    with pytest.raises(UserError, match="cannot be read") as error:
        words(template, given, tmp_path)
    assert "{reward_model}" in error.value.mend
