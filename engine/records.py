"""The nouns of the arena as frozen dataclasses, with the words that the field uses for them.

A prompt is a conversation with at least one open assistant turn; a player answers it with a response, one text
per open turn; two responses make a battle, judged in games (orientations), each with a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Role = Literal["system", "user", "assistant"]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation. An assistant turn whose content is None is open: a player is to fill it."""

    role: Role
    content: str | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """Optional system text, user turns, given and open assistant turns, in order.

    Raises:
        ValueError: when no assistant turn is open, or another than an assistant turn is.
    """

    messages: tuple[Message, ...]

    def __post_init__(self) -> None:
        if any(m.content is None and m.role != "assistant" for m in self.messages):
            raise ValueError("only an assistant turn can be open")
        if self.open_turns == 0:
            raise ValueError("a prompt needs at least one open assistant turn")

    @property
    def open_turns(self) -> int:
        return sum(m.content is None for m in self.messages)

    @classmethod
    def of(cls, *user_turns: str, system: str | None = None) -> Conversation:
        """User turns, each followed by an open assistant turn."""
        head = (Message("system", system),) if system is not None else ()
        turns = (m for text in user_turns for m in (Message("user", text), Message("assistant", None)))
        return cls((*head, *turns))


@dataclass(frozen=True, slots=True)
class Prompt:
    """A conversation to be answered, as a member of a prompt set.

    Attributes:
        name: its id in the set, such as a question_id; unique there.
        conversation: None when a battle log names the prompt but does not hold its text.
        set_name: the prompt set. It is part of the key only where the text is unknown.
        category, difficulty: optional; None shows as '-'.
        meta: whatever else the source said, kept as it was.
    """

    name: str
    conversation: Conversation | None
    set_name: str
    category: str | None = None
    difficulty: float | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a model is sampled. None leaves the value to whatever serves the model.

    Attributes:
        temperature: 0 is greedy.
        max_tokens: limit on new tokens per turn.
        seed: base seed; a request's own seed is derived from it and the request's key.
        extra: further fields handed to the server as they are.
    """

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


class ResponseStatus(StrEnum):
    """What became of a response. Only `ok` ones are judged without a word from the plan (`on_cut`)."""

    OK = "ok"
    EMPTY = "empty"
    CUT = "cut"
    REFUSED = "refused"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Turn:
    """The answer to one open turn.

    Attributes:
        answer: the text that is judged, thinking taken out.
        thinking: the model's thinking, never judged; None when there was none.
        finish_reason: as the server said it: stop, length, content_filter, ...
        tokens_in, tokens_out: None where nobody counted.
        latency_ms: from sending the request to the whole answer.
    """

    answer: str
    thinking: str | None = None
    finish_reason: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    latency_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Response:
    """A player's answer to a prompt: one turn per open turn of the conversation, in order.

    `error` says why a failed one failed. A failed response has the turns that were had before it failed.
    """

    status: ResponseStatus
    turns: tuple[Turn, ...]
    sample: int = 0
    error: str | None = None


class VerdictKind(StrEnum):
    """What a judge says. The native value is kept as said; docs/methodology.md derives win share and margin.

    scores       [first, second]: 1 to 10 for each shown response
    preference   probability in 0..1 that the second shown response is the better one
    grade        one of A>>B A>B A=B B>A B>>A, A being shown first
    winner       first, second or tie
    single       a score of one response; makes no battle
    """

    SCORES = "scores"
    PREFERENCE = "preference"
    GRADE = "grade"
    WINNER = "winner"
    SINGLE = "single"


class VerdictStatus(StrEnum):
    """Only `ok` verdicts decide; all others wait or void, and are counted."""

    OK = "ok"
    UNPARSABLE = "unparsable"
    REFUSED = "refused"
    CUT = "cut"
    FAILED = "failed"


NativeValue = tuple[float, float] | float | str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the judge said of the responses as they were shown (first, second), not mapped back to a and b.

    Attributes:
        value: the native value of its kind; None unless the status is ok.
        reason: for an invalid one, why, in a few words that can be counted (`duplicate key`, `no nonce`).
        explanation: the judge's own words for people.
        raw: the whole reply, exactly; None for a checker or a person.
        turn: which open turn was judged, 1-based; None is the whole conversation.
    """

    kind: VerdictKind
    status: VerdictStatus
    value: NativeValue | None = None
    reason: str | None = None
    explanation: str | None = None
    raw: str | None = None
    thinking: str | None = None
    finish_reason: str | None = None
    tokens_in: int | None = None
    tokens_out: int | None = None
    latency_ms: float | None = None
    turn: int | None = None


class Outcome(StrEnum):
    """Who won a decided battle."""

    A = "a"
    B = "b"
    TIE = "tie"


class BattleState(StrEnum):
    """void: never rated, with a reason. waiting: a game is missing or invalid. decided: it has an outcome."""

    VOID = "void"
    WAITING = "waiting"
    DECIDED = "decided"


class OutcomeRule(StrEnum):
    """How the games of a battle become its outcome (arena-learning.md, section 7).

    mean-margin  the sign of the mean margin over its games; zero ties
    strict       all games must agree, else it ties
    per-game     each game counts as one battle
    """

    MEAN_MARGIN = "mean-margin"
    STRICT = "strict"
    PER_GAME = "per-game"


class OnCut(StrEnum):
    """What a cut, empty or refused response means in a battle.

    void   the battle is void
    loss   its side loses; void when both sides are so
    judge  it is judged as it is
    """

    VOID = "void"
    LOSS = "loss"
    JUDGE = "judge"


@dataclass(frozen=True, slots=True)
class Game:
    """One orientation of a battle. `swapped` is False when response a was shown first."""

    swapped: bool
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Decision:
    """What the outcome rule made of a battle's games.

    Attributes:
        reason: why it is void or waits, in words that can be counted; None when decided.
        outcome: of the whole battle by its rule (mean margin under `per-game`); None unless decided.
        margin: mean over its games of a minus b, in the units of the verdict's kind.
        win_share: mean over its games of a's win share, 0..1.
        wins_a, wins_b, ties: what it adds to the counts: one in all, or one a game under `per-game`.
    """

    state: BattleState
    reason: str | None = None
    outcome: Outcome | None = None
    margin: float | None = None
    win_share: float | None = None
    wins_a: int = 0
    wins_b: int = 0
    ties: int = 0
