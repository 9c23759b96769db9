"""Proximal policy optimisation against a reward model (paper, section 5: one epoch, learning rate 1e-7, KL 0.4).

Everything that knows TRL's experimental PPO is here, so that moving on from it is this file. What it asks for:
prompts as tokens, padded on the left with a token that is nothing else; a value model; full batches, since it drops
a short one inside a loop without end; and a policy that is saved by itself. It cannot resume.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.training.arguments import batch_of, trl_config
from engine.training.chat import check_end_of_text, encode, load_tokenizer
from engine.training.models import computes_in_bf16, load_model, lora_config
from engine.training.options import PpoOptions
from engine.training.prompts import batch_that_fits, fitting_prompts, reward_source
from engine.training.rows import Row
from engine.training.running import StageRun, Trained
from engine.training.scoring import Score, load_score

PAD = "<|ppo-pad|>"
LAST_BATCHES = 2
"""The loader is one batch ahead of the update: the rows in hand are in one of these."""


class Ppo:
    """Rows of prompts. The reward model is the spec's, or a function that `options.reward` names."""

    Options = PpoOptions

    @staticmethod
    def run(run: StageRun[PpoOptions]) -> Trained:
        from datasets import Dataset
        from trl.experimental.ppo import PPOTrainer

        from engine.training.answers import answerer
        from engine.training.saving import save_trained
        from engine.training.watching import Watcher

        spec, options = run.spec, run.options
        if run.layout.metrics.exists() and run.layout.metrics.stat().st_size:
            run.note(
                "ppo cannot go on from a checkpoint: it starts again from its inputs, with the same seed"
            )

        # Load
        tokenizer = ppo_tokenizer(spec.model, options)
        rows, _ = run.rows((), 0.0)
        prompts = fitting_prompts(run, tokenizer, rows)
        policy = load_model(spec.model, tokenizer, options)
        reference = None if options.lora and spec.reference is None else load_frozen(run, tokenizer)
        source = reward_source(run)
        reward, value = reward_and_value(run, source, tokenizer, prompts)

        # Build
        batch_size = batch_that_fits(run, len(prompts))
        collator = RememberingCollator(tokenizer, [row for row, _ in prompts])
        answer = answerer(
            run,
            tokenizer,
            lambda: trainer.accelerator.unwrap_model(trainer.model).policy,
            options.response_length,
        )
        watcher = Watcher(run, answer, resumable=False, rows_now=collator.last_rows)
        if computes_in_bf16(options):
            os.environ["ACCELERATE_MIXED_PRECISION"] = "bf16"  # its accelerator asks nobody else
        trainer = PPOTrainer(
            args=ppo_config(run, batch_size),
            processing_class=tokenizer,
            model=policy,
            ref_model=reference,
            reward_model=reward,
            value_model=value,
            train_dataset=Dataset.from_list(
                [{"input_ids": ids, "row": place} for place, (_, ids) in enumerate(prompts)]
            ),
            data_collator=collator,
            peft_config=lora_config(options.lora),
            callbacks=[watcher],
        )
        spread_learning_rate(trainer)

        # Train
        trainer.train()

        # Save
        trained = trainer.accelerator.unwrap_model(trainer.model).policy
        save_trained(run, trainer, trained, tokenizer, prefix="policy.")
        return Trained(len(prompts), 0, trainer.state.global_step, watcher.metrics)


def ppo_config(run: StageRun[PpoOptions], batch_size: int) -> Any:
    """TRL's configuration. Nothing is saved on the way: it could not be gone on from."""
    from trl.experimental.ppo import PPOConfig

    options = run.options
    batch = batch_of(options, run.spec.world_size, batch_size)
    return trl_config(
        PPOConfig,
        run,
        batch,
        evaluates=False,
        save_strategy="no",
        total_episodes=options.max_steps * batch_size if options.max_steps else None,
        kl_coef=options.kl_coef,
        num_ppo_epochs=options.num_ppo_epochs,
        response_length=options.response_length,
        temperature=options.temperature,
        missing_eos_penalty=options.missing_eos_penalty,
        stop_token="eos",
        num_sample_generations=0,
        local_rollout_forward_batch_size=max(batch.per_device, 64),
    )


def ppo_tokenizer(folder: Path, options: PpoOptions) -> Any:
    """A tokenizer that pads on the left, with a token that stands for nothing else.

    TRL takes every padding token for padding, so one that also ends a turn would hide the turns' ends. A token that
    the model does not have does no harm: it is masked before the model sees it.

    Raises:
        UserError: an answer does not end with the tokenizer's own end token, the only one that PPO stops at.
    """
    tokenizer = load_tokenizer(folder, options.chat_template)
    tokenizer.padding_side = "left"
    shown = encode(tokenizer, [{"role": "user", "content": "?"}], [{"role": "assistant", "content": "!"}])
    check_end_of_text(tokenizer, shown, frozenset({tokenizer.eos_token_id} - {None}))
    if tokenizer.pad_token is None or tokenizer.pad_token == tokenizer.eos_token:
        tokenizer.add_special_tokens({"pad_token": PAD})
    return tokenizer


