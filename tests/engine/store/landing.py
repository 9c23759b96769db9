"""Small rows for tests of the store."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from engine import keys
from engine.records import (
    BattleState,
    Conversation,
    Decision,
    OnCut,
    Outcome,
    OutcomeRule,
    Prompt,
    Response,
    ResponseStatus,
    Turn,
    Verdict,
    VerdictKind,
    VerdictStatus,
)
from engine.store import Store, Transaction, open_store
from engine.store.battles import Arena, NewBattle, land_arena, land_battles
from engine.store.contestants import Contestant, land_imported_player, land_recorded_judge
from engine.store.counts import differences
from engine.store.prompts import land_prompts
from engine.store.responses import NewResponse, land_responses
from engine.store.verdicts import NewVerdict, land_verdicts

DECIDED = {
    Outcome.A: Decision(BattleState.DECIDED, None, Outcome.A, 2.0, 1.0, 1, 0, 0),
    Outcome.B: Decision(BattleState.DECIDED, None, Outcome.B, -2.0, 0.0, 0, 1, 0),
    Outcome.TIE: Decision(BattleState.DECIDED, None, Outcome.TIE, 0.0, 0.5, 0, 0, 1),
}
WAITING = Decision(BattleState.WAITING, "missing game")
VOID = Decision(BattleState.VOID, "cut response")


@contextmanager
def fresh_store() -> Iterator[Store]:
    """A store of its own for one example of hypothesis."""
    with TemporaryDirectory() as folder, open_store(Path(folder) / "arena.db", writable=True) as store:
        yield store


@dataclass(frozen=True)
class Ground:
    """An arena with players, a judge and a prompt to fight on."""

    arena: Arena
    judge: Contestant
    players: tuple[Contestant, ...]
    prompt_id: int
    prompt_key: str


def lay_ground(
    tx: Transaction,
    arena: str = "arena",
    judge: str = "judge",
    players: tuple[str, ...] = ("ann", "bob", "cid"),
    rule: OutcomeRule = OutcomeRule.MEAN_MARGIN,
) -> Ground:
    """Register everybody who takes part."""
    (prompt,) = land_prompts(tx, [Prompt("q1", Conversation.of("Who?"), "set")])
    return Ground(
        land_arena(tx, arena, rule, OnCut.JUDGE),
        land_recorded_judge(tx, judge),
        tuple(land_imported_player(tx, name) for name in players),
        prompt.prompt_id,
        prompt.key,
    )


def battle(ground: Ground, key: str, a: int = 0, b: int = 1, **facts: Any) -> NewBattle:
    """A battle of two of the ground's players, by their index; won by a unless `decision` says otherwise."""
    settled: dict[str, Any] = {"decision": DECIDED[Outcome.A], "position": 0} | facts
    return NewBattle(
        key=keys.recorded_battle_key("j", {"test": key}),
        judge_id=ground.judge.id,
        prompt_id=ground.prompt_id,
        player_a=ground.players[a].id,
        player_b=ground.players[b].id,
        **settled,
    )


def land(store: Store, ground: Ground, *battles: NewBattle, again: bool = True) -> dict[str, bool]:
    """Land battles in a transaction of their own."""
    with store.write() as tx:
        return land_battles(tx, ground.arena, battles, again=again)


def response(text: str, status: ResponseStatus = ResponseStatus.OK, **facts: Any) -> Response:
    """A response of one turn."""
    return Response(status, (Turn(text),), **facts)


def answer(ground: Ground, player: int, said: Response, key: str = "") -> NewResponse:
    """A response of one of the ground's players; its key follows from its sample unless one is given."""
    contestant = ground.players[player]
    made = key or keys.response_key(contestant.key, ground.prompt_key, said.sample)
    return NewResponse(made, ground.prompt_id, contestant.id, said)


def verdict(status: VerdictStatus = VerdictStatus.OK, value: Any = (8.0, 3.0), **facts: Any) -> Verdict:
    """A verdict in scores."""
    return Verdict(VerdictKind.SCORES, status, value if status is VerdictStatus.OK else None, **facts)


def judged(ground: Ground, key: str, said: Verdict) -> NewVerdict:
    """A verdict of the ground's judge on its first two players."""
    a, b, *_ = ground.players
    made = keys.recorded_verdict_key("j", {"test": key})
    return NewVerdict(made, ground.judge.id, ground.prompt_id, a.id, b.id, said)


def recounts(store: Store) -> list[str]:
    """Where the counts of any arena differ from a recount."""
    arenas = [number for (number,) in store.reader.execute("SELECT id FROM arenas")]
    return [line for number in arenas for line in differences(store.reader, number)]


def rows_of(store: Store, table: str, columns: str = "*") -> list[tuple[Any, ...]]:
    """All rows of a table, sorted."""
    return sorted(store.reader.execute(f"SELECT {columns} FROM {table}").fetchall(), key=repr)


__all__ = [
    "DECIDED",
    "VOID",
    "WAITING",
    "Ground",
    "answer",
    "battle",
    "fresh_store",
    "judged",
    "land",
    "land_responses",
    "land_verdicts",
    "lay_ground",
    "recounts",
    "response",
    "rows_of",
    "verdict",
]
