"""Group relative policy optimisation: answers to one prompt are compared with each other, so no value model is needed.

Not in the paper; the reward is a reward model's or a checker's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.errors import UserError
from engine.training.arguments import batch_of, trl_config
from engine.training.chat import check_end_of_text, encode, end_tokens, load_tokenizer
from engine.training.models import load_model, lora_config
from engine.training.options import GrpoOptions
from engine.training.prompts import batch_that_fits, fitting_prompts, reward_source
from engine.training.rows import Messages
from engine.training.running import StageRun, Trained
from engine.training.scoring import Score, load_score


class Grpo:
    """Rows of prompts. The reward model is the spec's, or a function that `options.reward` names."""

    Options = GrpoOptions

    @staticmethod
    def run(run: StageRun[GrpoOptions]) -> Trained:
        from datasets import Dataset
        from trl import GRPOConfig, GRPOTrainer

        from engine.training.answers import answerer
        from engine.training.saving import save_trained
        from engine.training.watching import Watcher, watched

        spec, options = run.spec, run.options
        if spec.reference not in (None, spec.model):
            raise UserError("grpo has no reference model but its start", mend="Leave `reference` out.")
        if options.batch_size % options.num_generations:
            raise UserError(
                f"a step of {options.batch_size} answers is not a number of groups of {options.num_generations}",
                mend="Give a batch_size that is a multiple of num_generations.",
            )

        # Load
        tokenizer = load_tokenizer(spec.model, options.chat_template)
        shown = encode(tokenizer, [{"role": "user", "content": "?"}], [{"role": "assistant", "content": "!"}])
        check_end_of_text(tokenizer, shown, end_tokens(tokenizer, spec.model))
        rows, _ = run.rows((), 0.0)
        prompts = fitting_prompts(run, tokenizer, rows)
        model = load_model(spec.model, tokenizer, options)
        reward, reward_tokenizer = reward_function(run, reward_source(run))

        # Build
        batch_size = batch_that_fits(run, len(prompts), options.num_generations)
        answer = answerer(
            run, tokenizer, lambda: trainer.accelerator.unwrap_model(trainer.model), options.response_length
        )
        watcher = Watcher(run, answer)
        trainer = watched(GRPOTrainer, watcher, _ids)(
            model=model,
            reward_funcs=reward,
            reward_processing_classes=reward_tokenizer,
            args=trl_config(
                GRPOConfig,
                run,
                batch_of(options, spec.world_size, batch_size),
                evaluates=False,
                num_generations=options.num_generations,
                max_completion_length=options.response_length,
                temperature=options.temperature,
                beta=options.beta,
            ),
            train_dataset=Dataset.from_list([{"prompt": row.prompt, "row_id": row.id} for row, _ in prompts]),
            processing_class=tokenizer,
            peft_config=lora_config(options.lora),
            callbacks=[watcher],
        )

        # Train
        checkpoint = run.checkpoint()
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        run.check_finished(trainer.state)

        # Save
        save_trained(run, trainer, trainer.accelerator.unwrap_model(trainer.model), tokenizer)
        return Trained(len(prompts), 0, trainer.state.global_step, watcher.metrics)


def reward_function(run: StageRun[GrpoOptions], source: Any) -> tuple[Any, Any]:
    """What TRL takes for a reward: a function, or a model with its tokenizer."""
    if isinstance(source, str):
        return scorer(load_score(source), source), None
    tokenizer = load_tokenizer(source, run.options.chat_template)
    plain = run.options.model_copy(update={"lora": None})
    return load_model(source, tokenizer, plain, "reward"), tokenizer


def scorer(score: Score, name: str) -> Callable[..., list[float]]:
    """A score in the shape of TRL's reward functions; its metrics carry the name."""

    def reward(prompts: Sequence[Messages], completions: Sequence[Messages], **_: Any) -> list[float]:
        return [
            score(prompt, completion[-1]["content"])
            for prompt, completion in zip(prompts, completions, strict=True)
        ]

    reward.__name__ = name
    return reward


def _ids(batch: Any) -> list[str]:
    return sorted({row["row_id"] for row in batch})
