"""Models in memory: loaded to train, with an adapter where one is asked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from engine.errors import MissingExtra, UserError
from engine.players.transformers.checkpoint import checked
from engine.training.options import LoraOptions, StageOptions


def has_accelerator(options: StageOptions) -> bool:
    """Whether training runs on a GPU or its like."""
    import torch

    return options.device == "auto" and bool(torch.accelerator.is_available())


def computes_in_bf16(options: StageOptions) -> bool:
    """As the options say; without that where a GPU can. A CPU can too, but not the same way on every machine."""
    import torch

    if options.bf16 is not None:
        return options.bf16
    return has_accelerator(options) and torch.cuda.is_available() and torch.cuda.is_bf16_supported()


def load_model(
    folder: Path, tokenizer: Any, options: StageOptions, head: Literal["chat", "reward"] = "chat"
) -> Any:
    """The model in a folder in float32, which small steps need; in 4 bits for QLoRA.

    Args:
        head: `reward` puts a score of one number in place of the vocabulary.

    Raises:
        UserError: the folder holds no model, or one that cannot be loaded.
    """
    import torch
    from safetensors import SafetensorError
    from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

    checked(folder)
    loader: Any = AutoModelForCausalLM if head == "chat" else AutoModelForSequenceClassification
    more: dict[str, Any] = {} if head == "chat" else {"num_labels": 1}
    if options.lora is not None and options.lora.load_in_4bit:
        more |= {"quantization_config": _four_bits(), "device_map": {"": _own_device()}}
    try:
        model = loader.from_pretrained(
            folder, dtype=torch.float32, local_files_only=True, trust_remote_code=False, **more
        )
    except (OSError, ValueError, KeyError, RuntimeError, SafetensorError) as error:
        if isinstance(error, torch.OutOfMemoryError):
            raise
        raise UserError(
            f"the model in '{folder}' cannot be loaded",
            " ".join(str(error).split())[:400],
            "Give a folder that transformers loads.",
        ) from None
    if model.config.pad_token_id is None:
        model.config.pad_token_id = tokenizer.pad_token_id
    return model


def lora_config(lora: LoraOptions | None, head: Literal["chat", "reward"] = "chat") -> Any:
    """peft's configuration; None trains all weights.

    Raises:
        MissingExtra: peft is not installed.
        UserError: `lora.peft` names a field that there is not.
    """
    if lora is None:
        return None
    try:
        from peft import LoraConfig
    except ImportError:
        raise MissingExtra("lora", "train", "peft") from None
    modules = lora.target_modules if isinstance(lora.target_modules, str) else list(lora.target_modules)
    ours: dict[str, Any] = {
        "r": lora.r,
        "lora_alpha": lora.alpha,
        "lora_dropout": lora.dropout,
        "target_modules": modules,
        "task_type": "CAUSAL_LM" if head == "chat" else "SEQ_CLS",
        "modules_to_save": None if head == "chat" else ["score"],
    }
    try:
        return LoraConfig(**(ours | lora.peft))
    except TypeError as error:
        raise UserError("options.lora.peft is wrong", str(error)) from None


def _own_device() -> int:
    """Of several processes each holds its quantised weights on a GPU of its own from the start."""
    from accelerate import PartialState

    return int(PartialState().local_process_index)


def _four_bits() -> Any:
    from importlib.util import find_spec

    import torch
    from transformers import BitsAndBytesConfig

    if find_spec("bitsandbytes") is None:
        raise MissingExtra("lora.load_in_4bit", "", "bitsandbytes")
    return BitsAndBytesConfig(
        load_in_4bit=True, bnb_4bit_quant_type="nf4", bnb_4bit_compute_dtype=torch.bfloat16
    )
