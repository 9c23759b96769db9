"""The second half of a run: a judge plays the games of the battles whose responses are there.

It follows the players in chunks of battles. A verdict is landed as it comes, a battle with the last verdict that it
needs; so whatever was judged before a crash is not judged again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence

from engine.battles import outcome
from engine.battles.cast import Bench
from engine.battles.flow import Frontier, GroupLanding
from engine.battles.games import Asked, Pending, by_question
from engine.battles.progress import Progress
from engine.battles.schedule import Match, Schedule
from engine.judges.base import Question
from engine.records import Decision, Verdict, VerdictStatus
from engine.store.battles import Arena, NewBattle, battle_states, land_battles
from engine.store.responses import read_responses
from engine.store.store import Fence, Store
from engine.store.verdicts import StoredVerdict, land_verdicts, read_recorded, read_verdicts

CHUNK = 512
"""Battles that are prepared at a time."""

CHUNKS_AT_ONCE = 2
"""While one chunk waits for its last games, the next one keeps the judge busy."""

Landing = GroupLanding[tuple[Asked, Verdict]]


class Judging:
    """Lets one judge decide the battles of a schedule in one arena, and lands what comes."""

    def __init__(
        self,
        store: Store,
        fence: Fence | None,
        schedule: Schedule,
        arena: Arena,
        bench: Bench,
        progress: Progress,
        stop: asyncio.Event,
        first_position: int = 0,
    ) -> None:
        self._store = store
        self._fence = fence
        self._schedule = schedule
        self._arena = arena
        self._bench = bench
        self._progress = progress
        self._stop = stop
        self._first_position = first_position

    async def run(self, frontiers: Sequence[Frontier]) -> None:
        """Judge everything that is missing, behind the players; end early, with what is in flight, on `stop`."""
        room = asyncio.Semaphore(CHUNKS_AT_ONCE)
        landing: Landing = GroupLanding(self._land)
        try:
            async with asyncio.TaskGroup() as tasks:
                for start, end in self._chunks():
                    if not all([await frontier.reached(end) for frontier in frontiers]):
                        break
                    await room.acquire()
                    if self._stop.is_set():
                        break
                    tasks.create_task(self._judge_chunk(start, end, landing, room))
        finally:
            await landing.drain()

    def _chunks(self) -> Iterator[tuple[int, int]]:
        step = max(1, CHUNK // self._schedule.matchmaker.per_prompt())
        for start in range(0, len(self._schedule.prompts), step):
            yield start, min(start + step, len(self._schedule.prompts))

    async def _judge_chunk(self, start: int, end: int, landing: Landing, room: asyncio.Semaphore) -> None:
        try:
            asked = self._prepare(list(self._schedule.matches(start, end)))
            while asked and not self._stop.is_set():
                asked = await self._ask(asked, landing)
        finally:
            room.release()

    async def _ask(self, asked: Sequence[Asked], landing: Landing) -> list[Asked]:
        """Ask once; return what is worth asking again."""
        by_key = {one.question.key: one for one in asked}
        again: list[Asked] = []
        async for question, verdict in self._bench.judge.judge(self._until_stop(asked)):
            one = by_key[question.key]
            await landing.put((one, verdict))
            if not one.is_settled_by(verdict, self._bench.tries):
                again.append(one.again(verdict))
        return again

    def _until_stop(self, asked: Sequence[Asked]) -> Iterator[Question]:
        for one in asked:
            if self._stop.is_set():
                return
            yield one.question

    def _prepare(self, matches: Sequence[Match]) -> list[Asked]:
        """Land what needs no judge; return what has to be asked."""
        keyed = {self._schedule.battle_key(self._bench.contestant.key, match): match for match in matches}
        stands = battle_states(self._store.reader, self._arena.id, keyed)
        for state in stands.values():
            if state != "waiting":
                self._progress.states[state] += 1
                self._progress.found += 1
        missing = {key: match for key, match in keyed.items() if stands.get(key) in (None, "waiting")}
        settled, pending = self._sort_out(missing)
        asked = self._questions(pending)
        settled += [self._battle(one, self._decision(one)) for one in pending if not one.unsettled]
        self._land_settled(settled)
        return asked

    def _sort_out(self, missing: Mapping[str, Match]) -> tuple[list[NewBattle], list[Pending]]:
        """Battles that their responses decide, and battles that have to be judged."""
        wanted = {key: self._schedule.response_keys(match) for key, match in missing.items()}
        responses = read_responses(self._store.reader, {one for both in wanted.values() for one in both})
        settled: list[NewBattle] = []
        pending: list[Pending] = []
        for key, match in missing.items():
            a, b = (responses.get(one) for one in wanted[key])
            if a is None or b is None:
                continue  # the run is being stopped, and did not ask for it any more
            one = Pending(match, key, a, b)
            decision = outcome.before_judging(self._arena.on_cut, a.response.status, b.response.status)
            if decision is None:
                pending.append(one)
            else:
                settled.append(self._battle(one, decision))
        return settled, pending

    def _questions(self, pending: Sequence[Pending]) -> list[Asked]:
        """Render all games; take the verdicts that the store has; return the rest."""
        orientations = (False, True)[: self._bench.judge.games]
        judge = self._bench.judge
        asked = by_question(
            (one, swapped, judge.question(one.shown(swapped))) for one in pending for swapped in orientations
        )
        stands = read_verdicts(self._store.reader, [one.question.key for one in asked])
        if self._bench.recorded:
            stands = self._recorded(asked) | stands
        missing = []
        for one in asked:
            stored = stands.get(one.question.key)
            if stored and (stored.verdict.status is VerdictStatus.OK or stored.tries >= self._bench.tries):
                one.take(stored.id, stored.verdict, settled=True)
            else:
                missing.append(one.after(stored))
        return missing

    def _recorded(self, asked: Sequence[Asked]) -> dict[str, StoredVerdict]:
        """Verdicts of an imported judge, which are known by the responses that were shown and not by a page."""
        judge_id = self._bench.contestant.id
        prompts = {pending.match.prompt.id for one in asked for pending, _ in one.games}
        found = read_recorded(self._store.reader, judge_id, prompts)
        shown = {one.question.key: one.shown_ids() for one in asked}
        return {key: found[ids] for key, ids in shown.items() if ids in found}

    def _land(self, group: Sequence[tuple[Asked, Verdict]]) -> None:
        judge_id = self._bench.contestant.id
        with self._store.write(self._fence) as tx:
            landed = land_verdicts(tx, [one.new_verdict(judge_id, verdict) for one, verdict in group])
            complete = [
                pending
                for one, verdict in group
                for pending in one.take(
                    landed[one.question.key][0],
                    verdict,
                    settled=one.is_settled_by(verdict, self._bench.tries),
                )
            ]
            battles = [self._battle(pending, self._decision(pending)) for pending in complete]
            land_battles(tx, self._arena, battles)
        for _, verdict in group:
            self._count(verdict)
        self._progress.states.update(battle.decision.state.value for battle in battles)

    def _land_settled(self, battles: Sequence[NewBattle]) -> None:
        if battles:
            with self._store.write(self._fence) as tx:
                land_battles(tx, self._arena, battles)
        self._progress.states.update(battle.decision.state.value for battle in battles)

    def _decision(self, one: Pending) -> Decision:
        return outcome.decide(self._arena.outcome_rule, one.games(), self._bench.judge.games)

    def _battle(self, one: Pending, decision: Decision) -> NewBattle:
        return NewBattle(
            key=one.key,
            judge_id=self._bench.contestant.id,
            prompt_id=one.match.prompt.id,
            player_a=one.a.player_id,
            player_b=one.b.player_id,
            decision=decision,
            position=self._first_position + one.match.position,
            games=tuple((swapped, number) for swapped, (number, _) in one.verdicts.items()),
            response_a=one.a.id,
            response_b=one.b.id,
            status_a=one.a.response.status,
            status_b=one.b.response.status,
            category=one.match.prompt.prompt.category,
        )

    def _count(self, verdict: Verdict) -> None:
        name = self._bench.name
        self._progress.calls[name] += 1
        self._progress.tokens[name] += (verdict.tokens_in or 0) + (verdict.tokens_out or 0)
        if verdict.status is not VerdictStatus.OK:
            self._progress.problems[f"{verdict.status.value} verdict"] += 1
