"""How often a reward model puts the chosen response above the rejected one."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.training.chat import encode
from engine.training.rows import Row


def pair_accuracy(model: Any, tokenizer: Any, rows: Sequence[Row], batch_size: int = 32) -> float:
    """The part of pairs, 0 to 1, that the model orders rightly; a tie is half.

    Over pairs, not over batches: a trainer's own figure is a mean of means, which a short last batch bends.
    """
    scores = pair_scores(model, tokenizer, rows, batch_size)
    return sum(1.0 if a > b else 0.5 if a == b else 0.0 for a, b in scores) / len(scores)


def pair_scores(
    model: Any, tokenizer: Any, rows: Sequence[Row], batch_size: int = 32
) -> list[tuple[float, float]]:
    """Scores of each pair's chosen and rejected response."""
    chosen = _scores(model, tokenizer, [(row, "chosen") for row in rows], batch_size)
    rejected = _scores(model, tokenizer, [(row, "rejected") for row in rows], batch_size)
    return list(zip(chosen, rejected, strict=True))


def _scores(model: Any, tokenizer: Any, answers: Sequence[tuple[Row, str]], batch_size: int) -> list[float]:
    import torch

    tokens = [encode(tokenizer, row.prompt, row.answers[name]).input_ids for row, name in answers]
    was_training = model.training
    model.eval()
    scores: list[float] = []
    with torch.no_grad():
        for first in range(0, len(tokens), batch_size):
            batch = tokens[first : first + batch_size]
            longest = max(map(len, batch))
            ids = torch.tensor([one + [tokenizer.pad_token_id] * (longest - len(one)) for one in batch])
            mask = torch.tensor([[1] * len(one) + [0] * (longest - len(one)) for one in batch])
            logits = model(input_ids=ids.to(model.device), attention_mask=mask.to(model.device)).logits
            scores += logits[:, 0].float().tolist()
    model.train(was_training)
    return scores
