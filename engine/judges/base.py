"""What every judge agrees on: matches in, verdicts out, in whatever order they are done.

A judge sees responses as they are shown (first, second); it never learns which is a and which is b. It is found
by entry point (`arena_tui.judges`), built from the plan's entry by `from_plan`, opened once, asked, closed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from engine.records import Conversation, Message, Response, Verdict, VerdictKind


@dataclass(frozen=True, slots=True)
class Shown:
    """One game to be judged: a conversation and the responses in the order of showing.

    Attributes:
        prompt_key, first_key, second_key: content keys; `second_key` is None for a single score.
        second: None when one response is scored by itself.
        turn: judge only this open turn (1-based); None is the whole conversation.
    """

    prompt_key: str
    conversation: Conversation
    first_key: str
    first: Response
    second_key: str | None = None
    second: Response | None = None
    turn: int | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A game as its judge will be asked, with the key of the verdict.

    Attributes:
        key: content key of the verdict.
        messages: as rendered, with the nonce as placeholder; empty for a judge that renders none.
        attempt: how many invalid verdicts it has had before; it changes the seed of the call, never the key.
    """

    key: str
    shown: Shown
    messages: tuple[Message, ...] = ()
    attempt: int = 0


class Judge(Protocol):
    """Who decides."""

    name: str
    kind: VerdictKind
    games: int
    """Games per battle: 2 shows both orders, 1 only a first."""

    async def open(self) -> None:
        """Load or connect; see `Player.open`."""

    def key(self) -> str:
        """The judge's content key, after `open`."""

    def facts(self) -> Mapping[str, Any]:
        """What identifies it, for the store and for people: kind, model, template name and hash, sampling."""

    def question(self, shown: Shown) -> Question:
        """Render one game and derive its verdict key. Pure: no network, no model."""

    def judge(
        self, questions: Iterable[Question], attempt: int = 0
    ) -> AsyncIterator[tuple[Question, Verdict]]:
        """Answer all questions, each exactly once, as they get done. Bad replies are verdicts with that status.

        `attempt` counts earlier invalid verdicts of these questions; it changes the seed, never the key.
        """

    async def close(self) -> None:
        """Give back what `open` took."""
