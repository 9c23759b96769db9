"""The options of the stages, typed, with the paper's values as defaults.

Each field says where its default comes from; None leaves the value to TRL. Anything else that TRL's own
configuration knows is passed through under `trl`, by TRL's name.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field

from engine.plugin_options import PluginOptions
from engine.training.spec import Origin, Setting


def default(value: Any, origin: Origin, description: str, **limits: Any) -> Any:
    """A field with its default and where that comes from."""
    return Field(value, description=description, json_schema_extra={"origin": origin}, **limits)


class LoraOptions(PluginOptions):
    """A low-rank adapter that is trained in place of the weights, and merged into them at the end."""

    r: int = Field(default=16, ge=1, description="rank")
    alpha: int = Field(default=32, ge=1, description="scale: what is added is multiplied by alpha / r")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="dropout before the adapter")
    target_modules: tuple[str, ...] | Literal["all-linear"] = Field(
        default="all-linear", description="layers that get an adapter"
    )
    load_in_4bit: bool = Field(
        default=False, description="QLoRA: hold the frozen weights in 4 bits (bitsandbytes)"
    )
    peft: dict[str, Any] = Field(default={}, description="other fields of peft's LoraConfig, by its names")


class StageOptions(PluginOptions):
    """What every stage with a trainer takes."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    learning_rate: float = default(5e-6, "paper", "learning rate at its highest", gt=0)
    num_train_epochs: float = default(3, "paper", "passes over the rows", gt=0)
    max_steps: int | None = default(None, "trl", "stop after so many steps, whatever the passes", ge=1)
    batch_size: int = default(
        128,
        "paper",
        "rows of one step, over all processes; what a step computes does not depend on how many",
        ge=1,
    )
    per_device_batch_size: int | None = default(
        None,
        "arena-tui",
        "rows that are in memory at a time; without it, the largest part of batch_size up to 8",
        ge=1,
    )
    lr_scheduler_type: str | None = default(None, "trl", "how the learning rate falls")
    warmup_steps: float | None = default(
        None, "trl", "steps over which the learning rate rises; below 1, a part of all steps", ge=0
    )
    weight_decay: float | None = default(None, "trl", "weight decay of AdamW", ge=0)
    device: Literal["auto", "cpu"] = default("auto", "arena-tui", "auto takes a GPU where there is one")
    bf16: bool | None = default(
        None, "arena-tui", "compute in bfloat16; without it, where a GPU can, and never on a CPU"
    )
    gradient_checkpointing: bool | None = default(
        None, "arena-tui", "compute activations twice to hold fewer; without it, on a GPU"
    )
    save_dtype: Literal["auto", "float32", "bfloat16", "float16"] = default(
        "auto", "arena-tui", "numbers of the saved weights; auto: as those that training started from"
    )
    num_threads: int = default(
        1, "arena-tui", "CPU threads a process; another number changes the last digits", ge=1
    )
    eval_fraction: float = default(
        0.0, "arena-tui", "part of the prompts whose rows are evaluated on and not trained on", ge=0, lt=1
    )
    logging_steps: int = default(1, "arena-tui", "steps between two lines of metrics", ge=1)
    save_steps: int | None = default(
        None, "arena-tui", "steps between two checkpoints and evaluations; without it, one a pass", ge=1
    )
    report_to: tuple[str, ...] = default(
        (),
        "arena-tui",
        "trackers beside our own metrics: tensorboard, trackio, wandb, or another that TRL knows",
    )
    chat_template: str | None = default(
        None, "arena-tui", "file with the chat template, for a tokenizer that has none; saved with the model"
    )
    lora: LoraOptions | None = default(None, "arena-tui", "train an adapter in place of all weights")
    trl: dict[str, Any] = Field(default={}, description="other fields of TRL's configuration, by TRL's names")


class SftOptions(StageOptions):
    """Options of `sft`."""

    max_length: int = default(4096, "paper", "tokens of a row; longer ones are left out and counted", ge=8)
    packing: bool = default(
        False,
        "trl",
        "put several rows into one sequence of max_length; rows see only themselves on flash attention",
    )


