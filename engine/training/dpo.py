"""Direct preference optimisation on chosen and rejected responses (paper, section 5: beta 0.3, learning rate 5e-7)."""

from __future__ import annotations

from typing import Any

from engine.training.arguments import batch_of, trl_config
from engine.training.chat import check_end_of_text, end_tokens, fitting, load_tokenizer
from engine.training.models import load_model, lora_config
from engine.training.options import DpoOptions
from engine.training.pairs import COLUMNS, pair_columns, pairs_in
from engine.training.running import NoRows, StageRun, Trained


class Dpo:
    """Rows of prompt, chosen and rejected. The reference model is the start itself, or the spec's."""

    Options = DpoOptions

    @staticmethod
    def run(run: StageRun[DpoOptions]) -> Trained:
        from datasets import Dataset
        from trl import DPOConfig, DPOTrainer

        from engine.training.answers import answerer
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
        check_end_of_text(tokenizer, encoded[0], end_tokens(tokenizer, spec.model))
        model = load_model(spec.model, tokenizer, options)
        reference: Any = None
        if spec.reference is not None and spec.reference != spec.model:
            reference = load_model(spec.reference, tokenizer, options)

        # Build
        answer = answerer(run, tokenizer, lambda: trainer.accelerator.unwrap_model(trainer.model))
        watcher = Watcher(run, answer)
        trainer = watched(DPOTrainer, watcher, lambda batch: pairs_in(batch, train, encoded))(
            model=model,
            ref_model=reference,
            args=trl_config(
                DPOConfig,
                run,
                batch_of(options, spec.world_size),
                evaluates=bool(evaluated),
                max_length=options.max_length,
                beta=options.beta,
                loss_type=list(options.loss_type),
                loss_weights=None if options.loss_weights is None else list(options.loss_weights),
            ),
            train_dataset=Dataset.from_list(pair_columns(train)),
            eval_dataset=Dataset.from_list(pair_columns(evaluated)) if evaluated else None,
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
        return Trained(len(train), len(evaluated), trainer.state.global_step, watcher.metrics)
