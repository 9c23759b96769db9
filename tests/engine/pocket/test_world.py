"""The world that ships is whole, small, and is what its seed says."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

from engine.errors import UsageError, UserError
from engine.pocket import world
from engine.pocket.ladders import CATEGORIES
from engine.pocket.tasks import generate


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    return Path(shutil.copytree(world.folder(), tmp_path / "pocket"))


def test_the_shipped_files_are_as_they_were_made() -> None:
    world.verify()


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_sha256sum_agrees() -> None:
    done = subprocess.run(
        ["sha256sum", "--check", "--strict", world.CHECKSUMS],
        cwd=world.folder(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.count(": OK") == 3 * len(world.PLAYERS)


def test_a_changed_a_missing_and_an_extra_file_are_named(copied: Path) -> None:
    weights = copied / "moth" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x07")
    (copied / "lynx" / "tokenizer.json").unlink()
    (copied / "otter" / "adapter.safetensors").write_bytes(b"")
    with pytest.raises(UserError, match="3 files") as caught:
        world.verify(copied)
    assert caught.value.text.split() == [
        "lynx/tokenizer.json",
        "moth/model.safetensors",
        "otter/adapter.safetensors",
    ]


def test_the_shipped_prompts_are_those_of_the_seed() -> None:
    prompts = world.read_prompts()
    assert prompts == generate("test", world.TEST_PROMPTS, world.SEED)
    assert world.read_prompts("test", 10) == prompts[:10]
    assert world.read_prompts("test", world.TEST_PROMPTS + 1)[:-1] == prompts


def test_other_splits_can_be_read_by_name() -> None:
    assert world.read_prompts("D3", 20) == generate("D3", 20, world.SEED)


@pytest.mark.parametrize("name", world.PLAYERS)
def test_a_checkpoint_is_small_and_says_which_world_it_is_of(name: str) -> None:
    folder = world.model_path(name)
    assert (folder / "model.safetensors").stat().st_size < 1_000_000
    config = json.loads((folder / "config.json").read_text())
    assert config["pocket_world"] == {"version": world.VERSION, "seed": world.SEED}


def test_the_facts_cover_every_player_and_category() -> None:
    facts = world.facts()
    assert facts["version"] == world.VERSION
    assert set(facts["right"]) == set(world.PLAYERS)
    assert all(set(of_player) == {"all", *CATEGORIES} for of_player in facts["right"].values())


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    with pytest.raises(UsageError, match="moth, otter, heron, lynx"):
        world.model_path("badger")
    with pytest.raises(UsageError, match="D0, D1"):
        world.read_prompts("train")