class DpoOptions(StageOptions):
    """Options of `dpo`."""

    learning_rate: float = default(5e-7, "paper", "learning rate at its highest", gt=0)
    num_train_epochs: float = default(2, "paper", "passes over the pairs", gt=0)
    batch_size: int = default(128, "arena-tui", "pairs of one step; the paper states 128 for sft alone", ge=1)
    max_length: int = default(
        4096, "arena-tui", "tokens of prompt and answer, as for sft; longer pairs are left out", ge=8
    )
    beta: float = default(0.3, "paper", "how much leaving the reference model costs", gt=0)
    loss_type: tuple[str, ...] = default(
        ("sigmoid",), "trl", "losses that are added up, such as [sigmoid, sft]", min_length=1
    )
    loss_weights: tuple[float, ...] | None = default(None, "trl", "weight of each loss; without it, 1")


class RewardOptions(StageOptions):
    """Options of `reward`."""

    learning_rate: float = default(1e-6, "paper", "learning rate at its highest", gt=0)
    num_train_epochs: float = default(1, "paper", "passes over the pairs", gt=0)
    batch_size: int = default(128, "arena-tui", "pairs of one step; the paper states 128 for sft alone", ge=1)
    max_length: int = default(
        4096, "arena-tui", "tokens of prompt and answer, as for sft; longer pairs are left out", ge=8
    )
    eval_fraction: float = default(
        0.1,
        "arena-tui",
        "part of the prompts that accuracy is measured on; none of their pairs is trained on",
        ge=0,
        lt=1,
    )


class OnlineOptions(StageOptions):
    """What stages share that let the model answer while it trains."""

    response_length: int = default(1024, "arena-tui", "most new tokens of an answer", ge=1)
    temperature: float = default(0.7, "arena-tui", "temperature of the answers that are trained on", gt=0)
    max_prompt_length: int = default(
        3072, "arena-tui", "tokens of a prompt; longer ones are left out and counted", ge=1
    )
    reward: str | None = default(
        None,
        "arena-tui",
        "what scores an answer where no reward model does: pocket, or MODULE:FUNCTION of your own",
    )


class PpoOptions(OnlineOptions):
    """Options of `ppo`."""

    learning_rate: float = default(1e-7, "paper", "learning rate at its highest", gt=0)
    num_train_epochs: float = default(1, "paper", "passes over the prompts", gt=0)
    batch_size: int = default(
        128, "arena-tui", "answers of one update; the paper states 128 for sft alone", ge=1
    )
    kl_coef: float = default(0.4, "paper", "how much leaving the reference model costs", ge=0)
    num_ppo_epochs: int = default(4, "trl", "passes over the answers of one update", ge=1)
    value_start: Literal["reward", "policy"] = default(
        "reward", "trl", "weights that the value model starts from; policy where no reward model is given"
    )
    missing_eos_penalty: float | None = default(
        None, "trl", "what an answer that does not end loses of its reward", gt=0
    )


class GrpoOptions(OnlineOptions):
    """Options of `grpo`, which the paper does not have."""

    learning_rate: float = default(1e-6, "trl", "learning rate at its highest", gt=0)
    num_train_epochs: float = default(1, "arena-tui", "passes over the prompts, as ppo", gt=0)
    batch_size: int = default(128, "arena-tui", "answers of one step, those to one prompt together", ge=1)
    num_generations: int = default(
        8, "trl", "answers to each prompt, which are compared with each other", ge=2
    )
    beta: float = default(
        0.0, "trl", "weight of the KL divergence from the start; 0 holds no reference model", ge=0
    )
    temperature: float = default(1.0, "trl", "temperature of the answers that are trained on", gt=0)


class ExternalOptions(PluginOptions):
    """Options of `external`."""

    command: str = Field(
        description="the user's own trainer: words with {model}, {data}, {eval_data}, {reference}, {reward_model}, "
        "{out}, {seed}, {name}; it leaves a model's folder at {out}"
    )
    model_kind: Literal["chat", "reward"] = Field(default="chat", description="what it trains")
    env: dict[str, str] = Field(default={}, description="further environment variables")


def settings(options: PluginOptions) -> tuple[Setting, ...]:
    """Every option with its value and where that came from, without importing a trainer."""
    return tuple(
        Setting(name=name, value=_plain(getattr(options, name)), origin=origin_of(options, name))
        for name in type(options).model_fields
    )


def origin_of(options: PluginOptions, name: str) -> Origin:
    """Where an option's value came from."""
    if name in options.model_fields_set:
        return "given"
    extra = type(options).model_fields[name].json_schema_extra
    origin: Any = extra.get("origin", "arena-tui") if isinstance(extra, dict) else "arena-tui"
    return origin  # type: ignore[no-any-return]


def _plain(value: Any) -> Any:
    return value.model_dump(mode="json") if isinstance(value, PluginOptions) else value
