"""The schedule of a run: its prompts in the order to be played, and the battles on each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine import keys
from engine.battles.matchmaking import MatchMaker, shuffled, sides
from engine.store.contestants import Contestant
from engine.store.prompts import ListedPrompt


@dataclass(frozen=True, slots=True)
class Match:
    """A battle of the plan: two responses to one prompt.

    Attributes:
        a, b: content keys of the responses.
        position: counts all battles of the run from 0, in plan order.
    """

    prompt: ListedPrompt
    a: str
    b: str
    position: int

    def key(self, judge: str) -> str:
        """The content key of the battle before the judge of this key."""
        return keys.battle_key(judge, self.prompt.key, self.a, self.b, None)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who answers what and who meets whom. Cheap to go through again and again; holds no battle in memory.

    Attributes:
        prompts: in the order to be played, each text once.
        contestants: the players by their names in the plan.
        recorded: for players that only play what the store has of them, keys of those responses by prompt. A battle
            that needs another one is left out.
    """

    prompts: tuple[ListedPrompt, ...]
    matchmaker: MatchMaker
    contestants: Mapping[str, Contestant]
    recorded: Mapping[str, Mapping[int, Sequence[str]]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        prompts: Sequence[ListedPrompt],
        matchmaker: MatchMaker,
        contestants: Mapping[str, Contestant],
        recorded: Mapping[str, Mapping[int, Sequence[str]]],
        limit: int | None = None,
    ) -> Schedule:
        """The first `limit` prompts of a seeded shuffle, so that a larger run contains a smaller one."""
        order = shuffled(prompts, [prompt.key for prompt in prompts], matchmaker.seed)
        return cls(tuple(order[:limit]), matchmaker, contestants, recorded)

    def head(self, prompts: int) -> Schedule:
        """The same run on its first prompts only."""
        return replace(self, prompts=self.prompts[:prompts])

    def chunks(self, size: int) -> Iterator[tuple[int, int]]:
        """(start, stop) of consecutive prompts, at most `size` at a time."""
        for start in range(0, len(self.prompts), size):
            yield start, min(start + size, len(self.prompts))

    @property
    def planned(self) -> int:
        """Battles before each judge, those among them that lack a recorded response."""
        return len(self.prompts) * self.matchmaker.per_prompt()

    @property
    def battles(self) -> int:
        """Battles before each judge that can be made."""
        if not self.recorded:
            return self.planned
        return sum(
            pairing.sample < min(owed[pairing.one], owed[pairing.other])
            for prompt in self.prompts
            for owed in [self._owed(prompt)]
            for pairing in self.matchmaker.on(prompt.key)
        )

    @property
    def responses(self) -> int:
        """Responses that all players owe together."""
        return sum(sum(self._owed(prompt).values()) for prompt in self.prompts)

    def matches(self, start: int, stop: int) -> Iterator[Match]:
        """The battles on the prompts from `start` to before `stop`."""
        per_prompt = self.matchmaker.per_prompt()
        for index, prompt in enumerate(self.prompts[start:stop], start):
            answers = {name: self.answers_on(name, prompt) for name in self.matchmaker.players_on(prompt.key)}
            for offset, pairing in enumerate(self.matchmaker.on(prompt.key)):
                one, other = answers[pairing.one], answers[pairing.other]
                if pairing.sample < min(len(one), len(other)):
                    a, b = sides(one[pairing.sample], other[pairing.sample])
                    yield Match(prompt, a, b, index * per_prompt + offset)

    def answers_on(self, player: str, prompt: ListedPrompt) -> tuple[str, ...]:
        """Content keys of the responses that a player owes to a prompt, by sample."""
        if player not in self.matchmaker.players_on(prompt.key):
            return ()
        samples = self.matchmaker.samples
        if player in self.recorded:
            return tuple(self.recorded[player].get(prompt.id, ())[:samples])
        key = self.contestants[player].key
        return tuple(keys.response_key(key, prompt.key, sample) for sample in range(samples))

    def _owed(self, prompt: ListedPrompt) -> dict[str, int]:
        """How many responses to a prompt each player owes that meets another on it."""
        samples, recorded = self.matchmaker.samples, self.recorded
        return {
            name: min(samples, len(recorded[name].get(prompt.id, ()))) if name in recorded else samples
            for name in self.matchmaker.players_on(prompt.key)
        }
