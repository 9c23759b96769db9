"""Stored rows as conversations: history, then what is to be learnt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from engine.records import Conversation
from engine.store.answers import CHUNK, read_answers
from engine.store.prompts import read_conversation
from engine.store.selections import SelectedRow, StoredSelection, read_rows
from engine.store.sqlite import Connection

Messages = list[dict[str, str]]
"""Turns as `{"role": ..., "content": ...}`."""


@dataclass(frozen=True, slots=True)
class TrainingRow:
    """A row as texts.

    Attributes:
        id: content key of the selection and the row's number in it, such as `s1:5b0c.../12`.
        prompt: all that stands before the first turn that is learnt.
        chosen, rejected: from that turn on, ending with an assistant's turn. Of a prompt with several open turns the
            user's turns between them are in it. `rejected` is None for sft.
    """

    id: str
    prompt: Messages
    chosen: Messages
    rejected: Messages | None


def training_rows(connection: Connection, selection: StoredSelection) -> Iterator[TrainingRow]:
    """The rows of a selection in their order, a bounded number of them in memory."""
    waiting = read_rows(connection, selection.id)
    has_pairs = selection.stage != "sft"
    while some := list(islice(waiting, CHUNK)):
        answers = _answers(connection, some, has_pairs)
        for row in some:
            conversation = read_conversation(connection, row.prompt_id)
            assert conversation is not None
            prompt, chosen = fill(conversation, answers[row.chosen])
            rejected = None
            if has_pairs and row.other is not None:
                _, rejected = fill(conversation, answers[row.other])
            yield TrainingRow(f"{selection.key}/{row.number}", prompt, chosen, rejected)


def _answers(
    connection: Connection, rows: Sequence[SelectedRow], has_pairs: bool
) -> dict[int, tuple[str, ...]]:
    wanted = {row.chosen for row in rows}
    wanted |= {row.other for row in rows if has_pairs and row.other is not None}
    return {one.response_id: one.turns for one in read_answers(connection, sorted(wanted))}


def fill(conversation: Conversation, answers: Sequence[str]) -> tuple[Messages, Messages]:
    """A prompt's turns before the first open one, and from there on with the answers in the open turns.

    What stands behind the last answer is no part of it.
    """
    turns = iter(answers)
    filled: Messages = []
    first = last = 0
    for message in conversation.messages:
        content = message.content
        if content is None:
            content = next(turns, None)
            if content is None:
                break
            first, last = first if last else len(filled), len(filled) + 1
        filled.append({"role": message.role, "content": content})
    return filled[:first], filled[first:last]
