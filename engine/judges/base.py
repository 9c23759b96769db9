"""What every judge agrees on: matches in, verdicts out, in whatever order they are done.

A judge sees responses as they are shown (first, second); it never learns which is a and which is b. It is found
by entry point (`arena_tui.judges`), built from the plan's entry by `from_plan`, opened once, asked, closed.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from engine.records import Conversation, Message, Response, Sampling, Verdict, VerdictKind


@dataclass(frozen=True, slots=True)
class JudgeSpec:
    """A judge as the plan says it, handed to the named plug-in's `from_plan`.

    Attributes:
        model, revision, endpoints, api_key_env, sampling: of the model that judges; see `PlayerSpec`.
        template: judge prompt: a shipped name, or the path of a file.
        tokenizer: path of the judge's tokenizer; None uses the shipped list of special tokens.
        games: per battle; None leaves it to the kind.
        options: the plug-in's own, checked by its `Options`.
    """

    name: str
    model: str | None = None
    revision: str | None = None
    endpoints: tuple[str, ...] = ()
    api_key_env: str | None = None
    sampling: Sampling = field(default_factory=Sampling)
    template: str | None = None
    tokenizer: str | None = None
    games: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


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
        cuts: how many of those were cut at the limit of tokens; each doubles the limit of the next call.
    """

    key: str
    shown: Shown
    messages: tuple[Message, ...] = ()
    attempt: int = 0
    cuts: int = 0


class Judge(Protocol):
    """Who decides. A class also has `from_plan(name, spec, player, secret)` and a pydantic model `Options`.

    A class whose judges are models also has `asked_by(spec)`, which gives the kind of player that is to ask and that
    player's spec; its `from_plan` then gets this player, not yet opened, and others get None. `secret` is the
    store's, from which nonces derive.
    """

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
