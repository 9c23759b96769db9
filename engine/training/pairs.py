"""Chosen and rejected responses, as TRL's preference trainers take them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from engine.training.chat import Encoded
from engine.training.rows import Messages, Row
from engine.training.sft import rows_in

COLUMNS = ("chosen", "rejected")


def pair_columns(rows: Sequence[Row]) -> list[dict[str, Messages]]:
    """TRL's conversational preference format with an explicit prompt."""
    return [{"prompt": row.prompt, **{name: row.answers[name] for name in COLUMNS}} for row in rows]


def pairs_in(batch: Any, rows: Sequence[Row], chosen: Sequence[Encoded]) -> list[str]:
    """The ids of the pairs in a batch, by their chosen responses, which are its first half."""
    half = batch["input_ids"][: len(batch["input_ids"]) // 2]
    return rows_in({"input_ids": half}, rows, chosen)
