"""The rows that a stage trains on: read, checked, and split by prompt."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine import keys
from engine.errors import UserError

Messages = list[dict[str, str]]

ROLES = ("system", "user", "assistant", "tool")

MOST_TOLD = 5


@dataclass(frozen=True, slots=True)
class Row:
    """One row of training data.

    Attributes:
        id: the row's own `id`, else file and line.
        prompt: the conversation up to the answer, ending with a user's turn.
        answers: the other columns (completion; chosen, rejected) as messages that begin with an assistant's turn.
    """

    id: str
    prompt: Messages
    answers: Mapping[str, Messages]

    @property
    def prompt_key(self) -> str:
        """Rows with one key are about the same prompt."""
        return keys.content_hash([[m["role"], m["content"]] for m in self.prompt])


def read_rows(files: Sequence[Path], columns: Sequence[str]) -> list[Row]:
    """All rows of the files, in order.

    Args:
        columns: what a row needs beside `prompt`: a text, or a list of messages.

    Raises:
        UserError: a file cannot be read, or holds rows that cannot be trained on; with file and line of the first.
    """
    rows: list[Row] = []
    wrong: list[str] = []
    for file in files:
        for place, found in _read(file):
            try:
                rows.append(_row(place, found, columns))
            except ValueError as error:
                wrong.append(f"  {place}: {error}")
    if wrong:
        more = [f"  and {len(wrong) - MOST_TOLD} more"] if len(wrong) > MOST_TOLD else []
        raise UserError(
            f"{len(wrong)} rows cannot be trained on",
            "\n".join(wrong[:MOST_TOLD] + more),
            f"A row has {', '.join(('prompt', *columns))}: a text, or a list of messages with role and content.",
        )
    return rows


def split_by_prompt(rows: Sequence[Row], fraction: float, seed: int) -> tuple[list[Row], list[Row]]:
    """Rows to train on and rows to evaluate on; the rows of one prompt all fall on one side.

    A prompt's side depends on the seed and its text alone, so that further rows move none.
    """
    train: list[Row] = []
    held_out: list[Row] = []
    for row in rows:
        (held_out if _draw(row.prompt_key, seed) < fraction else train).append(row)
    return train, held_out


def _draw(key: str, seed: int) -> float:
    digest = hashlib.sha256(f"{seed}/{key}".encode()).digest()
    return int.from_bytes(digest[:8], "big") / 2**64


def _row(place: str, found: Any, columns: Sequence[str]) -> Row:
    if not isinstance(found, dict):
        raise ValueError("it is no object")
    missing = [name for name in ("prompt", *columns) if found.get(name) is None]
    if missing:
        raise ValueError(f"it has no {' and no '.join(missing)}")
    prompt = _messages(found["prompt"], "user", "prompt")
    answers = {name: _messages(found[name], "assistant", name) for name in columns}
    if prompt[-1]["role"] == "assistant":
        raise ValueError("its prompt ends with an assistant's turn, so that nothing is asked")
    for name, messages in answers.items():
        if messages[0]["role"] != "assistant" or messages[-1]["role"] != "assistant":
            raise ValueError(f"its {name} does not begin and end with an assistant's turn")
    return Row(str(found.get("id") or place), prompt, answers)


def _messages(value: Any, role: str, column: str) -> Messages:
    """A column as messages; a text is one message."""
    if isinstance(value, str):
        return [{"role": role, "content": _readable(value)}]
    if not isinstance(value, list) or not value:
        raise ValueError(f"its {column} is neither a text nor a list of messages")
    for message in value:
        if not isinstance(message, dict) or message.get("role") not in ROLES:
            raise ValueError(f"its {column} holds something else than messages")
        if not isinstance(message.get("content"), str):
            raise ValueError(f"its {column} holds a message without text")
    return [{"role": message["role"], "content": _readable(message["content"])} for message in value]


def _readable(text: str) -> str:
    """A lone surrogate has no bytes and so no tokens: it becomes U+FFFD, as a player reads it."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _read(file: Path) -> Iterator[tuple[str, Any]]:
    try:
        yield from _read_parquet(file) if file.suffix == ".parquet" else _read_jsonl(file)
    except OSError as error:
        raise UserError(f"the training rows in '{file}' cannot be read", str(error)) from None


def _read_jsonl(file: Path) -> Iterator[tuple[str, Any]]:
    with file.open("rb") as lines:
        for number, line in enumerate(lines, start=1):
            if line.strip():
                try:
                    yield f"{file.name}:{number}", json.loads(line)
                except ValueError:
                    yield f"{file.name}:{number}", None


def _read_parquet(file: Path) -> Iterator[tuple[str, Any]]:
    import pyarrow
    import pyarrow.parquet

    try:
        table = pyarrow.parquet.read_table(file)
    except pyarrow.ArrowInvalid as error:
        raise UserError(f"'{file}' is no Parquet file", str(error)) from None
    for number, row in enumerate(table.to_pylist(), start=1):
        yield f"{file.name}:{number}", row
