"""Conversations of other people as prompts and responses of ours."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from engine.formats.fields import FieldError
from engine.records import Conversation, Message, ResponseStatus, Turn

_HH_TURN = re.compile(r"\n\n(Human|Assistant): ?")


def open_all(messages: Sequence[Message], field: str) -> tuple[Conversation, tuple[str, ...]]:
    """A conversation whose every assistant turn was answered by the model itself: the prompt, and the answers.

    Raises:
        FieldError: it does not end with an answer.
    """
    _demand_answer(messages, field)
    asked = tuple(replace(m, content=None) if m.role == "assistant" else m for m in messages)
    answers = tuple(m.content or "" for m in messages if m.role == "assistant")
    return Conversation(asked), answers


def open_last(messages: Sequence[Message], field: str) -> tuple[Conversation, str]:
    """A conversation whose last assistant turn was the model's and whose earlier ones are given.

    Raises:
        FieldError: it does not end with an answer.
    """
    _demand_answer(messages, field)
    return Conversation((*messages[:-1], Message("assistant", None))), messages[-1].content or ""


def to_be_answered(messages: Sequence[Message], field: str) -> Conversation:
    """The prompt of a conversation: up to its last user turn, then open; earlier assistant turns are given.

    Raises:
        FieldError: it has no user turn.
    """
    last = max((i for i, m in enumerate(messages) if m.role == "user"), default=None)
    if last is None:
        raise FieldError(f"{field} has no user turn")
    return Conversation((*messages[: last + 1], Message("assistant", None)))


def _demand_answer(messages: Sequence[Message], field: str) -> None:
    if not messages or messages[-1].role != "assistant":
        raise FieldError(f"{field} does not end with an answer")
    if all(m.role != "user" for m in messages):
        raise FieldError(f"{field} has no user turn")


def transcript(text: str, field: str) -> tuple[Message, ...]:
    r"""A transcript of Anthropic's HH set: `\n\nHuman: ...\n\nAssistant: ...`, each text kept as it is.

    Raises:
        FieldError: it does not start with a turn.
    """
    parts = _HH_TURN.split(text)
    if parts[0] or len(parts) < 3:
        raise FieldError(f"{field} is no transcript")
    return tuple(
        Message("user" if who == "Human" else "assistant", said)
        for who, said in zip(parts[1::2], parts[2::2], strict=True)
    )


def turns_of(answers: Sequence[str]) -> tuple[Turn, ...]:
    """Answers as the turns of a response of which nothing else is known."""
    return tuple(Turn(answer) for answer in answers)


def status_of(answers: Sequence[str]) -> ResponseStatus:
    """`empty` where the last turn is blank: an endpoint that returned nothing; otherwise `ok`."""
    return ResponseStatus.OK if answers and answers[-1].strip() else ResponseStatus.EMPTY
