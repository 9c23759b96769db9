"""The pocket world as it ships: where its checkpoints and prompts are, and whether they are whole."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Any

from engine.errors import UsageError, UserError
from engine.pocket.curriculum import RECIPES, TARGET
from engine.pocket.tasks import SPLITS, generate
from engine.records import Conversation, Message, Prompt

VERSION = "1"
"""Goes up whenever the checkpoints are made anew; their config.json carries it. Nothing may lean on their ratings."""
PLAYERS: tuple[str, ...] = tuple(RECIPES)
"""The target first, then the opponents from weak to strong."""
OPPONENTS: tuple[str, ...] = tuple(name for name in PLAYERS if name != TARGET)
SEED = 1
"""The seed of the shipped world: its checkpoints and its prompts."""
TEST_PROMPTS = 320
"""Prompts of the shipped test set: four for each of eight categories and ten difficulties."""
SLICE_PROMPTS = 800
"""Prompts of any other split when it is read by name."""
CHECKSUMS = "SHA256SUMS"
PROMPTS_FILE = "prompts.jsonl"
FACTS_FILE = "world.json"


def folder() -> Path:
    """The folder of the shipped world."""
    return Path(str(resources.files("data"))) / "pocket"


def model_path(name: str, world: Path | None = None) -> Path:
    """The folder of one player's checkpoint, for ``AutoModelForCausalLM`` and ``AutoTokenizer``.

    Raises:
        UsageError: no player has this name.
    """
    if name not in PLAYERS:
        raise UsageError(
            f"the pocket world has no player '{name}'", mend=f"Its players are {', '.join(PLAYERS)}."
        )
    return (world or folder()) / name


def facts(world: Path | None = None) -> dict[str, Any]:
    """What was noted when the world was made: version, seed, steps, library versions, accuracies."""
    content: dict[str, Any] = json.loads(((world or folder()) / FACTS_FILE).read_text(encoding="utf-8"))
    return content


def read_prompts(split: str = "test", count: int | None = None) -> tuple[Prompt, ...]:
    """The shipped test prompts, or prompts of another split, generated with the world's seed.

    Args:
        split: `test`, `dev`, `base` or a slice `D0` to `D9`.
        count: how many; None is ``TEST_PROMPTS`` of the test set and ``SLICE_PROMPTS`` of the others.

    Raises:
        UsageError: no split has this name, or it holds fewer prompts.
    """
    if split not in SPLITS:
        raise UsageError(f"the pocket world has no split '{split}'", mend=f"It has {', '.join(SPLITS)}.")
    if split == "test" and (count is None or count <= TEST_PROMPTS):
        return _read_file(folder() / PROMPTS_FILE)[:count]
    return generate(split, count or SLICE_PROMPTS, SEED)


def _read_file(path: Path) -> tuple[Prompt, ...]:
    return tuple(_prompt(json.loads(line)) for line in path.read_text(encoding="utf-8").splitlines())


def _prompt(row: dict[str, Any]) -> Prompt:
    messages = tuple(Message(message["role"], message["content"]) for message in row["messages"])
    return Prompt(row["id"], Conversation(messages), "pocket:test", row["category"], row["difficulty"])


def summed_files(world: Path) -> list[Path]:
    """The files that the same seed makes byte for byte alike on one machine: weights and tokenizers."""
    return sorted(
        path
        for name in PLAYERS
        for path in (world / name).iterdir()
        if path.suffix == ".safetensors" or path.name.startswith("tokenizer")
    )


def checksum_lines(world: Path, files: Iterable[Path]) -> str:
    """As ``sha256sum`` writes and checks them: hash, two spaces, path below the world's folder."""
    return "".join(
        f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.relative_to(world).as_posix()}\n"
        for path in files
    )


def verify(world: Path | None = None) -> None:
    """Compare the checkpoints with SHA256SUMS.

    Raises:
        UserError: a file is missing, is not listed, or differs; every one is named.
    """
    world = world or folder()
    listed = (world / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    found = checksum_lines(world, summed_files(world)).splitlines()
    wrong = sorted({line.split("  ", 1)[1] for line in set(listed) ^ set(found)})
    if wrong:
        raise UserError(
            f"{len(wrong)} files of the pocket world are not as they were shipped",
            "\n".join(f"  {name}" for name in wrong),
            "Install the program again, or make a world of your own: python -m engine.pocket.make --out FOLDER",
        )
