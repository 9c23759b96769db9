"""What a stage's script holds in its hands: its spec, its options, and where it tells what it does."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from engine.errors import UserError
from engine.plugin_options import PluginOptions
from engine.training.checkpoints import discard_unsealed, newest_valid, step_of
from engine.training.facts import Facts
from engine.training.rows import Row, read_rows, split_by_prompt
from engine.training.spec import Layout, ModelKind, Setting, StageSpec

OptionsT = TypeVar("OptionsT", bound=PluginOptions, covariant=True)


class NoRows(UserError):
    """There is nothing to train on; the stage is to be skipped."""


class Stopped(UserError):
    """Training stopped because it was asked to."""

    exit_code = 3


@dataclass(frozen=True, slots=True)
class Trained:
    """What a stage's script says at its end, with the model in its folder.

    Attributes:
        rows, eval_rows: rows that were trained on, and evaluated on.
        steps: optimiser steps (ppo: updates).
        metrics: the last value of each metric, by the trainer's name.
    """

    rows: int
    eval_rows: int
    steps: int
    metrics: Mapping[str, float | None]
    kind: ModelKind = "chat"


@dataclass
class StageRun(Generic[OptionsT]):
    """One process of a stage.

    Attributes:
        is_main: whether this is the process that saves and tells; of several, one is.
        notes: what a person should know of the result.
        settings: values of TRL's configuration, once it is built.
        resumed_from: step of the checkpoint that training goes on from.
    """

    spec: StageSpec
    options: OptionsT
    layout: Layout
    facts: Facts
    is_main: bool = True
    notes: list[str] = field(default_factory=list)
    settings: tuple[Setting, ...] = ()
    resumed_from: int | None = None

    def note(self, text: str) -> None:
        """Tell now, and again with the result."""
        self.notes.append(text)
        self.facts.tell("warning", text=text)

    def rows(self, columns: Sequence[str], eval_fraction: float) -> tuple[list[Row], list[Row]]:
        """Rows to train on and rows to evaluate on. A prompt that is evaluated on is never trained on.

        Raises:
            UserError: a file or a row is wrong.
            NoRows: none is left to train on.
        """
        train = read_rows(self.spec.data, columns)
        held_out = read_rows(self.spec.eval_data, columns)
        if held_out:
            known = {row.prompt_key for row in held_out}
            kept = [row for row in train if row.prompt_key not in known]
            if len(kept) < len(train):
                self.note(f"{len(train) - len(kept)} rows are about prompts that are evaluated on: left out")
            train = kept
        elif eval_fraction:
            train, held_out = split_by_prompt(train, eval_fraction, self.spec.seed)
        if not train:
            raise NoRows("there are no rows to train on", mend="Lower the gap, or fight on more prompts.")
        return train, held_out

    def left_out(self, number: int, reason: str) -> None:
        """Tell how many rows are not trained on, and why."""
        if number:
            self.note(f"{number} rows left out: {reason}")

    def checkpoint(self) -> Path | None:
        """The checkpoint to go on from, if there is a whole one; what is half-written is deleted."""
        if self.is_main:
            discard_unsealed(self.layout.checkpoints)
        newest = newest_valid(self.layout.checkpoints)
        self.resumed_from = None if newest is None else step_of(newest)
        return newest

    def check_finished(self, state: Any) -> None:
        """See that training came to its end.

        Raises:
            Stopped: it was asked to stop; its last step is in a checkpoint.
        """
        if state.global_step < state.max_steps:
            raise Stopped(
                f"stopped at step {state.global_step} of {state.max_steps}",
                mend="Run it again to go on from there.",
            )


class Stage(Protocol):
    """A training stage, as its entry point names it. Naming it imports no torch."""

    Options: type[PluginOptions]

    @staticmethod
    def run(run: StageRun[PluginOptions]) -> Trained:
        """Load, build, train, save. Raises a UserError for what a person can mend."""
