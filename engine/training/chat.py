"""Conversations as tokens: the chat template, what of a row is learnt, where an answer ends, and parity."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import UserError
from engine.training.rows import Messages, Row

IGNORED = -100
"""The label of a token that is not learnt, as torch's cross entropy has it."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A row as tokens.

    Attributes:
        input_ids: the whole conversation.
        labels: the same where a token is learnt, IGNORED elsewhere.
    """

    input_ids: list[int]
    labels: list[int]


def load_tokenizer(folder: Path, chat_template: str | None = None) -> Any:
    """A model's tokenizer, with a template of the plan's in place of its own where one is named.

    Raises:
        UserError: it cannot be read, or neither it nor the plan has a chat template.
    """
    from transformers import AutoTokenizer

    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise UserError(
            f"the tokenizer in '{folder}' cannot be read", " ".join(str(error).split())[:300]
        ) from None
    if chat_template is not None:
        tokenizer.chat_template = read_template_file(Path(chat_template))
    if not tokenizer.chat_template:
        raise UserError(
            f"the tokenizer of '{folder}' has no chat template",
            "Without one a conversation cannot be made into text, neither here nor where the model is served.",
            "Name a file with one: options.chat_template = FILE. It is saved with the trained model.",
        )
    return tokenizer


def read_template_file(path: Path) -> str:
    """Raises:
    UserError: the file cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the chat template '{path}' cannot be read", str(error)) from None


def render(tokenizer: Any, messages: Messages, *, open_turn: bool) -> list[int]:
    """Token ids of a conversation, as the transformers player has them.

    Args:
        open_turn: whether an assistant's turn is begun at the end.

    Raises:
        UserError: the template refuses the conversation.
    """
    try:
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=open_turn)
    except Exception as error:  # a template is a program of its own, and may raise anything
        raise UserError(
            "the chat template refuses a conversation", " ".join(str(error).split())[:300]
        ) from error
    return list(tokenizer(text, add_special_tokens=False)["input_ids"])


def encode(tokenizer: Any, prompt: Messages, answer: Messages) -> Encoded:
    """A conversation with the assistant's turns of the answer to be learnt, each with its end, and nothing else.

    Raises:
        UserError: the template writes a conversation differently once it goes on, so that what is learnt would not
            be what is asked for later; or it refuses it.
    """
    ids = render(tokenizer, prompt + answer, open_turn=False)
    labels = [IGNORED] * len(ids)
    for place, message in enumerate(answer):
        if message["role"] != "assistant":
            continue
        before = render(tokenizer, prompt + answer[:place], open_turn=True)
        through = render(tokenizer, prompt + answer[: place + 1], open_turn=False)
        if ids[: len(through)] != through or ids[: len(before)] != before:
            raise UserError(
                "the chat template writes a conversation differently once it goes on",
                "The tokens of the prompt are not the beginning of the tokens of prompt and answer.",
                "Train with a template that only ever adds: options.chat_template = FILE.",
            )
        labels[len(before) : len(through)] = through[len(before) :]
    return Encoded(ids, labels)


def check_end_of_text(tokenizer: Any, encoded: Encoded, ends: frozenset[int]) -> None:
    """See that a learnt answer ends with a token that ends generation, after which only white space may stand.

    Raises:
        UserError: it does not: a model trained so would never learn to stop.
    """
    learnt = [token for token in encoded.labels if token != IGNORED]
    after = 0
    while learnt and learnt[-1] not in ends and not tokenizer.decode([learnt[-1]]).strip():
        learnt.pop()
        after += 1
    if not learnt or learnt[-1] not in ends:
        names = ", ".join(repr(tokenizer.decode([token])) for token in sorted(ends)) or "none"
        raise UserError(
            "the chat template does not end an answer with a token that ends generation",
            f"What ends generation: {names}. What the template writes last: "
            f"{tokenizer.decode(encoded.input_ids[-8:])!r}.",
            "Let the template write the tokenizer's end token after an assistant's turn, or name it in "
            "generation_config.json as eos_token_id.",
        )


def end_tokens(tokenizer: Any, folder: Path) -> frozenset[int]:
    """Every token that ends an answer: of the tokenizer, of generation_config.json and of config.json."""
    import json

    ends = set() if tokenizer.eos_token_id is None else {int(tokenizer.eos_token_id)}
    for name in ("generation_config.json", "config.json"):
        path = folder / name
        stated = json.loads(path.read_text(encoding="utf-8")).get("eos_token_id") if path.exists() else None
        ends |= set() if stated is None else set(stated) if isinstance(stated, list) else {stated}
    return frozenset(ends)


@dataclass(frozen=True, slots=True)
class Difference:
    """Where two renderings of one conversation part.

    Attributes:
        place: the first token (from 0) that differs.
        ours, theirs: the tokens from there on, at most eight; empty where one has come to its end.
    """

    place: int
    ours: tuple[int, ...]
    theirs: tuple[int, ...]


def first_difference(ours: Sequence[int], theirs: Sequence[int]) -> Difference | None:
    """Parity of two renderings: None where the tokens are the same."""
    if list(ours) == list(theirs):
        return None
    shorter = min(len(ours), len(theirs))
    place = next((n for n in range(shorter) if ours[n] != theirs[n]), shorter)
    return Difference(place, tuple(ours[place : place + 8]), tuple(theirs[place : place + 8]))


def fitting(
    tokenizer: Any, rows: Sequence[Row], columns: Sequence[str], max_length: int
) -> tuple[list[Row], list[Encoded], int]:
    """Rows whose every answer fits, the first column's tokens of each, and how many rows are left out."""
    kept: list[Row] = []
    firsts: list[Encoded] = []
    for row in rows:
        encoded = [encode(tokenizer, row.prompt, row.answers[name]) for name in columns]
        if all(len(one.input_ids) <= max_length for one in encoded):
            kept.append(row)
            firsts.append(encoded[0])
    return kept, firsts, len(rows) - len(kept)
