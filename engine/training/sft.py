"""Supervised fine-tuning on the winners' responses (paper, section 5: three epochs, learning rate 5e-6, batch 128)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.training.arguments import batch_of, trl_config
from engine.training.chat import Encoded, check_end_of_text, end_tokens, fitting, load_tokenizer
from engine.training.models import load_model, lora_config
from engine.training.options import SftOptions
from engine.training.rows import Row
from engine.training.running import NoRows, StageRun, Trained


class Sft:
    """Rows of prompt and completion; the loss is on the completion alone."""

    Options = SftOptions

    @staticmethod
    def run(run: StageRun[SftOptions]) -> Trained:
        from datasets import Dataset
        from trl import SFTConfig, SFTTrainer

        from engine.training.answers import answerer
        from engine.training.saving import save_trained
        from engine.training.watching import Watcher, watched

        spec, options = run.spec, run.options

        # Load
        tokenizer = load_tokenizer(spec.model, options.chat_template)
        rows, held_out = run.rows(("completion",), options.eval_fraction)
        train, encoded, too_long = fitting(tokenizer, rows, ("completion",), options.max_length)
        evaluated, encoded_evaluated, _ = fitting(tokenizer, held_out, ("completion",), options.max_length)
        run.left_out(too_long, f"longer than max_length, {options.max_length} tokens")
        if not train:
            raise NoRows("no row fits into max_length", mend="Raise options.max_length.")
        check_end_of_text(tokenizer, encoded[0], end_tokens(tokenizer, spec.model))
        model = load_model(spec.model, tokenizer, options)
        if options.packing and "flash" not in str(model.config._attn_implementation):
            run.note("packing without flash attention: the rows of a sequence see each other")

        # Build
        answer = answerer(run, tokenizer, lambda: trainer.accelerator.unwrap_model(trainer.model))
        watcher = Watcher(run, answer)
        trainer = watched(SFTTrainer, watcher, lambda batch: rows_in(batch, train, encoded))(
            model=model,
            args=trl_config(
                SFTConfig,
                run,
                batch_of(options, spec.world_size),
                evaluates=bool(evaluated),
                max_length=options.max_length,
                packing=options.packing,
            ),
            train_dataset=Dataset.from_list(_columns(encoded)),
            eval_dataset=Dataset.from_list(_columns(encoded_evaluated)) if evaluated else None,
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


def _columns(encoded: Sequence[Encoded]) -> list[dict[str, list[int]]]:
    return [{"input_ids": one.input_ids, "labels": one.labels} for one in encoded]


def rows_in(batch: Any, rows: Sequence[Row], encoded: Sequence[Encoded]) -> list[str]:
    """The ids of the rows whose tokens are in a batch, packed or not."""
    sequences = [_as_text(each) for each in batch["input_ids"].tolist()]
    return [
        row.id
        for row, one in zip(rows, encoded, strict=True)
        if any(_as_text(one.input_ids) in sequence for sequence in sequences)
    ]


def _as_text(tokens: Sequence[int]) -> str:
    """One character a token, so that finding a row in a batch is finding a text in a text."""
    return "".join(map(chr, (token if token < 0xD800 else token + 0x800 for token in tokens)))
