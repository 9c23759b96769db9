"""The second half of a run: a judge plays the games of the battles whose responses are there.

It follows the players: what they have answered is looked up a chunk at a time, as the judge has room. A verdict is
landed as it comes, a battle with the last verdict that it needs; so whatever was judged before a crash is not judged
again.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator, Iterator, Sequence
from contextlib import aclosing
from typing import NamedTuple, cast

from engine.battles.cast import Bench
from engine.battles.flow import Frontier, GroupLanding
from engine.battles.games import Asked, Pending
from engine.battles.marks import Marks
from engine.battles.run import Run
from engine.battles.standing import decision, standing
from engine.errors import StoreError
from engine.judges.base import Question
from engine.records import Decision, Verdict, VerdictStatus
from engine.store.battles import NewBattle, land_battles
from engine.store.store import Transaction
from engine.store.verdicts import land_verdicts, read_verdicts

CHUNK = 256
"""Battles that are looked up at a time."""

LANES = 2
"""While one lane waits for its last verdicts, with nothing else to ask, the other takes up what has become ready."""


class _Heard(NamedTuple):
    asked: Asked
    verdict: Verdict
    settled: bool


Verdicts = AsyncGenerator[tuple[Question, Verdict], None]


class Judging:
    """Lets one judge decide the battles of a run, behind its players, and lands what comes."""

    def __init__(self, run: Run, bench: Bench, frontiers: Sequence[Frontier]) -> None:
        self._run = run
        self._bench = bench
        self._frontiers = frontiers
        self._looked_up = 0
        self._marks = Marks(run, bench)
        self._waiting: deque[Asked] = deque()
        self._open: dict[str, Asked] = {}
        """Questions that wait, are asked, or whose verdict is still to be landed."""

    async def run(self) -> None:
        """Judge everything that is missing; end early, with what is in flight, once the run is to stop."""
        landing: GroupLanding[_Heard] = GroupLanding(self._land)
        try:
            async with asyncio.TaskGroup() as lanes:
                for _ in range(LANES):
                    lanes.create_task(self._judge(landing))
        finally:
            await landing.drain()

    async def ask_alone(self, asked: Asked) -> None:
        """Ask one question with nothing beside it until it is settled, and land what comes."""
        key, asks = asked.question.key, self._bench.asks
        self._open[key] = asked
        while key in self._open and not self._run.stop.is_set() and (not asks or self._run.budget.grants(1)):
            self._marks.take([(key, asked.prompt_id)])
            async with aclosing(cast(Verdicts, self._bench.judge.judge([asked.question]))) as verdicts:
                async for _, verdict in verdicts:
                    self._land([_Heard(asked, verdict, asked.hear(verdict, self._bench.tries))])

    async def _judge(self, landing: GroupLanding[_Heard]) -> None:
        while await self._has_questions():
            verdicts = cast(Verdicts, self._bench.judge.judge(self._questions()))
            async with aclosing(verdicts):
                async for question, verdict in verdicts:
                    asked = self._open[question.key]
                    settled = asked.hear(verdict, self._bench.tries)
                    await landing.put(_Heard(asked, verdict, settled))
                    if not settled:
                        self._waiting.append(asked)

    async def _has_questions(self) -> bool:
        """Wait until there is something to ask; False when there is nothing more."""
        while not self._run.stop.is_set():
            if self._waiting:
                return True
            if self._take_up_next():
                await asyncio.sleep(0)
            elif not all([await frontier.beyond(self._looked_up) for frontier in self._frontiers]):
                return False
        return False

    def _questions(self) -> Iterator[Question]:
        """What can be asked now."""
        while not self._run.stop.is_set():
            if not self._waiting:
                self._take_up_next()
            if not self._waiting or (self._bench.asks and not self._run.budget.grants(1)):
                return
            self._marks.take_ahead(self._waiting, lambda asked: (asked.question.key, asked.prompt_id))
            yield self._waiting.popleft().question

    def _take_up_next(self) -> bool:
        """Take up some more prompts that all players have answered; False when there is none now."""
        start = self._looked_up
        step = max(1, CHUNK // self._run.schedule.matchmaker.per_prompt())
        stop = min(start + step, *(frontier.position for frontier in self._frontiers))
        if stop > start:
            self._looked_up = stop
            self._take_up(start, stop)
        return stop > start

    def _take_up(self, start: int, stop: int) -> None:
        """Look up the battles on these prompts, and land what needs no judge."""
        run = self._run
        matches = run.schedule.matches(start, stop)
        found = standing(run.store.reader, run.arena, self._bench, matches, run.set_aside)
        if found.unanswered:
            raise StoreError(
                f"responses to {found.unanswered} battles have gone from the store during the run"
            )
        run.progress.states.update(found.found)
        run.progress.found += found.found.total()
        if found.settled:
            with run.store.write(run.fence) as tx:
                battles = self._land_battles(tx, found.settled)
            self._count_battles(battles)
        for asked in found.asked:
            known = self._open.setdefault(asked.question.key, asked)
            if known is asked:
                self._waiting.append(asked)
            else:
                known.games.extend(asked.games)

    def _land(self, group: Sequence[_Heard]) -> None:
        with self._run.store.write(self._run.fence) as tx:
            complete = [pending for part in _tries_apart(group) for pending in self._land_verdicts(tx, part)]
            self._marks.let_go(tx, (heard.asked.question.key for heard in group if heard.settled))
            decided = [(one, decision(self._run.arena, self._bench, one)) for one in complete]
            battles = self._land_battles(tx, decided)
        for heard in group:
            self._count(heard.verdict)
            if heard.settled:
                del self._open[heard.asked.question.key]
        self._count_battles(battles)

    def _land_verdicts(self, tx: Transaction, part: Sequence[_Heard]) -> list[Pending]:
        """Land them, and return the battles that have all their verdicts now."""
        judge_id = self._bench.contestant.id
        landed = land_verdicts(tx, [heard.asked.new_verdict(judge_id, heard.verdict) for heard in part])
        # What another run has asked meanwhile stands; a battle rests on the verdict that the store has.
        stood = read_verdicts(tx.connection, [key for key, (_, new) in landed.items() if not new])
        complete = []
        for heard in part:
            if heard.settled:
                key = heard.asked.question.key
                verdict = stood[key].verdict if key in stood else heard.verdict
                complete += heard.asked.settle(landed[key][0], verdict)
        return complete

    def _land_battles(self, tx: Transaction, decided: Sequence[tuple[Pending, Decision]]) -> list[NewBattle]:
        battles = [self._battle(one, decision) for one, decision in decided]
        if not self._run.rehearsal:
            land_battles(tx, self._run.arena, battles)
        return battles

    def _battle(self, one: Pending, decision: Decision) -> NewBattle:
        return NewBattle(
            key=one.key,
            judge_id=self._bench.contestant.id,
            prompt_id=one.match.prompt.id,
            player_a=one.a.player_id,
            player_b=one.b.player_id,
            decision=decision,
            position=self._run.first_position + one.match.position,
            games=tuple((swapped, number) for swapped, (number, _) in one.verdicts.items()),
            response_a=one.a.id,
            response_b=one.b.id,
            status_a=one.a.response.status,
            status_b=one.b.response.status,
            category=one.match.prompt.category or None,
        )

    def _count_battles(self, battles: Sequence[NewBattle]) -> None:
        progress = self._run.progress
        for battle in battles:
            progress.states[battle.decision.state.value] += 1
            if battle.decision.reason is not None:
                progress.reasons[battle.decision.state.value, battle.decision.reason] += 1

    def _count(self, verdict: Verdict) -> None:
        progress, name = self._run.progress, self._bench.name
        tokens_in, tokens_out = verdict.tokens_in or 0, verdict.tokens_out or 0
        progress.calls[name] += 1
        progress.tokens[name] += tokens_in + tokens_out
        self._run.budget.spend("judge", name, tokens_in, tokens_out)
        if verdict.status is not VerdictStatus.OK:
            progress.problems[f"{verdict.status.value} verdict"] += 1


def _tries_apart(group: Sequence[_Heard]) -> list[list[_Heard]]:
    """The group in parts that hold each question once, so that its tries land one after another."""
    parts: list[list[_Heard]] = []
    seen: Counter[str] = Counter()
    for heard in group:
        key = heard.asked.question.key
        if seen[key] == len(parts):
            parts.append([])
        parts[seen[key]].append(heard)
        seen[key] += 1
    return parts
