"""The answers of the model in training to a few fixed prompts, so that a person sees what it becomes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from engine.training.chat import render
from engine.training.options import StageOptions
from engine.training.running import StageRun

NEW_TOKENS = 256


def no_answers(step: int) -> None:
    """For models that answer nothing, as reward models do."""


def answerer(
    run: StageRun[StageOptions], tokenizer: Any, model: Callable[[], Any], new_tokens: int = NEW_TOKENS
) -> Callable[[int], None]:
    """A function that has the spec's probes answered greedily and tells them with a step.

    Args:
        model: gives the model in training, once there is one.
    """
    probes = [[dict(message) for message in probe] for probe in run.spec.probes]
    if probes and run.is_main and _is_sharded():
        run.note("no answers to the fixed prompts: the model's weights are spread over several processes")
    told: list[int] = []

    def answer(step: int) -> None:
        if not probes or not run.is_main or _is_sharded() or step in told:
            return
        told.append(step)
        texts = greedy_answers(model(), tokenizer, probes, new_tokens)
        run.facts.tell("answers", step=step, answers=texts)

    return answer


def greedy_answers(
    model: Any, tokenizer: Any, conversations: Sequence[list[dict[str, str]]], new_tokens: int
) -> list[str]:
    """One answer to each conversation, at temperature 0; the model and the random state are left as they were."""
    import torch

    was_training = model.training
    caches = getattr(model.config, "use_cache", True)
    model.eval()
    model.config.use_cache = True
    texts = []
    try:
        with torch.random.fork_rng(), torch.no_grad():
            for conversation in conversations:
                ids = render(tokenizer, conversation, open_turn=True)
                asked = torch.tensor([ids], device=model.device)
                out = model.generate(
                    input_ids=asked,
                    attention_mask=torch.ones_like(asked),
                    do_sample=False,
                    max_new_tokens=new_tokens,
                    pad_token_id=tokenizer.pad_token_id,
                    eos_token_id=tokenizer.eos_token_id,
                )
                texts.append(str(tokenizer.decode(out[0, len(ids) :], skip_special_tokens=True)))
    finally:
        model.config.use_cache = caches
        model.train(was_training)
    return texts


def _is_sharded() -> bool:
    from accelerate.state import AcceleratorState

    kind = str(getattr(AcceleratorState(), "distributed_type", "")) if AcceleratorState._shared_state else ""
    return "FSDP" in kind or "DEEPSPEED" in kind
