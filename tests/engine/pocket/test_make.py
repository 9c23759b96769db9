"""The shipped models answer as they should, and making a world is repeatable."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.pocket import world
from engine.pocket.ladders import CATEGORIES

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def right() -> dict[str, dict[str, float]]:
    """Part of right answers to the shipped prompts, by player and category."""
    make = pytest.importorskip("engine.pocket.make")
    transformers = pytest.importorskip("transformers")
    models = {
        name: transformers.AutoModelForCausalLM.from_pretrained(world.model_path(name), dtype="float32")
        for name in world.PLAYERS
    }
    return {name: make.accuracies(model, world.read_prompts()) for name, model in models.items()}


def test_the_target_is_weak_but_not_hopeless(right: dict[str, dict[str, float]]) -> None:
    assert 0.05 < right[world.TARGET]["all"] < 0.5


def test_every_opponent_is_best_somewhere(right: dict[str, dict[str, float]]) -> None:
    best = {max(world.PLAYERS, key=lambda name: right[name][category]) for category in CATEGORIES}
    assert best >= set(world.OPPONENTS)


def test_the_target_has_something_to_learn_everywhere(right: dict[str, dict[str, float]]) -> None:
    for category in CATEGORIES:
        assert max(right[name][category] for name in world.OPPONENTS) > right[world.TARGET][category] + 0.3


def test_a_short_world_made_twice_is_the_same(tmp_path: Path) -> None:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
    folders = [tmp_path / "one", tmp_path / "two"]
    processes = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "engine.pocket.make",
                "--steps",
                "50",
                "--jobs",
                "1",
                "--out",
                str(folder),
            ],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        for folder in folders
    ]
    for process in processes:
        output, _ = process.communicate(timeout=240)
        assert process.returncode == 0, output.decode()
    first, second = (_contents(folder) for folder in folders)
    assert first == second
    world.verify(folders[0])
    assert len({content for name, content in first.items() if name.endswith("model.safetensors")}) == 4


def _contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
