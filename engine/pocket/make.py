"""Make the pocket world's checkpoints: python -m engine.pocket.make --out data/pocket

A base model learns right answers everywhere; each player then goes on from it by its own recipe (curriculum.py),
two players at a time, one thread each. Trained in float32, saved and evaluated in bfloat16. The same seed makes the
same files on one machine with one set of libraries; another machine's differ in the last bits.
"""

from __future__ import annotations

import argparse
import json
import math
import multiprocessing
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from safetensors.torch import save as serialized
from torch.nn.functional import cross_entropy
from transformers import LlamaConfig, LlamaForCausalLM

from engine.pocket import tokenizer, world
from engine.pocket.batches import PAD_ID, Encoder, batches, pad_left
from engine.pocket.checker import RIGHT, check
from engine.pocket.curriculum import BASE_STEPS, RECIPES, TARGET, Lesson, base_lesson
from engine.pocket.ladders import CATEGORIES
from engine.pocket.tasks import generate, to_jsonl
from engine.records import Conversation, Prompt

LEARNING_RATE = 0.015
"""Muon's, at its highest. After 400 steps of 128 lessons its loss was 0.67 where AdamW's was 1.68."""
ADAMW_LEARNING_RATE = 0.003
WARM_UP_STEPS = 50
LAST_LEARNING_RATE = 0.05
"""At the end of the cosine, as a part of the highest."""
TEMPERATURE = 0.7
MAX_NEW_TOKENS = 24
CONFIG: dict[str, Any] = {
    "architectures": ["LlamaForCausalLM"],
    "model_type": "llama",
    "hidden_size": 96,
    "intermediate_size": 224,
    "num_hidden_layers": 4,
    "num_attention_heads": 3,
    "num_key_value_heads": 3,
    "head_dim": 32,
    "max_position_embeddings": tokenizer.MAX_LENGTH,
    "tie_word_embeddings": True,
    "bos_token_id": None,
    "dtype": "bfloat16",
}
"""436 thousand parameters. Heads of 32, the smallest size that servers' attention kernels take."""


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m engine.pocket.make", description=__doc__)
    parser.add_argument("--out", type=Path, required=True, help="folder to write the world into")
    parser.add_argument(
        "--steps", type=int, default=BASE_STEPS, help="of the base model; the rest in proportion"
    )
    parser.add_argument("--seed", type=int, default=world.SEED)
    parser.add_argument("--jobs", type=int, default=2, help="players trained at a time, one thread each")
    given = parser.parse_args(arguments)
    make(given.out, given.steps, given.seed, given.jobs)


def make(out: Path, steps: int = BASE_STEPS, seed: int = world.SEED, jobs: int = 2) -> None:
    """Write a whole world into a folder: checkpoints, prompts, checksums and facts.

    Args:
        out: made where it is missing; files of an earlier world are replaced.
        steps: training steps of the base model; every player's own are scaled with it.
        seed: of weights, lessons and prompts.
        jobs: processes that train players.
    """
    began = time.monotonic()
    prompts = generate("test", world.TEST_PROMPTS, seed)
    with TemporaryDirectory() as scratch:
        base = Path(scratch) / "base.safetensors"
        _train_base(base, steps, seed)
        tasks = [_PlayerTask(name, base, out, steps / BASE_STEPS, seed, prompts) for name in _by_length()]
        accuracies = _train_players(tasks, jobs)
    (out / world.PROMPTS_FILE).write_text(to_jsonl(prompts), encoding="utf-8", newline="\n")
    sums = world.checksum_lines(out, world.summed_files(out))
    (out / world.CHECKSUMS).write_text(sums, encoding="utf-8", newline="\n")
    _write_json(out / world.FACTS_FILE, _facts(steps, seed, accuracies))
    print(f"made {out} in {time.monotonic() - began:.0f} s", flush=True)


@dataclass(frozen=True)
class _PlayerTask:
    """What a process needs to train one player."""

    name: str
    base: Path
    out: Path
    scale: float
    seed: int
    prompts: tuple[Prompt, ...]


def _by_length() -> list[str]:
    """Players, the longest training first, so that two processes end at about the same time."""
    return sorted(RECIPES, key=lambda name: -RECIPES[name].steps)


def _train_base(path: Path, steps: int, seed: int) -> None:
    _be_deterministic(f"{seed} base")
    model = LlamaForCausalLM(_config(seed))
    train(model, base_lesson, steps, LEARNING_RATE, Random(f"{seed} base"), "base")
    save_file(_weights(model), path)


