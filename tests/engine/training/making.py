"""Rows and specs of small stages on the pocket world's target."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.pocket.checker import right_answers
from engine.pocket.tasks import generate
from engine.pocket.world import model_path
from engine.records import Prompt
from engine.training.spec import StageSpec

TARGET = model_path("moth")
PROBE = ({"role": "user", "content": "What is 36 - 26?"},)
QUICK: dict[str, Any] = {"batch_size": 16, "learning_rate": 1e-3, "num_train_epochs": 1}
ONLINE: dict[str, Any] = QUICK | {"learning_rate": 1e-4, "response_length": 12}


def one_turn_prompts(count: int) -> list[Prompt]:
    """Prompts of one open turn."""
    found = [p for p in generate("D1", 2 * count, 1) if p.conversation and p.conversation.open_turns == 1]
    return found[:count]


def row(prompt: Prompt) -> dict[str, Any]:
    """A row with every column: the right answer against one that ends in an x too many."""
    assert prompt.conversation is not None
    (right,) = right_answers(prompt.conversation)
    asked = [{"role": m.role, "content": m.content} for m in prompt.conversation.messages[:-1]]
    return {"id": prompt.name, "prompt": asked, "completion": right, "chosen": right, "rejected": right + "x"}


def write_rows(path: Path, rows: Sequence[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(each) + "\n" for each in rows), encoding="utf-8")
    return path


def pocket_rows(path: Path, count: int = 40) -> Path:
    return write_rows(path, [row(prompt) for prompt in one_turn_prompts(count)])


def spec(kind: str, out: Path, data: Path, options: dict[str, Any] | None = None, **more: Any) -> StageSpec:
    return StageSpec(
        kind=kind,
        name=f"test/{kind}",
        seed=5,
        out=out,
        data=(data,),
        options=QUICK if options is None else options,
        **({"model": TARGET} | more),
    )
