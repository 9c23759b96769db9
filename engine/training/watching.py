"""What is done at each step of a trainer: facts, checkpoints' markers, stopping, and a loss that is no number."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from transformers import TrainerCallback

from engine.errors import UserError
from engine.training.checkpoints import PREFIX, keep_newest, seal
from engine.training.options import StageOptions
from engine.training.running import StageRun, Stopped

Locate = Callable[[Any], Sequence[str]]
"""From a trainer's batch to the ids of the rows in it; empty where that cannot be told."""

MOST_ROWS_TOLD = 16

REWARD_NAMES = ("reward", "rewards/margins", "objective/scores", "mean_reward")
KL_NAMES = ("kl", "objective/kl")
LOSS_NAMES = ("loss", "loss/policy_avg")
LEARNING_RATE_NAMES = ("learning_rate", "lr")


class NonFinite(UserError):
    """The loss is no number any more."""


class Watcher(TrainerCallback):  # type: ignore[misc]
    """Tells every log of the trainer as a fact, seals checkpoints, and stops when the stop file is there."""

    def __init__(
        self,
        run: StageRun[StageOptions],
        answer: Callable[[int], None],
        *,
        resumable: bool = True,
        rows_now: Callable[[], Sequence[str]] = tuple,
    ) -> None:
        """Args:
        answer: has the fixed prompts answered, told with the step.
        resumable: whether a checkpoint can be gone on from; without it stopping keeps nothing.
        rows_now: ids of the rows in hand, where a trainer shows its batches to nobody.
        """
        self.tokens = 0
        self.metrics: dict[str, float | None] = {}
        self._run = run
        self._answer = answer
        self._resumable = resumable
        self._rows_now = rows_now
        self._began = time.monotonic()
        self._first_step = 0
        self._logged = (self._began, 0)

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._began = time.monotonic()
        self._first_step = state.global_step
        self._logged = (self._began, self.tokens)
        self._run.facts.tell(
            "training", step=state.global_step, of=state.max_steps, world_size=self._run.spec.world_size
        )

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if not self._asked_to_stop(args):
            return
        if not self._resumable:
            raise Stopped(
                f"stopped at step {state.global_step}", mend="Run it again: it starts again from its inputs."
            )
        control.should_save = True
        control.should_training_stop = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **_: Any) -> None:
        metrics = {
            name: float(value) for name, value in (logs or {}).items() if isinstance(value, int | float)
        }
        self.metrics |= {name: value if math.isfinite(value) else None for name, value in metrics.items()}
        loss = _first(metrics, LOSS_NAMES)
        if not all(math.isfinite(metrics.get(name, 0.0)) for name in (*LOSS_NAMES, "loss/value_avg")):
            raise NonFinite(*_non_finite(state.global_step, self._rows_now()))
        self._run.facts.tell(
            "evaluated" if any(name.startswith("eval_") for name in metrics) else "step",
            step=state.global_step,
            of=state.max_steps,
            loss=loss,
            reward=_first(metrics, REWARD_NAMES),
            kl=_first(metrics, KL_NAMES),
            learning_rate=_first(metrics, LEARNING_RATE_NAMES),
            tokens_per_second=self._tokens_per_second(metrics),
            memory=memory_used(),
            eta_s=self._eta(state),
            metrics=metrics,
        )

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._answer(state.global_step)

    def on_train_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self._answer(state.global_step)

    def on_epoch_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        if str(args.eval_strategy) == "no" or getattr(args.eval_strategy, "value", "") == "no":
            self._answer(state.global_step)

    def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        _wait_for_all()
        if self._run.is_main:
            seal(self._run.layout.checkpoints / f"{PREFIX}{state.global_step}")
            keep_newest(self._run.layout.checkpoints)
        _wait_for_all()
        self._run.facts.tell("saved", step=state.global_step)

    def _asked_to_stop(self, args: Any) -> bool:
        """Whether the stop file is there, as the first process sees it, so that all stop at one step."""
        asked = self._run.layout.stop.exists()
        if self._run.spec.world_size == 1:
            return asked
        import torch

        flag = torch.tensor([int(asked)], device=args.device)
        torch.distributed.broadcast(flag, src=0)
        return bool(flag.item())

    def _tokens_per_second(self, metrics: Mapping[str, float]) -> float | None:
        """Since the last log, over all processes. Trainers that generate count their tokens themselves."""
        now, before = time.monotonic(), self._logged
        tokens = int(metrics.get("num_tokens", self.tokens * self._run.spec.world_size))
        self._logged = (now, tokens)
        passed = now - before[0]
        return (tokens - before[1]) / passed if passed > 0 and tokens > before[1] else None

    def _eta(self, state: Any) -> float | None:
        done = state.global_step - self._first_step
        if done <= 0 or state.max_steps <= 0:
            return None
        return float((time.monotonic() - self._began) / done * (state.max_steps - state.global_step))


def watched(trainer: type[Any], watcher: Watcher, locate: Locate) -> type[Any]:
    """A trainer of TRL that stops as soon as a loss is no number, and says at which rows."""

    class Watched(trainer):  # type: ignore[misc]
        def training_step(self, model: Any, inputs: Any, *rest: Any, **named: Any) -> Any:
            loss = super().training_step(model, inputs, *rest, **named)
            if isinstance(inputs, Mapping) and "input_ids" in inputs:
                watcher.tokens += int(inputs["input_ids"].numel())
            if not math.isfinite(float(loss)):
                raise NonFinite(*_non_finite(self.state.global_step + 1, locate(inputs)))
            return loss

    Watched.__name__ = trainer.__name__
    return Watched


def memory_used() -> int:
    """Bytes: the most that was taken of the GPU, or what the process takes of the machine."""
    import psutil
    import torch

    if torch.cuda.is_available():
        return int(torch.cuda.max_memory_allocated())
    return int(psutil.Process().memory_info().rss)


def _non_finite(step: int, rows: Sequence[str]) -> tuple[str, str, str]:
    told = ", ".join(rows[:MOST_ROWS_TOLD]) + (
        f" and {len(rows) - MOST_ROWS_TOLD} more" if len(rows) > MOST_ROWS_TOLD else ""
    )
    return (
        f"the loss is no number at step {step}",
        f"Rows of that step: {told}." if rows else "",
        "Lower learning_rate, or look at these rows. The last checkpoint is from before.",
    )


def _first(metrics: Mapping[str, float], names: Sequence[str]) -> float | None:
    return next((metrics[name] for name in names if name in metrics), None)


def _wait_for_all() -> None:
    import torch

    if torch.distributed.is_available() and torch.distributed.is_initialized():
        torch.distributed.barrier()