def _train_players(tasks: Sequence[_PlayerTask], jobs: int) -> dict[str, dict[str, float]]:
    """Each player's part of right answers by category."""
    if jobs == 1:
        found = [_train_player(task) for task in tasks]
    else:
        with ProcessPoolExecutor(jobs, multiprocessing.get_context("spawn")) as processes:
            found = list(processes.map(_train_player, tasks))
    accuracies = dict(zip((task.name for task in tasks), found, strict=True))
    return {name: accuracies[name] for name in world.PLAYERS}


def _train_player(task: _PlayerTask) -> dict[str, float]:
    recipe = RECIPES[task.name]
    _be_deterministic(f"{task.seed} {task.name}")
    model = LlamaForCausalLM(_config(task.seed))
    model.load_state_dict(load_file(task.base), strict=False)
    steps = max(1, round(recipe.steps * task.scale))
    train(model, recipe.lesson, steps, recipe.learning_rate, Random(f"{task.seed} {task.name}"), task.name)
    folder = world.model_path(task.name, task.out)
    save(model, folder, task.seed)
    accuracy = accuracies(LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32), task.prompts)
    print(f"{task.name} saved: {accuracy['all']:.0%} right", flush=True)
    return accuracy


def _be_deterministic(seed: str) -> None:
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(Random(seed).getrandbits(63))


def _config(seed: int) -> LlamaConfig:
    return LlamaConfig(**CONFIG, **_tokens(), **_identity(seed))


def _identity(seed: int) -> dict[str, Any]:
    return {"pocket_world": {"version": world.VERSION, "seed": seed}}


def _tokens() -> dict[str, int]:
    ids = tokenizer.vocabulary()
    return {
        "vocab_size": len(ids),
        "pad_token_id": ids[tokenizer.PAD],
        "eos_token_id": ids[tokenizer.END],
    }


def train(
    model: LlamaForCausalLM,
    lesson: Callable[[Random], Lesson],
    steps: int,
    learning_rate: float,
    rng: Random,
    label: str,
) -> None:
    """Train in place on lessons drawn on the fly; the loss is on the answers of open turns alone.

    Args:
        learning_rate: Muon's (hidden matrices) at its highest; AdamW takes the rest in the same schedule.
        label: what progress lines begin with.
    """
    optimizers = _optimizers(model, learning_rate)
    schedules = [
        torch.optim.lr_scheduler.LambdaLR(each, lambda step: _rate(step, steps)) for each in optimizers
    ]
    progress = _Progress(label, steps)
    model.train()
    for step, (ids, learnt) in zip(range(1, steps + 1), batches(lesson, rng), strict=False):
        loss = _loss(model, torch.tensor(ids), torch.tensor(learnt))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for part in (*optimizers, *schedules):
            part.step()
        model.zero_grad()
        progress.tell(step, loss.item())
    model.eval()


def _optimizers(model: LlamaForCausalLM, learning_rate: float) -> list[torch.optim.Optimizer]:
    matrices = [each for name, each in model.named_parameters() if each.ndim == 2 and "embed" not in name]
    others = [each for name, each in model.named_parameters() if each.ndim != 2 or "embed" in name]
    return [
        torch.optim.Muon(matrices, lr=learning_rate, weight_decay=0.01),
        torch.optim.AdamW(others, lr=ADAMW_LEARNING_RATE, betas=(0.9, 0.98), weight_decay=0.0),
    ]


def _rate(step: int, steps: int) -> float:
    """Warm-up, then a cosine, as a part of the highest learning rate."""
    cosine = 0.5 * (1 + math.cos(math.pi * min(step / steps, 1)))
    return min(1, (step + 1) / WARM_UP_STEPS) * (LAST_LEARNING_RATE + (1 - LAST_LEARNING_RATE) * cosine)


def _loss(model: LlamaForCausalLM, ids: torch.Tensor, learnt: torch.Tensor) -> torch.Tensor:
    hidden = model.model(input_ids=ids[:, :-1]).last_hidden_state
    after = learnt[:, 1:]
    return cross_entropy(model.lm_head(hidden[after]), ids[:, 1:][after])


