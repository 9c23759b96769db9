"""Runs in this process whose players and judges are functions: for what HTTP would only make slower."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from engine import keys
from engine.battles.budget import Budget
from engine.battles.cast import Bench, Cast, Seat
from engine.battles.matchmaking import MatchMaker, Mode
from engine.battles.run import Run
from engine.battles.runner import play
from engine.battles.schedule import Schedule
from engine.judges.base import Question, Shown
from engine.players.base import ChatReply, ChatRequest, ModelIdentity
from engine.records import (
    Conversation,
    OnCut,
    OutcomeRule,
    Prompt,
    ResponseStatus,
    Sampling,
    Verdict,
    VerdictKind,
    VerdictStatus,
)
from engine.store import Store
from engine.store.battles import land_arena
from engine.store.contestants import land_judge, land_player
from engine.store.prompts import land_prompts, list_set

Say = Callable[[ChatRequest], ChatReply]
Decide = Callable[[Question], Verdict]


def said(request: ChatRequest, text: str = "fine", **facts: Any) -> ChatReply:
    facts = {"tokens_in": 20, "tokens_out": 30, "latency_ms": 100.0, "finish_reason": "stop"} | facts
    return ChatReply(request.key, facts.pop("status", ResponseStatus.OK), text, **facts)


def scored(first: float, second: float) -> Verdict:
    return Verdict(
        VerdictKind.SCORES,
        VerdictStatus.OK,
        (first, second),
        raw=f"{first}:{second}",
        tokens_in=200,
        tokens_out=10,
        latency_ms=50.0,
    )


def unparsable(raw: str = "?") -> Verdict:
    return Verdict(VerdictKind.SCORES, VerdictStatus.UNPARSABLE, reason="no line", raw=raw)


@dataclass
class Speaker:
    """A player that answers by a function."""

    name: str
    say: Say = said
    parallel: int = 4
    local: bool = False
    asked: list[ChatRequest] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    sampling: Sampling = field(default_factory=lambda: Sampling(seed=1))
    holds_schema: bool = False

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def try_schema(self, schema: Mapping[str, Any]) -> bool:
        return False

    def identity(self) -> ModelIdentity:
        return ModelIdentity("weights" if self.local else "endpoint", {"model": self.name})

    async def chat(self, requests: Iterable[ChatRequest]) -> AsyncIterator[ChatReply]:
        for request in requests:
            self.asked.append(request)
            await asyncio.sleep(0)
            yield self.say(request)


@dataclass
class Umpire:
    """A judge that decides by a function, and that is a model as far as a run can tell."""

    decide: Decide
    games: int = 2
    name: str = "umpire"
    kind: VerdictKind = VerdictKind.SCORES
    asked: list[Question] = field(default_factory=list)
    player: Speaker = field(default_factory=lambda: Speaker("umpire"))

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    def key(self) -> str:
        return keys.judge_key("test", {"name": self.name}, None, None)

    def facts(self) -> Mapping[str, Any]:
        return {"kind": "test", "name": self.name}

    def question(self, shown: Shown) -> Question:
        """By the texts that are shown, as a model's page is."""
        assert shown.second is not None
        page = [[turn.answer for turn in side.turns] for side in (shown.first, shown.second)]
        return Question(keys.content_hash([self.key(), shown.prompt_key, page]), shown)

    async def judge(
        self, questions: Iterable[Question], attempt: int = 0
    ) -> AsyncIterator[tuple[Question, Verdict]]:
        for question in questions:
            self.asked.append(question)
            await asyncio.sleep(0)
            yield question, self.decide(question)


@dataclass
class World:
    """What a small run is made of. Change it, then `run()` or `play()`."""

    store: Store
    players: list[Speaker]
    umpires: list[Umpire]
    prompts: list[Prompt] = field(default_factory=list)
    mode: Mode = "round-robin"
    samples: int = 1
    seed: int = 0
    arena: str = "small"
    rule: OutcomeRule = OutcomeRule.MEAN_MARGIN
    on_cut: OnCut = OnCut.VOID
    tries: int = 3

    def run(self, **budget: Any) -> Run:
        with self.store.write() as tx:
            land_prompts(tx, self.prompts)
            arena = land_arena(tx, self.arena, self.rule, self.on_cut)
        cast = Cast(
            {one.name: self._seat(one) for one in self.players},
            {j.name: self._bench(j) for j in self.umpires},
        )
        maker = MatchMaker.of([one.name for one in self.players], self.mode, self.seed, samples=self.samples)
        stored = list(list_set(self.store.reader, self.prompts[0].set_name))
        schedule = Schedule.of(stored, maker, cast.contestants(), {})
        return Run(self.store, None, schedule, arena, cast, Budget(asyncio.Event(), **budget))

    def play(self, **budget: Any) -> Run:
        """Run to the end, on a loop of its own."""

        async def playing() -> Run:
            run = self.run(**budget)
            await play(run)
            return run

        return asyncio.run(playing())

    def _seat(self, one: Speaker) -> Seat:
        identity = one.identity()
        with self.store.write() as tx:
            contestant = land_player(tx, one.name, identity.kind, identity.facts, None, one.sampling)
        return Seat(one.name, one, contestant, one.sampling)

    def _bench(self, judge: Umpire) -> Bench:
        with self.store.write() as tx:
            contestant = land_judge(tx, judge.name, judge.kind.value, judge.key(), judge.facts())
        return Bench(judge.name, judge, contestant, self.tries)


def questions(n: int, *later_turns: str, set_name: str = "set") -> list[Prompt]:
    """Prompts of one open turn, and one more for each later text."""
    return [
        Prompt(f"q{i}", Conversation.of(f"question {i}", *later_turns), set_name, "ab"[i % 2])
        for i in range(n)
    ]


def world(
    store: Store, decide: Decide, players: Iterable[str] = ("ada", "bob", "eve"), prompts: int = 6
) -> World:
    """Players that say their names, before one judge with two games."""
    speakers = [
        Speaker(name, lambda request, name=name: said(request, f"{name}: {request.messages[-1].content}"))
        for name in players
    ]
    return World(store, speakers, [Umpire(decide)], questions(prompts))


def other_judge(judge: Umpire, name: str) -> Umpire:
    return replace(judge, name=name, asked=[], player=Speaker(name))
