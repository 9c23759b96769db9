"""The first half of a run: players answer what the store does not have yet, prompt by prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from engine import keys
from engine.battles.cast import Seat
from engine.battles.flow import Frontier, GroupLanding
from engine.battles.run import Run
from engine.players.turns import Item, answer
from engine.records import Response, ResponseStatus
from engine.store.prompts import StoredPrompt
from engine.store.responses import NewResponse, land_responses, statuses

CHUNK = 256
"""Prompts looked up in the store at a time."""


class _Answered(NamedTuple):
    place: int
    landing: NewResponse


class Responding:
    """Lets one player answer its part of a schedule, and lands what comes.

    Attributes:
        frontier: how far it is.
    """

    def __init__(self, run: Run, seat: Seat) -> None:
        self.frontier = Frontier()
        self._run = run
        self._seat = seat
        self._asked: dict[str, tuple[int, StoredPrompt]] = {}

    async def run(self) -> None:
        """Answer everything that is missing; end early, with what is in flight, once the run is to stop."""
        landing = GroupLanding(self._land)
        try:
            async with aclosing(answer(self._seat.player, self._missing())) as answers:
                async for answered in answers:
                    index, prompt = self._asked.pop(answered.item.key)
                    new = NewResponse(
                        answered.item.key, prompt.id, self._seat.contestant.id, answered.response
                    )
                    await landing.put(_Answered(index, new))
        finally:
            await landing.drain()
            self.frontier.end()

    def _missing(self) -> Iterator[Item]:
        """Every response that the store lacks, or has only as a failure, in the order of the schedule."""
        schedule = self._run.schedule
        for start, stop in schedule.chunks(CHUNK):
            chunk = schedule.prompts[start:stop]
            owed = [schedule.answers_on(self._seat.name, prompt) for prompt in chunk]
            stands = statuses(self._run.store.reader, [key for keys_ in owed for key in keys_])
            for index, (prompt, answers) in enumerate(zip(chunk, owed, strict=True), start):
                for sample, key in enumerate(answers):
                    if key in stands and stands[key][0] is not ResponseStatus.FAILED:
                        self._run.progress.responses_found += 1
                    elif self._may_ask(prompt):
                        yield self._ask(index, prompt, sample, key)
                    else:
                        return
                self.frontier.pass_by(index + 1)

    def _may_ask(self, prompt: StoredPrompt) -> bool:
        conversation = prompt.prompt.conversation
        assert conversation is not None, "a prompt without text is refused before a run starts"
        if self._run.stop.is_set():
            return False
        return self._seat.recorded or self._run.budget.grants(conversation.open_turns)

    def _ask(self, index: int, prompt: StoredPrompt, sample: int, key: str) -> Item:
        assert prompt.prompt.conversation is not None
        self.frontier.ask(index)
        self._asked[key] = (index, prompt)
        sampling = self._seat.sampling
        return Item(key, prompt.prompt.conversation, sampling, keys.request_seed(sampling.seed, key), sample)

    def _land(self, group: Sequence[_Answered]) -> None:
        with self._run.store.write(self._run.fence) as tx:
            land_responses(tx, [answered.landing for answered in group])
        for answered in group:
            self._count(answered.landing.response)
            self.frontier.settle(answered.place)

    def _count(self, response: Response) -> None:
        progress, name = self._run.progress, self._seat.name
        progress.responses_made += 1
        if response.status is not ResponseStatus.OK:
            progress.problems[f"{response.status.value} response"] += 1
        if self._seat.recorded:
            return
        tokens_in = sum(turn.tokens_in or 0 for turn in response.turns)
        tokens_out = sum(turn.tokens_out or 0 for turn in response.turns)
        progress.calls[name] += max(len(response.turns), 1)
        progress.tokens[name] += tokens_in + tokens_out
        self._run.budget.spend("player", name, tokens_in, tokens_out)
