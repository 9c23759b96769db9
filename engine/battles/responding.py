"""The first half of a run: players answer what the store does not have yet, prompt by prompt."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import aclosing
from dataclasses import dataclass

from engine import keys
from engine.battles.cast import Seat
from engine.battles.flow import Frontier, GroupLanding
from engine.battles.progress import Progress
from engine.battles.schedule import Schedule
from engine.players.turns import Item, answer
from engine.records import Response, ResponseStatus
from engine.store.prompts import StoredPrompt
from engine.store.responses import NewResponse, land_responses, statuses
from engine.store.store import Fence, Store

CHUNK = 256
"""Prompts looked up in the store at a time."""


@dataclass(frozen=True, slots=True)
class _Answered:
    index: int
    prompt_id: int
    key: str
    response: Response


class Responding:
    """Lets one player answer its part of a schedule, and lands what comes."""

    def __init__(
        self,
        store: Store,
        fence: Fence | None,
        schedule: Schedule,
        seat: Seat,
        progress: Progress,
        stop: asyncio.Event,
    ) -> None:
        self.frontier = Frontier()
        self._store = store
        self._fence = fence
        self._schedule = schedule
        self._seat = seat
        self._progress = progress
        self._stop = stop
        self._asked: dict[str, tuple[int, StoredPrompt]] = {}

    async def run(self) -> None:
        """Answer everything that is missing; end early, with what is in flight, once `stop` is set."""
        landing = GroupLanding(self._land)
        try:
            async with aclosing(answer(self._seat.player, self._missing())) as answers:
                async for answered in answers:
                    key = answered.item.key
                    index, prompt = self._asked.pop(key)
                    await landing.put(_Answered(index, prompt.id, key, answered.response))
        finally:
            await landing.drain()
            self.frontier.end()

    def _missing(self) -> Iterator[Item]:
        """Every response that the store lacks, or has only as a failure, in the order of the schedule."""
        prompts = self._schedule.prompts
        for start in range(0, len(prompts), CHUNK):
            chunk = prompts[start : start + CHUNK]
            owed = [self._schedule.answers_on(self._seat.name, prompt) for prompt in chunk]
            stands = statuses(self._store.reader, [key for keys_ in owed for key in keys_])
            for index, (prompt, answers) in enumerate(zip(chunk, owed, strict=True), start):
                for sample, key in enumerate(answers):
                    if key in stands and stands[key][0] is not ResponseStatus.FAILED:
                        self._progress.responses += 1
                        continue
                    if self._stop.is_set():
                        return
                    yield self._ask(index, prompt, sample, key)
                self.frontier.pass_by(index + 1)

    def _ask(self, index: int, prompt: StoredPrompt, sample: int, key: str) -> Item:
        assert prompt.prompt.conversation is not None
        self.frontier.ask(index)
        self._asked[key] = (index, prompt)
        sampling = self._seat.sampling
        return Item(key, prompt.prompt.conversation, sampling, keys.request_seed(sampling.seed, key), sample)

    def _land(self, group: list[_Answered]) -> None:
        player_id = self._seat.contestant.id
        with self._store.write(self._fence) as tx:
            land_responses(tx, [NewResponse(a.key, a.prompt_id, player_id, a.response) for a in group])
        for answered in group:
            self._count(answered.response)
            self.frontier.settle(answered.index)

    def _count(self, response: Response) -> None:
        name = self._seat.name
        self._progress.responses += 1
        self._progress.calls[name] += max(len(response.turns), 1)
        self._progress.tokens[name] += sum((t.tokens_in or 0) + (t.tokens_out or 0) for t in response.turns)
        if response.status is not ResponseStatus.OK:
            self._progress.problems[f"{response.status.value} response"] += 1
