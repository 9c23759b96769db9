"""Games as tests here show them to judges."""

from __future__ import annotations

from collections.abc import Sequence

from engine.judges.base import Shown
from engine.records import Conversation, Response, ResponseStatus, Turn


def response(*answers: str) -> Response:
    return Response(ResponseStatus.OK, tuple(Turn(answer) for answer in answers))


def shown(
    first: str | Sequence[str] = "one",
    second: str | Sequence[str] | None = "two",
    prompt: Conversation | str = "Say a number.",
    turn: int | None = None,
) -> Shown:
    """A game; a text stands for a response or conversation of one turn."""
    conversation = Conversation.of(prompt) if isinstance(prompt, str) else prompt
    sides = [
        response(*([side] if isinstance(side, str) else side))
        for side in (first, () if second is None else second)
    ]
    if second is None:
        return Shown("p1:p", conversation, "r1:f", sides[0], turn=turn)
    return Shown("p1:p", conversation, "r1:f", sides[0], "r1:s", sides[1], turn)
