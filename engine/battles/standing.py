"""How battles of a plan stand in the store: which are done, which can be decided, and what is to be asked for the rest.

A run lands and asks by it; a preflight counts by it. So what is counted is what is asked.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from engine.battles import outcome
from engine.battles.cast import Bench
from engine.battles.games import Asked, Pending, by_question
from engine.battles.schedule import Match
from engine.records import Decision, VerdictStatus
from engine.store.battles import Arena, battle_states
from engine.store.prompts import read_conversations
from engine.store.responses import read_responses
from engine.store.sqlite import Connection
from engine.store.units import SET_ASIDE
from engine.store.verdicts import read_recorded, read_verdicts


@dataclass(slots=True)
class Standing:
    """Some battles before one judge.

    Attributes:
        found: battles that the arena has decided or void, by state.
        settled: battles that need no judge, and what becomes of them.
        asked: questions to be asked, each once.
        unanswered: battles of which the store lacks a response.
    """

    found: Counter[str] = field(default_factory=Counter)
    settled: list[tuple[Pending, Decision]] = field(default_factory=list)
    asked: list[Asked] = field(default_factory=list)
    unanswered: int = 0


def standing(
    connection: Connection,
    arena: Arena,
    bench: Bench,
    matches: Iterable[Match],
    set_aside: Collection[str] = (),
) -> Standing:
    """Look up how battles stand. Time and memory grow with `matches`: give a chunk of them.

    Args:
        set_aside: keys of questions that are not to be asked again, whatever came of them.
    """
    keyed = {match.key(bench.contestant.key): match for match in matches}
    states = battle_states(connection, arena.id, keyed)
    missing = {key: match for key, match in keyed.items() if states.get(key) in (None, "waiting")}
    found = Standing(Counter(state for state in states.values() if state != "waiting"))
    pending = _answered(connection, arena, missing, found)
    if bench.recorded:
        _take_recorded(connection, bench, pending)
    else:
        pending = _unasked(connection, bench, pending, found, set_aside)
    for one in pending:
        found.settled.append((one, decision(arena, bench, one)))
    return found


def decision(arena: Arena, bench: Bench, one: Pending) -> Decision:
    """What the arena's rule makes of the games that were judged."""
    return outcome.decide(arena.outcome_rule, one.games(), bench.judge.games)


def _answered(
    connection: Connection, arena: Arena, missing: Mapping[str, Match], found: Standing
) -> list[Pending]:
    """The battles that have both responses, and are not settled by these alone."""
    wanted = {key for match in missing.values() for key in (match.a, match.b)}
    responses = read_responses(connection, wanted)
    pending = []
    for key, match in missing.items():
        a, b = responses.get(match.a), responses.get(match.b)
        if a is None or b is None:
            found.unanswered += 1
            continue
        one = Pending(match, key, a, b)
        settled = outcome.before_judging(arena.on_cut, a.response.status, b.response.status)
        if settled is None:
            pending.append(one)
        else:
            found.settled.append((one, _naming_set_aside(one, settled)))
    return pending


def _naming_set_aside(one: Pending, settled: Decision) -> Decision:
    """A battle that waits for a response which is asked for no more says so."""
    if settled.reason == outcome.FAILED_RESPONSE and SET_ASIDE in (
        one.a.response.error,
        one.b.response.error,
    ):
        return replace(settled, reason=outcome.SET_ASIDE_RESPONSE)
    return settled


def _unasked(
    connection: Connection,
    bench: Bench,
    pending: Sequence[Pending],
    found: Standing,
    set_aside: Collection[str],
) -> list[Pending]:
    """Render all games, take the verdicts that the store has, and note the rest as to be asked.

    Returns:
        The battles for which nothing is to be asked: they are decided, or have had their tries.
    """
    orientations = (False, True)[: bench.judge.games]
    conversations = read_conversations(connection, (one.match.prompt.id for one in pending))
    questions = by_question(
        (one, swapped, bench.judge.question(one.shown(swapped, conversations[one.match.prompt.id])))
        for one in pending
        for swapped in orientations
    )
    stands = read_verdicts(connection, questions)
    for key, asked in questions.items():
        stored = stands.get(key)
        ok = stored is not None and stored.verdict.status is VerdictStatus.OK
        if stored and (ok or stored.tries >= bench.tries or key in set_aside):
            asked.settle(stored.id, stored.verdict)
            continue
        if stored:
            asked.goes_on_from(stored)
        found.asked.append(asked)
    return [one for one in pending if not one.unsettled]


def _take_recorded(connection: Connection, bench: Bench, pending: Sequence[Pending]) -> None:
    """Give battles the verdicts of an imported judge, which are known by the responses that were shown.

    A log mostly holds one order, whichever it was: where the judge plays one game, either serves.
    """
    prompts = {one.match.prompt.id for one in pending}
    recorded = read_recorded(connection, bench.contestant.id, prompts)
    for one in pending:
        for swapped in (False, True):
            first, second = one.in_order(swapped)
            stored = recorded.get((first.id, second.id))
            if stored and stored.verdict.turn is None and len(one.verdicts) < bench.judge.games:
                one.verdicts[swapped] = (stored.id, stored.verdict)
