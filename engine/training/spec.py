"""What a stage is given and what it leaves behind, as JSON files that both processes read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from engine.errors import UserError

Origin = Literal["given", "paper", "arena-tui", "trl"]
"""Where a value came from: the plan; the paper's section on training; this program; TRL's own default."""

ModelKind = Literal["chat", "reward"]


class Document(BaseModel):
    """A JSON file of a stage: no unknown keys, never changed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def write(self, path: Path) -> None:
        """Write it whole or not at all, and see it onto the disk."""
        write_durably(path, (self.model_dump_json(indent=1) + "\n").encode())

    @classmethod
    def read(cls, path: Path) -> Self:
        """Raises:
        UserError: the file cannot be read, or holds something else.
        """
        try:
            return cls.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise UserError(f"'{path}' cannot be read as a {cls.__name__}", str(error)) from None


class StageSpec(Document):
    """Everything that decides what a stage trains. The same spec on the same machine gives the same weights.

    Attributes:
        kind: the stage's plug-in: sft, dpo, reward, ppo, grpo, external or another package's.
        name: what the trained model will be called, such as spring/SFT-I1.
        model: folder of the model that training starts from.
        data: JSONL or Parquet files of rows; what they hold is told in docs/training.md.
        eval_data: rows that are evaluated on and never trained on; without them `eval_fraction` splits `data`.
        out: folder of this stage alone.
        reference: folder of the reference model, in place of the start itself.
        reward_model: folder of the reward model (ppo, grpo).
        probes: conversations whose answers are told at every evaluation, as lists of {role, content}.
        options: of the stage, checked by its own `Options`.
        world_size: processes that must train together.
        lineage: facts for the model card: run, stage, round, parent, selection.
    """

    kind: str
    name: str
    seed: int = Field(ge=0, lt=2**32)
    model: Path
    data: tuple[Path, ...] = ()
    eval_data: tuple[Path, ...] = ()
    out: Path
    reference: Path | None = None
    reward_model: Path | None = None
    probes: tuple[tuple[dict[str, str], ...], ...] = ()
    options: dict[str, Any] = {}
    world_size: int = Field(default=1, ge=1)
    lineage: dict[str, str | int | float | None] = {}


class Setting(Document):
    """One value that training ran with, and where it came from."""

    name: str
    value: Any
    origin: Origin


class StageResult(Document):
    """What a stage has made. Written last: with it, everything else is there.

    Attributes:
        model: folder of the trained model, below the stage's own.
        model_kind: a `reward` model cannot be asked as a player.
        content_hash: of the trained model's files, as a player identifies weights.
        start_hash: the same of what training started from.
        rows, eval_rows: rows that were trained on, and evaluated on.
        steps: optimiser steps (ppo: updates).
        metrics: the last value of each metric that the trainer logged, by its name.
        resumed_from: step of the checkpoint that this run went on from; None when it began at the start.
        notes: what a person should know, such as rows that were left out.
    """

    kind: str
    name: str
    model: Path
    model_kind: ModelKind
    content_hash: str
    start_hash: str
    template_hash: str | None
    world_size: int
    rows: int
    eval_rows: int
    steps: int
    seconds: float
    resumed_from: int | None = None
    metrics: dict[str, float | None] = {}
    settings: tuple[Setting, ...] = ()
    versions: dict[str, str] = {}
    notes: tuple[str, ...] = ()


class Layout:
    """The files of a stage's folder."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.spec = out / "spec.json"
        self.owner = out / "owner.json"
        self.lock = out / "lock"
        self.log = out / "log.txt"
        self.metrics = out / "metrics.jsonl"
        self.stop = out / "stop"
        self.checkpoints = out / "checkpoints"
        self.adapter = out / "adapter"
        self.model = out / "model"
        self.settings = out / "settings.json"
        self.error = out / "error.json"
        self.result = out / "result.json"


class Failure(Document):
    """Why a stage ended without a result, as its process tells it to whoever started it.

    Attributes:
        kind: the error's class, where that tells what to do next.
        exit_code: of `engine.errors`; 3 is stopped on request.
    """

    kind: str = "UserError"
    title: str
    text: str = ""
    mend: str = ""
    exit_code: int = 1


def write_durably(path: Path, content: bytes) -> None:
    """Write beside, see it onto the disk, rename: readers find the old file or the whole new one."""
    beside = path.with_name(path.name + ".part")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """See a folder's list of names onto the disk."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def versions(names: tuple[str, ...]) -> Mapping[str, str]:
    """Versions of the installed ones of these packages."""
    from importlib.metadata import PackageNotFoundError, version

    found = {}
    for name in names:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found
