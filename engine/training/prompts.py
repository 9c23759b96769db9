"""The prompts of stages that let the model answer while it trains."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.training.chat import render
from engine.training.options import OnlineOptions
from engine.training.rows import Row
from engine.training.running import NoRows, StageRun


def fitting_prompts(
    run: StageRun[OnlineOptions], tokenizer: Any, rows: Sequence[Row]
) -> list[tuple[Row, list[int]]]:
    """Prompts with their tokens, an assistant's turn begun, each once; too long ones are left out and told.

    Raises:
        NoRows: none is left.
    """
    once = list({row.prompt_key: row for row in rows}.values())
    run.left_out(len(rows) - len(once), "their prompt is there already")
    rendered = [(row, render(tokenizer, row.prompt, open_turn=True)) for row in once]
    kept = [(row, ids) for row, ids in rendered if len(ids) <= run.options.max_prompt_length]
    run.left_out(
        len(once) - len(kept), f"longer than max_prompt_length, {run.options.max_prompt_length} tokens"
    )
    if not kept:
        raise NoRows("there are no prompts to train on", mend="Raise options.max_prompt_length.")
    return kept


def batch_that_fits(run: StageRun[OnlineOptions], prompts: int, answers_each: int = 1) -> int:
    """Answers of one step: as the options say, or fewer where there are not prompts enough to fill a step.

    A trainer drops a step that is not full, and with it the training, or waits for it for ever.

    Raises:
        UserError: there are fewer prompts than processes.
    """
    asked, world = run.options.batch_size, run.spec.world_size
    most = prompts * answers_each
    fits = min(asked, most - most % (answers_each * world))
    if fits < 1:
        raise UserError(
            f"{prompts} prompts are too few for {world} processes",
            mend="Train with fewer processes, or more prompts.",
        )
    if fits < asked:
        run.note(f"batch_size is {fits}, not {asked}: there are {prompts} prompts")
    return fits


def reward_source(run: StageRun[OnlineOptions]) -> Path | str:
    """What scores answers: a reward model's folder or the name of a function.

    Raises:
        UserError: neither is given, or both.
    """
    model, name = run.spec.reward_model, run.options.reward
    if model is not None and name is not None:
        raise UserError(
            f"'{run.spec.name}' has a reward model and options.reward = '{name}'", mend="Give one of them."
        )
    source = model or name
    if source is None:
        raise UserError(
            f"nothing scores the answers of '{run.spec.name}'",
            mend="Train a reward model before it, or give options.reward: pocket, or MODULE:FUNCTION.",
        )
    return source
