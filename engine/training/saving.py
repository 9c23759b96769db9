"""The trained model's folder: weights merged and cast, tokenizer as it was, card, hash, and the result at the end."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.players.transformers.checkpoint import (
    OTHER_FILES,
    read_template,
    template_hash,
    weights_hash,
)
from engine.training.card import model_card
from engine.training.chat import read_template_file
from engine.training.checkpoints import seal
from engine.training.models import load_model
from engine.training.options import LoraOptions, StageOptions
from engine.training.running import StageRun, Trained
from engine.training.spec import ModelKind, StageResult, versions

LIBRARIES = (
    "torch",
    "transformers",
    "trl",
    "accelerate",
    "peft",
    "datasets",
    "tokenizers",
    "safetensors",
    "numpy",
)

UNCHANGED = "the weights are what they were: training changed nothing that is saved"

_WEIGHTS_AND_SHAPE = ("config.json",)


def save_trained(
    run: StageRun[StageOptions],
    trainer: Any,
    model: Any,
    tokenizer: Any,
    *,
    kind: ModelKind = "chat",
    prefix: str = "",
) -> None:
    """Write the trained model into `out/model`, whole or not at all. All processes call this; one writes.

    Args:
        model: what was trained, unwrapped; with an adapter, that is merged into the weights and kept beside.
        prefix: of its weights' names in what the trainer holds, where that holds more.
    """
    held = trainer.accelerator.get_state_dict(trainer.model)
    state: Mapping[str, Any] = {
        name.removeprefix(prefix): value for name, value in held.items() if name.startswith(prefix)
    }
    if not run.is_main:
        return
    part = run.layout.model.with_name("model.part")
    for stale in (part, run.layout.model):
        if stale.exists():
            shutil.rmtree(stale)
    if run.options.lora is not None:
        model, state = _merged(run, run.options.lora, model, state, tokenizer, kind)
    dtype = saved_dtype(run.spec.model, run.options.save_dtype)
    model.save_pretrained(part, state_dict=_cast(state, dtype))
    _state_dtype(part / "config.json", dtype)
    copy_tokenizer(run.spec.model, part, run.options.chat_template)
    seal(part)
    part.replace(run.layout.model)


def describe(run: StageRun[Any], trained: Trained, seconds: float) -> StageResult:
    """Identify the model that was saved and put its card beside it."""
    folder = run.layout.model
    result = StageResult(
        kind=run.spec.kind,
        name=run.spec.name,
        model=Path(folder.name),
        model_kind=trained.kind,
        content_hash=weights_hash(folder),
        start_hash=weights_hash(run.spec.model),
        template_hash=_template_hash(folder),
        world_size=run.spec.world_size,
        rows=trained.rows,
        eval_rows=trained.eval_rows,
        steps=trained.steps,
        seconds=round(seconds, 3),
        resumed_from=run.resumed_from,
        metrics=dict(trained.metrics),
        settings=run.settings,
        versions=dict(versions(LIBRARIES)),
        notes=tuple(run.notes),
    )
    if result.content_hash == result.start_hash:
        result = result.model_copy(update={"notes": (*result.notes, UNCHANGED)})
    (folder / "README.md").write_text(model_card(result, run.spec.lineage), encoding="utf-8")
    seal(folder)
    return result


def copy_tokenizer(start: Path, folder: Path, chat_template: str | None) -> None:
    """The start's tokenizer and generation defaults, byte for byte: nothing of them was trained."""
    for name in OTHER_FILES:
        if name not in _WEIGHTS_AND_SHAPE and (start / name).is_file():
            shutil.copyfile(start / name, folder / name)
    if chat_template is not None:
        template = read_template_file(Path(chat_template))
        (folder / "chat_template.jinja").write_text(template, encoding="utf-8")


def saved_dtype(start: Path, wanted: str) -> Any:
    """The numbers of the saved weights: as asked, or as the start's configuration states."""
    import torch

    if wanted == "auto":
        stated = json.loads((start / "config.json").read_text(encoding="utf-8"))
        wanted = str(stated.get("dtype") or stated.get("torch_dtype") or "float32")
    return getattr(torch, wanted, torch.float32)


def _merged(
    run: StageRun[StageOptions], lora: LoraOptions, model: Any, state: Any, tokenizer: Any, kind: ModelKind
) -> tuple[Any, Mapping[str, Any]]:
    """Keep the adapter, put it onto the start in full precision, and merge: the same for LoRA and QLoRA."""
    from peft import PeftModel

    model.save_pretrained(run.layout.adapter, state_dict=state)
    seal(run.layout.adapter)
    whole = run.options.model_copy(update={"lora": lora.model_copy(update={"load_in_4bit": False})})
    base = load_model(run.spec.model, tokenizer, whole, kind)
    merged = PeftModel.from_pretrained(base, run.layout.adapter).merge_and_unload()
    return merged, merged.state_dict()


def _cast(state: Mapping[str, Any], dtype: Any) -> dict[str, Any]:
    """Cast, with tensors that were shared still shared, so that tied weights are saved once."""
    cast: dict[int, Any] = {}
    for value in state.values():
        if value.data_ptr() not in cast:
            cast[value.data_ptr()] = value.to(dtype) if value.is_floating_point() else value
    return {name: cast[value.data_ptr()] for name, value in state.items()}


def _state_dtype(config: Path, dtype: Any) -> None:
    stated = json.loads(config.read_text(encoding="utf-8"))
    stated["dtype"] = str(dtype).removeprefix("torch.")
    config.write_text(json.dumps(stated, indent=2, sort_keys=True) + "\n", encoding="utf-8")


def _template_hash(folder: Path) -> str | None:
    try:
        return template_hash(read_template(folder))
    except UsageError:
        return None
