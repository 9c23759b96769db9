"""A battle log landed in a store, for tests of what is read back from it."""

from __future__ import annotations

from dataclasses import dataclass

from engine import keys
from engine.battles.outcome import before_judging, decide
from engine.records import (
    Conversation,
    Game,
    OnCut,
    OutcomeRule,
    Prompt,
    ResponseStatus,
    Verdict,
    VerdictKind,
    VerdictStatus,
)
from engine.store import Store
from engine.store.battles import Arena, NewBattle, land_arena, land_battles
from engine.store.contestants import Contestant, land_imported_player, land_recorded_judge
from engine.store.prompts import land_prompts


@dataclass(frozen=True)
class Fight:
    """One battle: scores of a and b in one game, a preference for b, or statuses that decide without a game."""

    a: str
    b: str
    scores: tuple[float, float] = (5, 5)
    prompt: int = 0
    category: str | None = None
    at: float | None = None
    position: int = 0
    status_a: ResponseStatus = ResponseStatus.OK
    status_b: ResponseStatus = ResponseStatus.OK
    preference: float | None = None


class Log:
    """Lands fights in one arena before one judge."""

    def __init__(
        self,
        store: Store,
        arena: str = "log",
        rule: OutcomeRule = OutcomeRule.MEAN_MARGIN,
        on_cut: OnCut = OnCut.VOID,
        judge: str = "judge",
    ) -> None:
        self.store = store
        self._players: dict[str, Contestant] = {}
        self._number = 0
        with store.write() as tx:
            self.judge = land_recorded_judge(tx, judge)
            self.arena: Arena = land_arena(tx, arena, rule, on_cut)

    def land(self, *fights: Fight) -> None:
        """Land them in one transaction."""
        with self.store.write() as tx:
            for name in {name for one in fights for name in (one.a, one.b)} - self._players.keys():
                self._players[name] = land_imported_player(tx, name)
            wanted = sorted({one.prompt for one in fights})
            prompts = [Prompt(f"q{n}", Conversation.of(f"question {n}"), "set") for n in wanted]
            places = dict(zip(wanted, land_prompts(tx, prompts), strict=True))
            land_battles(tx, self.arena, [self._battle(one, places[one.prompt].prompt_id) for one in fights])

    def _battle(self, one: Fight, prompt_id: int) -> NewBattle:
        self._number += 1
        verdict = Verdict(VerdictKind.SCORES, VerdictStatus.OK, one.scores)
        if one.preference is not None:
            verdict = Verdict(VerdictKind.PREFERENCE, VerdictStatus.OK, one.preference)
        decision = before_judging(self.arena.on_cut, one.status_a, one.status_b)
        return NewBattle(
            key=keys.recorded_battle_key(self.judge.key, {"number": self._number}),
            judge_id=self.judge.id,
            prompt_id=prompt_id,
            player_a=self._players[one.a].id,
            player_b=self._players[one.b].id,
            decision=decision or decide(self.arena.outcome_rule, [Game(False, verdict)], 1),
            position=one.position,
            status_a=one.status_a,
            status_b=one.status_b,
            category=one.category,
            occurred_at=one.at,
        )