def load_frozen(run: StageRun[PpoOptions], tokenizer: Any) -> Any:
    """The reference model: the spec's, or the start itself."""
    plain = run.options.model_copy(update={"lora": None})
    return load_model(run.spec.reference or run.spec.model, tokenizer, plain)


def reward_and_value(
    run: StageRun[PpoOptions], source: Path | str, tokenizer: Any, prompts: Sequence[tuple[Row, list[int]]]
) -> tuple[Any, Any]:
    """What scores whole answers, and the model that learns what an unfinished one will be worth.

    Raises:
        UserError: the reward model reads other tokens than the policy writes.
    """
    plain = run.options.model_copy(update={"lora": None})
    if isinstance(source, str):
        value = load_model(run.spec.model, tokenizer, plain, "reward")
        return function_reward(load_score(source), tokenizer, prompts), value
    theirs = load_tokenizer(source, run.options.chat_template)
    if theirs.get_vocab() != load_tokenizer(run.spec.model, run.options.chat_template).get_vocab():
        raise UserError(
            f"the reward model in '{source}' has another vocabulary than the policy",
            "PPO hands it the policy's tokens as they are.",
            "Train the reward model from a model with the same tokenizer.",
        )
    start = source if run.options.value_start == "reward" else run.spec.model
    return load_model(source, tokenizer, plain, "reward"), load_model(start, tokenizer, plain, "reward")


def spread_learning_rate(trainer: Any) -> None:
    """Begin the schedule one step in, over one step more: no update has a learning rate of 0.

    TRL steps the schedule after each update, so that with a warm-up the first one would change nothing.
    """
    from transformers import get_scheduler

    args, updates = trainer.args, trainer.args.num_total_batches
    schedule = get_scheduler(
        args.lr_scheduler_type,
        optimizer=getattr(trainer.optimizer, "optimizer", trainer.optimizer),
        num_warmup_steps=args.get_warmup_steps(updates),
        num_training_steps=updates + 1,
        scheduler_specific_kwargs=args.lr_scheduler_kwargs,
    )
    if args.get_warmup_steps(updates):
        schedule.step()
    trainer.lr_scheduler = schedule


class RememberingCollator:
    """Pads prompts on the left and remembers whose they are."""

    def __init__(self, tokenizer: Any, rows: Sequence[Row]) -> None:
        from transformers import DataCollatorWithPadding

        self._pad = DataCollatorWithPadding(tokenizer)
        self._rows = rows
        self._last: deque[list[str]] = deque(maxlen=LAST_BATCHES)

    def __call__(self, features: Sequence[Mapping[str, Any]]) -> Any:
        self._last.append([self._rows[each["row"]].id for each in features])
        return self._pad([{"input_ids": each["input_ids"]} for each in features])

    def last_rows(self) -> list[str]:
        """The rows of the last batches, the update in hand among them."""
        return [row for batch in self._last for row in batch]


def function_reward(score: Score, tokenizer: Any, prompts: Sequence[tuple[Row, list[int]]]) -> Any:
    """A function in the shape of a reward model: what TRL reads of one is a backbone and a `score` layer."""
    import torch

    asked = {tuple(ids): row.prompt for row, ids in prompts}
    lengths = sorted({len(ids) for ids in asked}, reverse=True)

    def reward_of(tokens: list[int]) -> float:
        length = next(n for n in lengths if tuple(tokens[:n]) in asked)
        text = tokenizer.decode(tokens[length:], skip_special_tokens=True)
        return score(asked[tuple(tokens[:length])], str(text))

    class Backbone(torch.nn.Module):  # type: ignore[misc]
        def forward(self, input_ids: Any, attention_mask: Any, **_: Any) -> Any:
            rewards = [
                reward_of(ids[mask.bool()].tolist())
                for ids, mask in zip(input_ids, attention_mask, strict=True)
            ]
            column = torch.tensor(rewards, device=input_ids.device)[:, None, None]
            return _Output((column.expand(*input_ids.shape, 1),))

    class FunctionReward(torch.nn.Module):  # type: ignore[misc]
        base_model_prefix = "backbone"

        def __init__(self) -> None:
            super().__init__()
            self.backbone = Backbone()
            self.score = torch.nn.Identity()

    return FunctionReward()


class _Output:
    """The part of a model's output that TRL reads."""

    def __init__(self, hidden_states: tuple[Any, ...]) -> None:
        self.hidden_states = hidden_states
