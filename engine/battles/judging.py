"""The second half of a run: a judge plays the games of the battles whose responses are there.

It follows the players in chunks of battles. A verdict is landed as it comes, a battle with the last verdict that it
needs; so whatever was judged before a crash is not judged again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine import keys
from engine.battles import outcome
from engine.battles.cast import Bench
from engine.battles.flow import Frontier, GroupLanding
from engine.battles.progress import Progress
from engine.battles.schedule import Match, Schedule
from engine.judges.base import Question, Shown
from engine.records import Decision, Game, Response, ResponseStatus, Verdict, VerdictStatus
from engine.store.battles import Arena, NewBattle, battle_states, land_battles
from engine.store.responses import StoredResponse, read_responses
from engine.store.store import Fence, Store
from engine.store.verdicts import NewVerdict, StoredVerdict, land_verdicts, read_verdicts

CHUNK = 512
"""Battles that are prepared at a time."""

CHUNKS_AT_ONCE = 2
"""While one chunk waits for its last games, the next one keeps the judge busy."""


@dataclass(slots=True)
class _Pending:
    """A battle whose games are being played."""

    match: Match
    key: str
    a: StoredResponse
    b: StoredResponse
    open_games: set[bool] = field(default_factory=set)
    games: dict[bool, tuple[int, Verdict]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, and the games that its verdict settles: equal responses are shown once."""

    question: Question
    games: list[tuple[_Pending, bool]]
    tries: int


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
        landing = GroupLanding(self._land)
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

    async def _judge_chunk(
        self, start: int, end: int, landing: GroupLanding[_Asked | tuple[_Asked, Verdict]], room: asyncio.Semaphore
    ) -> None:
        try:
            asked = self._prepare(list(self._schedule.matches(start, end)))
            while asked and not self._stop.is_set():
                asked = await self._ask(asked, landing)
        finally:
            room.release()

    async def _ask(
        self, asked: Sequence[_Asked], landing: GroupLanding[_Asked | tuple[_Asked, Verdict]]
    ) -> list[_Asked]:
        """Ask once; return what is worth asking again."""
        by_key = {one.question.key: one for one in asked}
        again: list[_Asked] = []
        async for question, verdict in self._bench.judge.judge(self._until_stop(asked)):
            one = by_key[question.key]
            await landing.put((one, verdict))
            if verdict.status is not VerdictStatus.OK and one.tries + 1 < self._bench.tries:
                next_try = replace(one.question, attempt=one.tries + 1)
                again.append(_Asked(next_try, one.games, one.tries + 1))
        return again

    def _until_stop(self, asked: Sequence[_Asked]) -> Iterator[Question]:
        for one in asked:
            if self._stop.is_set():
                return
            yield one.question

    def _prepare(self, matches: Sequence[Match]) -> list[_Asked]:
        """Land what needs no judge; return what has to be asked."""
        keyed = [(match, *self._response_keys(match)) for match in matches]
        stands = battle_states(self._store.reader, self._arena.id, [self._battle_key(m, a, b) for m, a, b in keyed])
        open_ones = [one for one in keyed if stands.get(self._battle_key(*one)) in (None, "waiting")]
        for match, a, b in keyed:
            state = stands.get(self._battle_key(match, a, b))
            if state in ("decided", "void"):
                self._progress.states[state] += 1
                self._progress.found += 1
        responses = read_responses(self._store.reader, {key for _, *both in open_ones for key in both})
        settled, pending = self._sort_out(open_ones, responses)
        asked = self._questions(pending)
        settled += [self._battle(one, self._decision(one)) for one in pending if not one.open_games]
        self._land_battles(settled)
        return asked

    def _sort_out(
        self, open_ones: Sequence[tuple[Match, str, str]], responses: Mapping[str, StoredResponse]
    ) -> tuple[list[NewBattle], list[_Pending]]:
        """Battles that their responses decide, and battles that have to be judged."""
        settled: list[NewBattle] = []
        pending: list[_Pending] = []
        for match, key_a, key_b in open_ones:
            a, b = responses.get(key_a), responses.get(key_b)
            if a is None or b is None:
                continue
            one = _Pending(match, self._battle_key(match, key_a, key_b), a, b)
            decision = outcome.before_judging(self._arena.on_cut, a.response.status, b.response.status)
            if decision is None:
                pending.append(one)
            else:
                settled.append(self._battle(one, decision))
        return settled, pending

    def _questions(self, pending: Sequence[_Pending]) -> list[_Asked]:
        """Render all games; take the verdicts that the store has; return the rest."""
        asked: dict[str, _Asked] = {}
        for one in pending:
            for swapped in (False, True)[: self._bench.judge.games]:
                question = self._bench.judge.question(_shown(one, swapped))
                one.open_games.add(swapped)
                asked.setdefault(question.key, _Asked(question, [], 0)).games.append((one, swapped))
        stands = read_verdicts(self._store.reader, asked)
        for key, verdict in stands.items():
            if verdict.verdict.status is VerdictStatus.OK or verdict.tries >= self._bench.tries:
                _settle(asked.pop(key), verdict.id, verdict.verdict)
        return [_with_tries(one, stands.get(key)) for key, one in asked.items()]

    def _land(self, group: list[tuple[_Asked, Verdict]]) -> None:  # type: ignore[override]
        with self._store.write(self._fence) as tx:
            ids = land_verdicts(tx, [self._new_verdict(one, verdict) for one, verdict in group])
            complete: dict[int, _Pending] = {}
            for one, verdict in group:
                last = verdict.status is VerdictStatus.OK or one.tries + 1 >= self._bench.tries
                for pending in _settle(one, ids[one.question.key][0], verdict, last=last):
                    complete[id(pending)] = pending
            battles = [self._battle(pending, self._decision(pending)) for pending in complete.values()]
            land_battles(tx, self._arena, battles)
        for _, verdict in group:
            self._count(verdict)
        for battle in battles:
            self._progress.states[battle.decision.state.value] += 1

    def _land_battles(self, battles: Sequence[NewBattle]) -> None:
        if battles:
            with self._store.write(self._fence) as tx:
                land_battles(tx, self._arena, battles)
        for battle in battles:
            self._progress.states[battle.decision.state.value] += 1

    def _decision(self, one: _Pending) -> Decision:
        games = [Game(swapped, verdict) for swapped, (_, verdict) in sorted(one.games.items())]
        return outcome.decide(self._arena.outcome_rule, games, self._bench.judge.games)

    def _new_verdict(self, one: _Asked, verdict: Verdict) -> NewVerdict:
        pending, swapped = one.games[0]
        first, second = (pending.b, pending.a) if swapped else (pending.a, pending.b)
        return NewVerdict(
            one.question.key,
            self._bench.contestant.id,
            pending.match.prompt.id,
            first.player_id,
            second.player_id,
            verdict,
            first.id,
            second.id,
        )

    def _battle(self, one: _Pending, decision: Decision) -> NewBattle:
        return NewBattle(
            one.key,
            self._bench.contestant.id,
            one.match.prompt.id,
            one.a.player_id,
            one.b.player_id,
            decision,
            self._first_position + one.match.position,
            tuple((swapped, number) for swapped, (number, _) in one.games.items()),
            one.a.id,
            one.b.id,
            one.a.response.status,
            one.b.response.status,
            one.match.prompt.prompt.category,
        )

    def _response_keys(self, match: Match) -> tuple[str, str]:
        pairing = match.pairing
        return (
            self._schedule.response_key(pairing.a, match.prompt, pairing.sample),
            self._schedule.response_key(pairing.b, match.prompt, pairing.sample),
        )

    def _battle_key(self, match: Match, a: str, b: str) -> str:
        return keys.battle_key(self._bench.contestant.key, match.prompt.key, a, b, None)

    def _count(self, verdict: Verdict) -> None:
        name = self._bench.name
        self._progress.calls[name] += 1
        self._progress.tokens[name] += (verdict.tokens_in or 0) + (verdict.tokens_out or 0)
        if verdict.status is not VerdictStatus.OK:
            self._progress.problems[f"{verdict.status.value} verdict"] += 1


def _shown(one: _Pending, swapped: bool) -> Shown:
    first, second = (one.b, one.a) if swapped else (one.a, one.b)
    conversation = one.match.prompt.prompt.conversation
    assert conversation is not None
    return Shown(one.match.prompt.key, conversation, first.key, first.response, second.key, second.response)


def _with_tries(one: _Asked, stands: StoredVerdict | None) -> _Asked:
    if stands is None:
        return one
    return _Asked(replace(one.question, attempt=stands.tries), one.games, stands.tries)


def _settle(one: _Asked, number: int, verdict: Verdict, *, last: bool = True) -> list[_Pending]:
    """Note the verdict in its games; return the battles that have all their games now."""
    complete = []
    for pending, swapped in one.games:
        pending.games[swapped] = (number, verdict)
        if last:
            pending.open_games.discard(swapped)
            if not pending.open_games:
                complete.append(pending)
    return complete
