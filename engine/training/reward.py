"""A reward model from pairs (paper, section 5: one epoch, learning rate 1e-6), measured on prompts that it never saw.

A split by pair tells too much: the answers of one prompt are alike, and a model that has seen some of them knows the
others. Here every pair of a prompt falls on one side.
"""

from __future__ import annotations

from engine.training.accuracy import pair_accuracy
from engine.training.arguments import batch_of, trl_config
from engine.training.chat import fitting, load_tokenizer
from engine.training.models import load_model, lora_config
from engine.training.options import RewardOptions
from engine.training.pairs import COLUMNS, pair_columns, pairs_in
from engine.training.running import NoRows, StageRun, Trained


class Reward:
    """Rows of prompt, chosen and rejected. `held_out_accuracy` is the part of held-out pairs that it orders rightly."""

    Options = RewardOptions

    @staticmethod
    def run(run: StageRun[RewardOptions]) -> Trained:
        from datasets import Dataset
        from trl import RewardConfig, RewardTrainer

        from engine.training.answers import no_answers
        from engine.training.saving import save_trained
        from engine.training.watching import Watcher, watched

        spec, options = run.spec, run.options

        # Load
        tokenizer = load_tokenizer(spec.model, options.chat_template)
        rows, held_out = run.rows(COLUMNS, options.eval_fraction)
        train, encoded, too_long = fitting(tokenizer, rows, COLUMNS, options.max_length)
        evaluated, _, _ = fitting(tokenizer, held_out, COLUMNS, options.max_length)
        run.left_out(too_long, f"longer than max_length, {options.max_length} tokens")
        if not train:
            raise NoRows("no pair fits into max_length", mend="Raise options.max_length.")
        if not evaluated:
            run.note("no pairs are held out: how well the reward model judges new prompts is not known")
        model = load_model(spec.model, tokenizer, options, "reward")

        # Build
        watcher = Watcher(run, no_answers)
        trainer = watched(RewardTrainer, watcher, lambda batch: pairs_in(batch, train, encoded))(
            model=model,
            args=trl_config(
                RewardConfig,
                run,
                batch_of(options, spec.world_size),
                evaluates=bool(evaluated),
                max_length=options.max_length,
            ),
            train_dataset=Dataset.from_list(pair_columns(train)),
            eval_dataset=Dataset.from_list(pair_columns(evaluated)) if evaluated else None,
            processing_class=tokenizer,
            peft_config=lora_config(options.lora, "reward"),
            callbacks=[watcher],
        )

        # Train
        checkpoint = run.checkpoint()
        trainer.train(resume_from_checkpoint=None if checkpoint is None else str(checkpoint))
        run.check_finished(trainer.state)

        # Save
        trained = trainer.accelerator.unwrap_model(trainer.model)
        save_trained(run, trainer, trained, tokenizer, kind="reward")
        metrics = watcher.metrics
        if evaluated and run.is_main:
            metrics |= {"held_out_accuracy": pair_accuracy(trained.float(), tokenizer, evaluated)}
        return Trained(len(train), len(evaluated), trainer.state.global_step, metrics, "reward")
