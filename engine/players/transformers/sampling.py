"""From logits to tokens: temperature, top_k, top_p, and one draw for each row and step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from engine.players.transformers.batching import Row
from engine.players.transformers.draws import SEEDS, uniforms

BLOCK = 64
"""Steps whose draws are made at a time."""


class Sampler:
    """One token for each row of a batch, from its logits and its draw. Rows keep to themselves."""

    def __init__(self, rows: Sequence[Row], device: torch.device) -> None:
        self._seeds = np.array([row.seed % SEEDS for row in rows], dtype=np.uint64)
        self._draws = torch.empty(0)
        # Greedy rows are divided by 1 and drawn for nothing; their largest logit is taken instead.
        self._greedy = torch.tensor([row.temperature == 0 for row in rows], device=device)
        self._temperature = torch.tensor([row.temperature or 1.0 for row in rows], device=device)
        self._top_k = torch.tensor([row.top_k or 0 for row in rows], device=device)
        self._top_p = torch.tensor([1.0 if row.top_p is None else row.top_p for row in rows], device=device)

    def keep(self, places: torch.Tensor) -> None:
        """Go on with these places of the batch only."""
        self._seeds = self._seeds[places.cpu().numpy()]
        self._draws = self._draws[places] if len(self._draws) else self._draws
        self._greedy = self._greedy[places]
        self._temperature = self._temperature[places]
        self._top_k = self._top_k[places]
        self._top_p = self._top_p[places]

    def pick(self, logits: torch.Tensor, step: int) -> torch.Tensor:
        """Token ids of shape (rows,) from logits of shape (rows, vocabulary). Steps count from 0, one by one."""
        if bool(self._greedy.all()):
            return logits.argmax(1)
        if step % BLOCK == 0:
            self._draws = torch.from_numpy(uniforms(self._seeds, step, BLOCK)).to(logits.device)
        draws = self._draws[:, step % BLOCK, None]
        scaled = logits / self._temperature[:, None]
        sampled = _inverse(scaled, draws)
        narrowed = (self._top_k > 0) | (self._top_p < 1)
        if bool(narrowed.any()):
            # Only the rows that ask for it: their draws are read in another order of the vocabulary.
            sampled[narrowed] = self._pick_narrowed(scaled[narrowed], draws[narrowed], narrowed)
        return torch.where(self._greedy, logits.argmax(1), sampled)

    def _pick_narrowed(
        self, scaled: torch.Tensor, draws: torch.Tensor, narrowed: torch.Tensor
    ) -> torch.Tensor:
        """As `pick` with top_k and then top_p, in the order in which transformers applies them."""
        ordered, order = scaled.sort(dim=1, descending=True, stable=True)
        top_k = self._top_k[narrowed, None]
        places = torch.arange(ordered.shape[1], device=ordered.device)
        ordered = ordered.masked_fill((top_k > 0) & (places >= top_k), -torch.inf)
        shares = ordered.softmax(1)
        outside = (shares.cumsum(1) - shares) >= self._top_p[narrowed, None]
        outside[:, 0] = False
        return order.gather(1, _inverse(ordered.masked_fill(outside, -torch.inf), draws)[:, None])[:, 0]


def _inverse(logits: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """The token whose stretch of the cumulative distribution holds the draw; in float64, for large vocabularies."""
    cumulative = logits.double().softmax(1).cumsum(1)
    places = torch.searchsorted(cumulative, draws * cumulative[:, -1:], right=True)[:, 0]
    return places.clamp(max=logits.shape[1] - 1)
