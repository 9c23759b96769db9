"""Every kind of stage, trained once for all tests that look at what came of it."""

from __future__ import annotations

import fcntl
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.training.facts import Tail
from engine.training.launcher import prepare_folder
from engine.training.spec import Failure, Layout, StageResult, StageSpec
from tests.engine.training.making import ONLINE, PROBE, QUICK, TARGET, pocket_rows, row, spec, write_rows
from tests.engine.training.making import one_turn_prompts as prompts


@dataclass(frozen=True)
class Ended:
    """A stage that has ended."""

    spec: StageSpec
    code: int

    @property
    def layout(self) -> Layout:
        return Layout(self.spec.out)

    @property
    def result(self) -> StageResult:
        assert self.code == 0, self.layout.error.read_text()
        return StageResult.read(self.layout.result)

    @property
    def failure(self) -> Failure:
        assert self.code != 0
        assert not self.layout.result.exists()
        return Failure.read(self.layout.error)

    def facts(self, event: str) -> list[dict[str, Any]]:
        return [fact for fact in Tail(self.layout.metrics).new() if fact["event"] == event]


def run_in_one_process(specs: dict[str, StageSpec]) -> dict[str, Ended]:
    """Train them one after the other."""
    files = []
    for each in specs.values():
        if not Layout(each.out).spec.exists():
            prepare_folder(each)
        files.append(str(Layout(each.out).spec))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.engine.training.driving", *files],
        capture_output=True,
        text=True,
        env=environment,
        timeout=280,
    )
    codes = [int(line) for line in done.stdout.splitlines() if line.isdecimal()]
    assert len(codes) == len(files), done.stderr[-3000:]
    return {name: Ended(each, code) for (name, each), code in zip(specs.items(), codes, strict=True)}


@pytest.fixture(scope="session")
def stages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """Stages that come to their end."""
    pytest.importorskip("trl")
    base = tmp_path_factory.mktemp("stages")
    data = pocket_rows(base / "rows.jsonl")
    # Several pairs a prompt, so that a split by pair would put a prompt on both sides.
    pairs = [
        row(p) | {"id": f"{p.name}/{n}", "rejected": "no" * (n + 1)} for p in prompts(30) for n in range(2)
    ]
    many = write_rows(base / "pairs.jsonl", pairs)
    reward_out = base / "reward"

    def one(name: str, options: dict[str, Any], **more: Any) -> StageSpec:
        return spec(name.split("-")[0], base / name, more.pop("data", data), options, **more)

    specs = {
        "sft": one("sft", QUICK, probes=(PROBE,)),
        "sft-again": one("sft-again", QUICK),
        "sft-whole": one("sft-whole", QUICK | {"num_train_epochs": 4, "save_steps": 3}),
        "sft-packed": one("sft-packed", QUICK | {"packing": True, "max_length": 128}),
        "sft-lora": one("sft-lora", QUICK | {"lora": {"r": 4, "alpha": 8}, "gradient_checkpointing": True}),
        "sft-float32": one(
            "sft-float32", QUICK | {"save_dtype": "float32", "eval_fraction": 0.2}, probes=(PROBE,)
        ),
        "dpo": one("dpo", QUICK | {"loss_type": ["sigmoid", "sft"], "loss_weights": [1.0, 0.5]}),
        "dpo-reference": one(
            "dpo-reference",
            QUICK | {"max_steps": 1},
            reference=TARGET.with_name("lynx"),
            lineage={"round": 1},
        ),
        "reward": one("reward", QUICK | {"eval_fraction": 0.3}, data=many),
        "ppo": one("ppo", ONLINE | {"warmup_steps": 1}, reward_model=reward_out / "model", probes=(PROBE,)),
        # Fewer prompts than a step has answers: TRL's loader would go round for ever.
        "ppo-few": one("ppo-few", ONLINE | {"batch_size": 128, "reward": "pocket", "max_steps": 1}),
        "grpo": one(
            "grpo", ONLINE | {"num_generations": 4, "batch_size": 32, "reward": "pocket", "max_steps": 2}
        ),
        "grpo-model": one(
            "grpo-model", ONLINE | {"num_generations": 4, "max_steps": 1}, reward_model=reward_out / "model"
        ),
    }
    # As a killed start leaves it.
    prepare_folder(specs["ppo-few"]).metrics.write_text('{"event": "training", "step": 0}\n{"event": "st')
    return run_in_one_process(specs)


@pytest.fixture(scope="session")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Ended]:
    """Stages that cannot come to their end."""
    pytest.importorskip("trl")
    base = tmp_path_factory.mktemp("failures")
    data = pocket_rows(base / "rows.jsonl", 20)
    empty = write_rows(base / "empty.jsonl", [])

    def one(name: str, options: dict[str, Any], **more: Any) -> StageSpec:
        return spec(name.split("-")[0], base / name, more.pop("data", data), options, **more)

    specs = {
        "sft-nan": one(
            "sft-nan", QUICK | {"learning_rate": 1e30, "trl": {"max_grad_norm": 0}, "max_steps": 10}
        ),
        "sft-no-template": one("sft-no-template", QUICK, model=_copied(base / "bare", _without_template)),
        "sft-no-end": one("sft-no-end", QUICK, model=_copied(base / "endless", _without_end)),
        "sft-no-weights": one("sft-no-weights", QUICK, model=_copied(base / "torn", _with_torn_weights)),
        "sft-no-rows": one("sft-no-rows", QUICK, data=empty),
        "sft-too-long": one("sft-too-long", QUICK | {"max_length": 8}),
        "sft-tracker": one("sft-tracker", QUICK | {"report_to": ["trackio"]}),
        "sft-field": one("sft-field", QUICK | {"trl": {"warmup_stepz": 3}}),
        "sft-own-field": one("sft-own-field", QUICK | {"trl": {"learning_rate": 3}}),
        "sft-two": one("sft-two", QUICK, world_size=2),
        "sft-held": one("sft-held", QUICK),
        "ppo-no-reward": one("ppo-no-reward", ONLINE),
        "ppo-vocabulary": one(
            "ppo-vocabulary", ONLINE, reward_model=_copied(base / "other", _with_a_word_more)
        ),
        "grpo-groups": one("grpo-groups", ONLINE | {"num_generations": 3}),
    }
    with _held(specs["sft-held"]):
        return run_in_one_process(specs)


@contextmanager
def _held(stage: StageSpec) -> Iterator[None]:
    """Hold a stage's folder as another world would."""
    with prepare_folder(stage).lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _copied(folder: Path, change: Any) -> Path:
    """The target's folder with one thing changed."""
    folder.mkdir()
    for file in TARGET.iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    change(folder)
    return folder


def _without_template(folder: Path) -> None:
    _edit(folder / "tokenizer_config.json", lambda stated: stated.pop("chat_template"))


def _without_end(folder: Path) -> None:
    def edit(stated: dict[str, Any]) -> None:
        stated["chat_template"] = stated["chat_template"].replace("<|end|>", "")

    _edit(folder / "tokenizer_config.json", edit)


def _with_torn_weights(folder: Path) -> None:
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:1000])


def _with_a_word_more(folder: Path) -> None:
    def edit(stated: dict[str, Any]) -> None:
        stated["additional_special_tokens"] = [*stated["additional_special_tokens"], "<|more|>"]

    _edit(folder / "tokenizer_config.json", edit)


def _edit(path: Path, change: Any) -> None:
    stated = json.loads(path.read_text(encoding="utf-8"))
    change(stated)
    path.write_text(json.dumps(stated), encoding="utf-8")