class _Progress:
    """A line every ten seconds and at the end: steps done, mean loss since the last line, time left."""

    def __init__(self, label: str, steps: int) -> None:
        self.label, self.steps = label, steps
        self.began = self.told = time.monotonic()
        self.losses: list[float] = []

    def tell(self, step: int, loss: float) -> None:
        self.losses.append(loss)
        now = time.monotonic()
        if now - self.told < 10 and step < self.steps:
            return
        left = (now - self.began) / step * (self.steps - step)
        mean = sum(self.losses) / len(self.losses)
        print(f"{self.label} {step}/{self.steps} loss {mean:.3f} {left:.0f} s left", flush=True)
        self.told, self.losses = now, []


def _weights(model: LlamaForCausalLM) -> dict[str, torch.Tensor]:
    """All but the tied output layer."""
    return {
        name: value.contiguous() for name, value in model.state_dict().items() if name != "lm_head.weight"
    }


def save(model: LlamaForCausalLM, folder: Path, seed: int) -> None:
    """Write a checkpoint in bfloat16, with configuration and tokenizer."""
    folder.mkdir(parents=True, exist_ok=True)
    weights = {name: value.to(torch.bfloat16) for name, value in _weights(model).items()}
    (folder / "model.safetensors").write_bytes(serialized(weights, metadata={"format": "pt"}))
    tokens = _tokens()
    _write_json(folder / "config.json", {**CONFIG, **tokens, **_identity(seed)})
    generation = {key: tokens[key] for key in ("pad_token_id", "eos_token_id")}
    _write_json(folder / "generation_config.json", generation)
    tokenizer.write(folder)


def accuracies(model: LlamaForCausalLM, prompts: Sequence[Prompt]) -> dict[str, float]:
    """The part of prompts answered rightly at ``TEMPERATURE``, 0 to 1, by category and over `all`."""
    conversations = [prompt.conversation for prompt in prompts if prompt.conversation is not None]
    found = answer(model, conversations)
    right = [check(*pair).score == RIGHT for pair in zip(conversations, found, strict=True)]
    by_category = {
        name: [hit for hit, prompt in zip(right, prompts, strict=True) if prompt.category == name]
        for name in CATEGORIES
    }
    return {name: round(sum(hits) / len(hits), 3) for name, hits in ({"all": right} | by_category).items()}


def answer(
    model: LlamaForCausalLM,
    conversations: Sequence[Conversation],
    temperature: float = TEMPERATURE,
    seed: int = 0,
) -> list[list[str]]:
    """Sample a text for every open turn, turn by turn, each after the model's own earlier ones."""
    torch.manual_seed(seed)
    encoder = Encoder()
    histories: list[list[int]] = [[] for _ in conversations]
    answers: list[list[str]] = [[] for _ in conversations]
    for turn in range(max(len(each.messages) for each in conversations)):
        asked = []
        for index, conversation in enumerate(conversations):
            message = conversation.messages[turn] if turn < len(conversation.messages) else None
            if message is not None and message.content is not None:
                histories[index] += encoder.turn(message.role, message.content)
            elif message is not None:
                asked.append(index)
        texts = _complete(
            model, encoder, [histories[index] + encoder.opening() for index in asked], temperature
        )
        for index, text in zip(asked, texts, strict=True):
            answers[index].append(text)
            histories[index] += encoder.turn("assistant", text)
    return answers


def _complete(
    model: LlamaForCausalLM, encoder: Encoder, histories: Sequence[list[int]], temperature: float
) -> list[str]:
    if not histories:
        return []
    ids = torch.tensor(pad_left(histories))
    sampling = {"do_sample": True, "temperature": temperature} if temperature else {"do_sample": False}
    made = model.generate(
        ids, attention_mask=(ids != PAD_ID).long(), max_new_tokens=MAX_NEW_TOKENS, top_k=0, **sampling
    )
    return [encoder.text(row.tolist()) for row in made[:, ids.shape[1] :]]


def _facts(steps: int, seed: int, accuracies: dict[str, dict[str, float]]) -> dict[str, Any]:
    return {
        "version": world.VERSION,
        "seed": seed,
        "steps": steps,
        "target": TARGET,
        "temperature": TEMPERATURE,
        "max_new_tokens": MAX_NEW_TOKENS,
        "test_prompts": world.TEST_PROMPTS,
        "libraries": {name: version(name) for name in ("torch", "transformers", "tokenizers", "safetensors")},
        "right": accuracies,
    }


def _write_json(path: Path, content: dict[str, Any]) -> None:
    path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8", newline="\n")


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
