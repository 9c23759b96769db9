"""Requests of like length together: what a batch computes is its rows times its longest row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from engine.players.base import ChatRequest


@dataclass(frozen=True, slots=True)
class Row:
    """A request as tokens, with everything settled that decides its answer.

    Attributes:
        ids: token ids of the rendered conversation.
        limit: most new tokens.
        temperature: 0 is greedy.
        top_k, top_p: None for no limit.
        seed: in 0..2**32-1.
    """

    request: ChatRequest
    ids: Sequence[int]
    limit: int
    temperature: float
    top_k: int | None
    top_p: float | None
    seed: int
    stop: tuple[str, ...] = field(default=())

    @property
    def width(self) -> int:
        """Tokens that it may come to."""
        return len(self.ids) + self.limit


def batches(rows: Sequence[Row], batch_size: int, batch_tokens: int) -> Iterator[list[Row]]:
    """Rows by length in batches of at most `batch_size` rows and, unless a single row is more, at most
    `batch_tokens` tokens, padding and new ones included."""
    batch: list[Row] = []
    limit = 0
    for row in sorted(rows, key=lambda r: (len(r.ids), r.limit)):
        limit = max(limit, row.limit)
        # The longest prompt so far is this row's own; the longest answer may be to a shorter one.
        if batch and (len(batch) == batch_size or (len(row.ids) + limit) * (len(batch) + 1) > batch_tokens):
            yield batch
            batch, limit = [], row.limit
        batch.append(row)
    if batch:
        yield batch
