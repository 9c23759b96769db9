"""TRL's configuration, built from a stage's options: every value with where it came from."""

from __future__ import annotations

import dataclasses
import difflib
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

from engine.errors import MissingExtra, UserError
from engine.training.models import computes_in_bf16, has_accelerator
from engine.training.options import StageOptions, origin_of
from engine.training.running import StageRun
from engine.training.spec import Origin, Setting

USUAL_ROWS_AT_A_TIME = 8

TRACKERS = {"tensorboard": ("tensorboard", "tensorboardX"), "mlflow": ("mlflow",), "comet_ml": ("comet_ml",)}
"""Packages that a tracker of TRL needs, one of them; of the others the package has the tracker's name."""


@dataclass(frozen=True, slots=True)
class Batch:
    """How a step's rows are computed.

    Attributes:
        per_device: rows in memory at a time, on each process.
        accumulation: how often, before the optimiser steps.
    """

    per_device: int
    accumulation: int


def batch_of(options: StageOptions, world_size: int, batch_size: int | None = None) -> Batch:
    """Split a step's rows over processes and over time, so that a step is the same on any number of devices.

    Raises:
        UserError: the rows do not divide.
    """
    rows = batch_size or options.batch_size
    if rows % world_size:
        raise UserError(
            f"a step of {rows} rows cannot be split over {world_size} processes",
            mend=f"Give a batch_size that is a multiple of {world_size}.",
        )
    each = rows // world_size
    asked = options.per_device_batch_size
    if asked is None:
        per_device = max(n for n in range(1, min(each, USUAL_ROWS_AT_A_TIME) + 1) if each % n == 0)
    else:
        per_device = min(asked, each)
    if each % per_device:
        raise UserError(
            f"{each} rows a process cannot be taken {per_device} at a time",
            f"batch_size {rows}, {world_size} processes, per_device_batch_size {asked}.",
            "Give a per_device_batch_size that divides them.",
        )
    return Batch(per_device, each // per_device)


def trl_config(
    config: type[Any], run: StageRun[StageOptions], batch: Batch, *, evaluates: bool, **own: Any
) -> Any:
    """An instance of a configuration of TRL.

    Args:
        own: values of this kind of stage, by TRL's names; None leaves one to TRL.

    Raises:
        UserError: `options.trl` names a field that there is not, or that an option of ours stands for.
        MissingExtra: a tracker's package is not installed.
    """
    values = {
        name: value for name, value in (_common(run, batch, evaluates) | own).items() if value is not None
    }
    _check_passed_through(config, run.options.trl, values)
    check_trackers(run.options.report_to)
    try:
        built = config(**values, **run.options.trl)
    except (TypeError, ValueError) as error:
        raise UserError("TRL refuses the stage's options", " ".join(str(error).split())) from None
    run.settings = _settings(built, run.options, values)
    return built


def check_trackers(names: tuple[str, ...]) -> None:
    """Raises:
    MissingExtra: the package of one is not installed.
    """
    for name in names:
        packages = TRACKERS.get(name, (name,))
        if not any(find_spec(package) for package in packages):
            raise MissingExtra(f"report_to = '{name}'", "", packages[0])


def _common(run: StageRun[StageOptions], batch: Batch, evaluates: bool) -> dict[str, Any]:
    spec, options = run.spec, run.options
    every = "epoch" if options.save_steps is None else "steps"
    checkpointing = options.gradient_checkpointing
    return {
        "output_dir": str(run.layout.checkpoints),
        "seed": spec.seed,
        "data_seed": spec.seed,
        "learning_rate": options.learning_rate,
        "num_train_epochs": options.num_train_epochs,
        "max_steps": options.max_steps,
        "per_device_train_batch_size": batch.per_device,
        "per_device_eval_batch_size": batch.per_device,
        "gradient_accumulation_steps": batch.accumulation,
        "lr_scheduler_type": options.lr_scheduler_type,
        "warmup_steps": options.warmup_steps,
        "weight_decay": options.weight_decay,
        "use_cpu": not has_accelerator(options),
        "bf16": computes_in_bf16(options),
        "gradient_checkpointing": has_accelerator(options) if checkpointing is None else checkpointing,
        "logging_steps": options.logging_steps,
        # A filter would hide the very thing that has to stop training.
        "logging_nan_inf_filter": False,
        "save_strategy": every,
        "save_steps": options.save_steps,
        "eval_strategy": every if evaluates else "no",
        "eval_steps": options.save_steps,
        "report_to": list(options.report_to),
        "disable_tqdm": True,
    }


def _check_passed_through(config: type[Any], passed: dict[str, Any], ours: dict[str, Any]) -> None:
    known = [each.name for each in dataclasses.fields(config)]
    for name in passed:
        if name in ours:
            raise UserError(
                f"options.trl.{name} is decided by an option of its own",
                mend="Say it there: see docs/training.md.",
            )
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1)
            raise UserError(
                f"TRL's {config.__name__} has no '{name}'", mend=f"Did you mean '{near[0]}'?" if near else ""
            )


OPTION_OF = {
    "per_device_train_batch_size": "per_device_batch_size",
    "per_device_eval_batch_size": "per_device_batch_size",
    "gradient_accumulation_steps": "batch_size",
    "use_cpu": "device",
    "eval_strategy": "save_steps",
    "eval_steps": "save_steps",
    "save_strategy": "save_steps",
    "max_completion_length": "response_length",
}
"""The option that decides a field of TRL's which has another name."""


def _settings(built: Any, options: StageOptions, values: dict[str, Any]) -> tuple[Setting, ...]:
    return tuple(
        Setting(
            name=each.name,
            value=_jsonable(getattr(built, each.name)),
            origin=_origin(each.name, options, values),
        )
        for each in dataclasses.fields(built)
        if not each.name.startswith("_") and "token" not in each.name.split("_")
    )


def _origin(name: str, options: StageOptions, values: dict[str, Any]) -> Origin:
    if name in options.trl or name in ("seed", "data_seed"):
        return "given"
    if name not in values:
        return "trl"
    option = OPTION_OF.get(name, name)
    return origin_of(options, option) if option in type(options).model_fields else "arena-tui"


def _jsonable(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return [_jsonable(each) for each in value]
    if isinstance(value, dict):
        return {str(key): _jsonable(each) for key, each in value.items()}
    return value if isinstance(value, str | int | float | bool | None) else str(value)
