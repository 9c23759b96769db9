"""The decoding loop: a batch of rows, one token a step, until each has come to its end."""

from __future__ import annotations

import inspect
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from engine.players.transformers.batching import Row
from engine.players.transformers.sampling import Sampler


@dataclass(frozen=True, slots=True)
class Said:
    """What became of a row."""

    tokens: list[int]
    finish_reason: Literal["stop", "length"]
    seconds: float
    error: str | None = None


class Batch:
    """Rows that are generated together, padded on the left. Finished rows leave it once they are a quarter."""

    def __init__(
        self,
        rows: Sequence[Row],
        ends: frozenset[int],
        ends_with_stop: Callable[[Row, Sequence[int]], bool],
        device: torch.device,
    ) -> None:
        self._rows = rows
        self._ends = ends
        self._ends_with_stop = ends_with_stop
        self._device = device
        self._tokens: list[list[int]] = [[] for _ in rows]
        self._began = time.monotonic()
        self.said = [Said(tokens, "length", 0.0) for tokens in self._tokens]

    def run(self, model: Any, pad: int, stopped: threading.Event) -> None:
        """Token after token, until all rows are done."""
        ids, mask = self._padded(pad)
        positions = (mask.cumsum(1) - 1).clamp(min=0)
        sampler = Sampler(self._rows, self._device)
        out = model(
            input_ids=ids, attention_mask=mask, position_ids=positions, use_cache=True, **_last_logits(model)
        )
        position = positions[:, -1]
        here = list(range(len(self._rows)))  # the row in each place of the batch
        for step in range(max(row.limit for row in self._rows)):
            logits = out.logits[:, -1].float()
            chosen = sampler.pick(logits, step)
            alive = self._take(here, chosen.tolist(), logits.isnan().any(1).tolist(), step)
            if not any(alive) or stopped.is_set():
                return
            cache = out.past_key_values
            if sum(alive) <= 0.75 * len(here):
                keep = torch.tensor([place for place, on in enumerate(alive) if on], device=self._device)
                cache.batch_select_indices(keep)
                sampler.keep(keep)
                chosen, mask, position = chosen[keep], mask[keep], position[keep]
                here = [here[place] for place in keep.tolist()]
            position = position + 1
            mask = torch.cat([mask, mask.new_ones(len(here), 1)], dim=1)
            out = model(
                input_ids=chosen[:, None],
                attention_mask=mask,
                position_ids=position[:, None],
                past_key_values=cache,
                use_cache=True,
            )

    def _padded(self, pad: int) -> tuple[torch.Tensor, torch.Tensor]:
        length = max(len(row.ids) for row in self._rows)
        ids = [[pad] * (length - len(row.ids)) + list(row.ids) for row in self._rows]
        mask = [[0] * (length - len(row.ids)) + [1] * len(row.ids) for row in self._rows]
        return torch.tensor(ids, device=self._device), torch.tensor(mask, device=self._device)

    def _take(
        self, here: Sequence[int], chosen: Sequence[int], broken: Sequence[bool], step: int
    ) -> list[bool]:
        """Give each row its token; which places of the batch go on."""
        return [
            self._take_one(row, token, is_broken, step)
            for row, token, is_broken in zip(here, chosen, broken, strict=True)
        ]

    def _take_one(self, number: int, token: int, broken: bool, step: int) -> bool:
        row, tokens = self._rows[number], self._tokens[number]
        if self.said[number].seconds:
            return False  # done before, and still in its place
        if broken:
            return self._end(number, "stop", "the model's logits are NaN")
        tokens.append(token)
        if token in self._ends or self._ends_with_stop(row, tokens):
            return self._end(number, "stop")
        if step + 1 >= row.limit:
            return self._end(number, "length")
        return True

    def _end(self, number: int, reason: Literal["stop", "length"], error: str | None = None) -> bool:
        seconds = time.monotonic() - self._began
        self.said[number] = Said(self._tokens[number], reason, seconds, error)
        return False


def _last_logits(model: Any) -> dict[str, int]:
    """Have the prompt's logits computed for its last token alone, where the model can."""
    return {"logits_to_keep": 1} if "logits_to_keep" in inspect.signature(model.forward).parameters else {}
