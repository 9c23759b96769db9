"""The first half of a run: players answer what the store does not have yet, prompt by prompt."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from typing import NamedTuple

from engine import keys
from engine.battles.cast import Seat
from engine.battles.flow import Frontier, GroupLanding
from engine.battles.marks import Marks
from engine.battles.run import Run
from engine.players.turns import Answered, Item, answer
from engine.records import Conversation, Response, ResponseStatus
from engine.store.prompts import ListedPrompt, read_conversations
from engine.store.responses import NewResponse, land_responses, statuses

CHUNK = 256
"""Prompts looked up in the store at a time; between two chunks others have their turn."""

AHEAD = 512
"""Missing responses that are looked up before asking begins: those that failed may lie far apart."""


class _Missing(NamedTuple):
    place: int
    prompt: ListedPrompt
    conversation: Conversation
    sample: int
    key: str


class _Answered(NamedTuple):
    place: int
    landing: NewResponse


class _Items(Iterator[Item]):
    """What can be asked now. It may have more after it had nothing to give, which a generator could not."""

    def __init__(self, take: Callable[[], Item | None]) -> None:
        self._take = take

    def __next__(self) -> Item:
        item = self._take()
        if item is None:
            raise StopIteration
        return item


class Responding:
    """Lets one player answer its part of a schedule, and lands what comes.

    Attributes:
        frontier: how far it is.
    """

    def __init__(self, run: Run, seat: Seat) -> None:
        self.frontier = Frontier()
        self._run = run
        self._seat = seat
        self._marks = Marks(run, seat)
        self._chunks = run.schedule.chunks(CHUNK)
        self._is_looked_up = False
        self._missing: deque[_Missing] = deque()
        self._asked: dict[str, _Missing] = {}
        self._failed_once: set[str] = set()

    async def run(self) -> None:
        """Answer everything that is missing; end early, with what is in flight, once the run is to stop."""
        landing = GroupLanding(self._land)
        try:
            while await self._has_items():
                async with aclosing(answer(self._seat.player, _Items(self._take))) as answers:
                    async for answered in answers:
                        if not self._asks_again(answered):
                            await landing.put(self._answered(answered))
                        if len(self._missing) < AHEAD // 2:
                            self._look_up()
        finally:
            await landing.drain()
            self.frontier.end()

    async def ask_alone(self, place: int, sample: int, key: str) -> None:
        """Ask for one response with nothing beside it, and land it."""
        prompt = self._run.schedule.prompts[place]
        conversation = read_conversations(self._run.store.reader, [prompt.id])[prompt.id]
        missing = _Missing(place, prompt, conversation, sample, key)
        if not self._may_ask(missing.prompt):
            return
        self._marks.take([(key, missing.prompt.id)])
        self.frontier.ask(place)
        async with aclosing(answer(self._seat.player, [self._ask(missing)])) as answers:
            async for answered in answers:
                self._land([self._answered(answered)])

    async def _has_items(self) -> bool:
        """Look up what is missing until there is some to ask; False when there is nothing more."""
        while len(self._missing) < AHEAD and not self._is_looked_up and not self._run.stop.is_set():
            self._look_up()
            await asyncio.sleep(0)
        return bool(self._missing) and not self._run.stop.is_set()

    def _look_up(self) -> None:
        """Look up one chunk more of the schedule: responses that the store lacks, or has only as failures."""
        chunk = next(self._chunks, None)
        if chunk is None:
            self._is_looked_up = True
            return
        schedule, run = self._run.schedule, self._run
        prompts = schedule.prompts[slice(*chunk)]
        owed = [schedule.answers_on(self._seat.name, prompt) for prompt in prompts]
        stands = statuses(run.store.reader, [key for keys_ in owed for key in keys_])
        missing = []
        for place, (prompt, answers) in enumerate(zip(prompts, owed, strict=True), chunk[0]):
            for sample, key in enumerate(answers):
                has_result = key in stands and stands[key][0] is not ResponseStatus.FAILED
                if has_result or key in run.set_aside:
                    run.progress.responses_found += 1
                else:
                    self.frontier.ask(place)
                    missing.append((place, prompt, sample, key))
        texts = read_conversations(run.store.reader, (prompt.id for _, prompt, _, _ in missing))
        self._missing += (_Missing(at, prompt, texts[prompt.id], n, key) for at, prompt, n, key in missing)
        self.frontier.pass_by(chunk[1])

    def _take(self) -> Item | None:
        """The next that can be asked now, marked; None when there is none."""
        if not self._missing:
            self._look_up()
        if not self._missing or not self._may_ask(self._missing[0].prompt):
            return None
        self._marks.take_ahead(self._missing, lambda one: (one.key, one.prompt.id))
        return self._ask(self._missing.popleft())

    def _may_ask(self, prompt: ListedPrompt) -> bool:
        if self._run.stop.is_set():
            return False
        return self._seat.recorded or self._run.budget.grants(prompt.open_turns)

    def _ask(self, missing: _Missing) -> Item:
        self._asked[missing.key] = missing
        sampling = self._seat.sampling
        seed = keys.request_seed(sampling.seed, missing.key)
        return Item(missing.key, missing.conversation, sampling, seed, missing.sample)

    def _asks_again(self, answered: Answered) -> bool:
        """Give one that met its limits another go, behind those that are marked: what failed on a bad day need not
        wait for the next run."""
        key = answered.item.key
        if not answered.retryable or key in self._failed_once or self._run.stop.is_set():
            return False
        self._failed_once.add(key)
        self._missing.insert(self._marks.ahead, self._asked.pop(key))
        return True

    def _answered(self, answered: Answered) -> _Answered:
        missing = self._asked.pop(answered.item.key)
        response = answered.response
        return _Answered(
            missing.place, NewResponse(missing.key, missing.prompt.id, self._seat.contestant.id, response)
        )

    def _land(self, group: Sequence[_Answered]) -> None:
        with self._run.store.write(self._run.fence) as tx:
            land_responses(tx, [answered.landing for answered in group])
            self._marks.let_go(tx, (answered.landing.key for answered in group))
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
