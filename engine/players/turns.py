"""Conversations of several turns: a player fills open turn after open turn, each with its own answers in view.

The answers in view are those that are judged: thinking is left out, as the chat templates of thinking models do.
One rule for what goes wrong: a turn that is not `ok` ends the conversation, and its status is the response's. A
later turn would answer a history that nobody asked about. What the turn said is kept, unless it failed.
"""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from engine.errors import PluginError
from engine.keys import request_seed
from engine.players.base import ChatReply, ChatRequest, Player
from engine.records import Conversation, Message, Response, ResponseStatus, Sampling, Turn


@dataclass(frozen=True, slots=True)
class Item:
    """A conversation to be answered.

    Attributes:
        key: content key of the response; no two items under way may share it.
        seed: of the first turn; later ones derive theirs from it.
        sample: handed on to the response.
        schema: for the reply of every turn; see `ChatRequest.schema`.
    """

    key: str
    conversation: Conversation
    sampling: Sampling
    seed: int | None = None
    sample: int = 0
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Answered:
    """A response with the item that it answers.

    Attributes:
        reported_model: what the server called itself in the last turn.
        retryable: for a failed one, whether asking again may help.
    """

    item: Item
    response: Response
    reported_model: str | None = None
    retryable: bool = False


async def answer(player: Player, items: Iterable[Item]) -> AsyncGenerator[Answered, None]:
    """Responses to all items, each exactly once, as they get done. Items are taken as the player has room; an
    iterator that had nothing to give is asked again.

    Later turns go before new items, so that conversations end soon and few are under way. Close the generator
    (`contextlib.aclosing`) to cancel what is in flight.

    Raises:
        EndpointError: from the player; conversations under way are lost with it.
        ValueError: two items under way share a key.
        PluginError: the player took a request and never replied.
    """
    progress = _Progress(iter(items))
    while progress.goes_on():
        # Most players take later turns as they come up; for one that does not, each loop is one more turn.
        replies = cast(AsyncGenerator[ChatReply, None], player.chat(progress))
        async with aclosing(replies):
            async for reply in replies:
                if (answered := progress.take(reply)) is not None:
                    yield answered
        progress.check_all_replied(player.name)


@dataclass(slots=True)
class _Talk:
    """One conversation under way."""

    item: Item
    turns: list[Turn] = field(default_factory=list)

    def request(self) -> ChatRequest:
        """The next open turn, with all before it."""
        number = len(self.turns)
        item = self.item
        return ChatRequest(
            key=_turn_key(item.key, number),
            messages=self._history(),
            sampling=item.sampling,
            seed=item.seed if number == 0 else request_seed(item.seed, _turn_key(item.key, number)),
            schema=item.schema,
        )

    def _history(self) -> tuple[Message, ...]:
        answers = iter(self.turns)
        history: list[Message] = []
        for message in self.item.conversation.messages:
            if message.content is None:
                turn = next(answers, None)
                if turn is None:
                    break
                message = Message("assistant", turn.answer)
            history.append(message)
        return tuple(history)

    def take(self, reply: ChatReply) -> Answered | None:
        """Fill the turn; the whole answer when the conversation is over."""
        if reply.status is not ResponseStatus.FAILED:
            self.turns.append(_turn(reply))
        over = len(self.turns) == self.item.conversation.open_turns
        if reply.status is ResponseStatus.OK and not over:
            return None
        response = Response(reply.status, tuple(self.turns), self.item.sample, reply.error)
        return Answered(self.item, response, reply.reported_model, reply.retryable)


class _Progress(Iterator[ChatRequest]):
    """The requests that can be asked now: next turns first, then new items.

    It raises StopIteration whenever there is nothing to ask, and may have more after the next reply.
    """

    def __init__(self, items: Iterator[Item]) -> None:
        self._items = items
        self._talks: dict[str, _Talk] = {}
        self._next: deque[_Talk] = deque()

    def goes_on(self) -> bool:
        """Whether there is something to ask."""
        if not self._next:
            self._begin()
        return bool(self._next)

    def __next__(self) -> ChatRequest:
        if not self.goes_on():
            raise StopIteration
        talk = self._next.popleft()
        request = talk.request()
        if request.key in self._talks:
            raise ValueError(f"two items under way share the key {request.key}")
        self._talks[request.key] = talk
        return request

    def take(self, reply: ChatReply) -> Answered | None:
        talk = self._talks.pop(reply.key)
        answered = talk.take(reply)
        if answered is None:
            self._next.append(talk)
        return answered

    def check_all_replied(self, player: str) -> None:
        """A player that ended has replied to all that it took."""
        if self._talks:
            raise PluginError(f"the player '{player}' left {len(self._talks)} requests without a reply")

    def _begin(self) -> None:
        item = next(self._items, None)
        if item is not None:
            self._next.append(_Talk(item))


def _turn_key(key: str, number: int) -> str:
    return key if number == 0 else f"{key}/{number}"


def _turn(reply: ChatReply) -> Turn:
    return Turn(
        answer=reply.text,
        thinking=reply.thinking,
        finish_reason=reply.finish_reason,
        tokens_in=reply.tokens_in,
        tokens_out=reply.tokens_out,
        latency_ms=reply.latency_ms,
    )
