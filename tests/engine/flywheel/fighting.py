"""Groups of responses as rows of the store, from a table of scores."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from engine import keys
from engine.battles.outcome import before_judging, decide
from engine.flywheel.selection.groups import Group, make_group
from engine.flywheel.selection.parameters import Parameters, Stage
from engine.flywheel.selection.pool import Pool, read_pool
from engine.ratings.views import find_view
from engine.records import (
    BattleState,
    Conversation,
    Decision,
    Game,
    OnCut,
    OutcomeRule,
    Prompt,
    Response,
    ResponseStatus,
    Turn,
    Verdict,
    VerdictKind,
    VerdictStatus,
)
from engine.store import Store
from engine.store.battles import NewBattle, land_arena, land_battles
from engine.store.contestants import Contestant, land_imported_player, land_recorded_judge
from engine.store.groups import BattleRow, GameRow, PromptBattles, SideRow
from engine.store.prompts import LandedPrompt, land_prompts
from engine.store.responses import NewResponse, land_responses
from engine.store.verdicts import NewVerdict, land_verdicts

Scores = Sequence[tuple[float, float]]
"""Of a and of b, a game each."""

ME = 0
"""Number of the target in groups that are made of nothing but scores."""


def side(player: int, sample: int = 0, status: str = "ok") -> SideRow:
    """A response: its number and key follow from who gave it."""
    return SideRow(player, 10 * player + sample, f"r:{player}.{sample}", status)


def fight(number: int, a: SideRow, b: SideRow, scores: Scores, **facts: Any) -> BattleRow:
    """A decided battle of games in scores, the second of them swapped."""
    margin = sum(x - y for x, y in scores) / len(scores) if scores else None
    outcome = None if margin is None else "a" if margin > 0 else "b" if margin < 0 else "tie"
    games = [_game(place % 2 == 1, one) for place, one in enumerate(scores)]
    said = {"category": None, "state": "decided", "outcome": outcome, "margin": margin} | facts
    return BattleRow(number, f"b:{number}", a, b, games=tuple(games), **said)


def _game(swapped: bool, scores: tuple[float, float]) -> GameRow:
    first, second = reversed(scores) if swapped else scores
    return GameRow(swapped, "scores", json.dumps([first, second]))


def group(*battles: BattleRow, player_of: Callable[[int], int | None] = lambda number: number) -> Group:
    return make_group(PromptBattles(1, "p:1", battles), player_of)


def turned(battle: BattleRow) -> BattleRow:
    """The same battle with a and b swapped."""
    outcome = {"a": "b", "b": "a"}.get(battle.outcome or "", battle.outcome)
    margin = None if battle.margin is None else -battle.margin
    games = tuple(one._replace(swapped=not one.swapped) for one in battle.games)
    return battle._replace(a=battle.b, b=battle.a, outcome=outcome, margin=margin, games=games)


@dataclass
class Ring:
    """A store in which battles are landed prompt by prompt."""

    store: Store
    players: tuple[str, ...] = ("me", "ann", "bob")
    on_cut: OnCut = OnCut.JUDGE
    rule: OutcomeRule = OutcomeRule.MEAN_MARGIN
    arena_name: str = "ring"
    contestants: dict[str, Contestant] = field(default_factory=dict)

    def __post_init__(self) -> None:
        with self.store.write() as tx:
            self.arena = land_arena(tx, self.arena_name, self.rule, self.on_cut)
            self.judge = land_recorded_judge(tx, "umpire")
            self.contestants = {name: land_imported_player(tx, name) for name in self.players}

    def prompt(
        self, text: str | Conversation, name: str = "", set_name: str = "set", **facts: Any
    ) -> LandedPrompt:
        conversation = Conversation.of(text) if isinstance(text, str) else text
        with self.store.write() as tx:
            (landed,) = land_prompts(tx, [Prompt(name or str(text)[:50], conversation, set_name, **facts)])
        return landed

    def fought(
        self,
        text: str | Conversation,
        answers: Mapping[str, str | Sequence[str] | Response],
        scores: Mapping[tuple[str, str], Scores],
        **facts: Any,
    ) -> LandedPrompt:
        """Everybody's answer to a prompt, and the battles of the pairs that have scores; without games one waits."""
        prompt = self.prompt(text, **facts)
        with self.store.write() as tx:
            made = {name: self._answer(prompt, name, said) for name, said in answers.items()}
            landed = land_responses(tx, list(made.values()))
            numbers = {name: landed[one.key].id for name, one in made.items()}
            statuses = {name: one.response.status for name, one in made.items()}
            for pair, games in scores.items():
                verdicts = [
                    self._verdict(prompt, pair, numbers, place, one) for place, one in enumerate(games)
                ]
                stored = land_verdicts(tx, verdicts)
                battle = self._battle(prompt, pair, numbers, statuses, games)
                games_of = tuple((place % 2 == 1, stored[one.key][0]) for place, one in enumerate(verdicts))
                land_battles(tx, self.arena, [battle._replace(games=games_of)])
        return prompt

    def _answer(self, prompt: LandedPrompt, name: str, said: str | Sequence[str] | Response) -> NewResponse:
        if not isinstance(said, Response):
            turns = [said] if isinstance(said, str) else said
            said = Response(ResponseStatus.OK, tuple(map(Turn, turns)))
        player = self.contestants[name]
        return NewResponse(
            keys.response_key(player.key, prompt.key, said.sample), prompt.prompt_id, player.id, said
        )

    def _verdict(
        self,
        prompt: LandedPrompt,
        pair: tuple[str, str],
        numbers: dict[str, int],
        place: int,
        game: tuple[float, float],
    ) -> NewVerdict:
        first, second = pair if place % 2 == 0 else pair[::-1]
        value = game if place % 2 == 0 else game[::-1]
        verdict = Verdict(VerdictKind.SCORES, VerdictStatus.OK, (value[0], value[1]))
        key = keys.recorded_verdict_key(self.judge.key, {"of": [prompt.key, *pair, place]})
        return NewVerdict(
            key,
            self.judge.id,
            prompt.prompt_id,
            self.contestants[first].id,
            self.contestants[second].id,
            verdict,
            numbers[first],
            numbers[second],
        )

    def _battle(
        self,
        prompt: LandedPrompt,
        pair: tuple[str, str],
        numbers: dict[str, int],
        statuses: dict[str, ResponseStatus],
        games: Scores,
    ) -> NewBattle:
        a, b = pair
        verdicts = [Verdict(VerdictKind.SCORES, VerdictStatus.OK, one) for one in games]
        decision = before_judging(self.on_cut, statuses[a], statuses[b])
        if decision is None:
            waits = Decision(BattleState.WAITING, "missing game")
            said = [Game(False, one) for one in verdicts]
            decision = decide(self.rule, said, len(said)) if said else waits
        return NewBattle(
            keys.battle_key(self.judge.key, prompt.key, a, b, None),
            self.judge.id,
            prompt.prompt_id,
            self.contestants[a].id,
            self.contestants[b].id,
            decision,
            0,
            response_a=numbers[a],
            response_b=numbers[b],
            status_a=statuses[a],
            status_b=statuses[b],
        )

    def pool(self, stage: str = "sft", **said: Any) -> Pool:
        """What the arena offers to a stage of `me`."""
        return read_pool(
            self.store.reader, find_view(self.store.reader), Parameters("me", Stage(stage), **said)
        )
