"""The schedule of a run: its prompts in the order to be played, and the battles on each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine import keys
from engine.battles.matchmaking import MatchMaker, Pairing, shuffled
from engine.store.contestants import Contestant
from engine.store.prompts import StoredPrompt


@dataclass(frozen=True, slots=True)
class Match:
    """A battle of the plan. `position` counts all battles of the run from 0, in plan order."""

    prompt: StoredPrompt
    pairing: Pairing
    position: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """Who answers what and who meets whom. Cheap to go through again and again; holds no battle in memory.

    Attributes:
        prompts: in the order to be played.
        contestants: the players by their names in the plan.
        recorded: for players that only play what the store has of them, keys of those responses by prompt.
    """

    prompts: tuple[StoredPrompt, ...]
    matchmaker: MatchMaker
    contestants: Mapping[str, Contestant]
    recorded: Mapping[str, Mapping[int, Sequence[str]]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        prompts: Sequence[StoredPrompt],
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

    @property
    def battles(self) -> int:
        """Battles before each judge."""
        return len(self.prompts) * self.matchmaker.per_prompt()

    def matches(self, start: int = 0, stop: int | None = None) -> Iterator[Match]:
        """The battles on the prompts from `start` to before `stop`."""
        per_prompt = self.matchmaker.per_prompt()
        for index, prompt in enumerate(self.prompts[start:stop], start):
            for offset, pairing in enumerate(self.matchmaker.on(prompt.key)):
                yield Match(prompt, pairing, index * per_prompt + offset)

    def answers_on(self, player: str, prompt: StoredPrompt) -> tuple[str, ...]:
        """Content keys of the responses that a player owes to a prompt, by sample."""
        if player not in self.matchmaker.players_on(prompt.key):
            return ()
        return tuple(self.response_key(player, prompt, sample) for sample in range(self.matchmaker.samples))

    def response_key(self, player: str, prompt: StoredPrompt, sample: int) -> str:
        """The content key of one response."""
        stands = self.recorded.get(player, {}).get(prompt.id, ())
        if sample < len(stands):
            return stands[sample]
        return keys.response_key(self.contestants[player].key, prompt.key, sample)

    def response_keys(self, match: Match) -> tuple[str, str]:
        """The content keys of the responses that meet, a's first."""
        pairing = match.pairing
        a, b = (self.response_key(side, match.prompt, pairing.sample) for side in (pairing.a, pairing.b))
        return a, b

    def battle_key(self, judge: str, match: Match) -> str:
        """The content key of a battle before the judge of this key."""
        return keys.battle_key(judge, match.prompt.key, *self.response_keys(match), None)
