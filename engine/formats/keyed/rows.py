"""Rows of our own exports: what a store holds, under the content keys that it has there.

The keys are claims. They are derived again where the rows land, and a row whose keys do not follow from it is set
aside. `file` is the path of a row's file, as it was given.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from engine.records import BattleState, OnCut, Outcome, OutcomeRule, Response, ResponseStatus, Verdict


class Party(NamedTuple):
    """A player or judge: its name where the row comes from, and its key."""

    name: str
    key: str


class Place(NamedTuple):
    """A prompt: its set (None where it is in none), its name there, and its key."""

    set_name: str | None
    name: str
    key: str


@dataclass(frozen=True, slots=True)
class KeyedPlayer:
    """A player with the identity of its model.

    Attributes:
        model: name of the model, which several players may share.
        sampling: as `keys.sampling_json` says it; None for an imported player, of which it is not known.
        alias_of: name of the player, in the same table, under whose name it is rated.
    """

    name: str
    key: str
    model: str
    kind: str
    facts: Mapping[str, Any]
    template_hash: str | None
    sampling: Mapping[str, Any] | None
    path: str | None
    alias_of: str | None
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class KeyedJudge:
    """A judge with what it says of itself."""

    name: str
    key: str
    kind: str
    facts: Mapping[str, Any]
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class KeyedArena:
    """An arena with its rules. `ratings` is how its plan wants it rated, None where none says it."""

    name: str
    outcome_rule: OutcomeRule
    on_cut: OnCut
    ratings: Mapping[str, Any] | None
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class KeyedResponse:
    """A response. `tries` is how often it was asked for."""

    key: str
    prompt: Place
    player: Party
    response: Response
    tries: int
    line: int
    file: str


@dataclass(frozen=True, slots=True)
class KeyedVerdict:
    """A verdict as it was shown.

    Attributes:
        number: which try of its key it is, from 0.
        first, second: the players as shown; `second` is None for a score of one response.
        response_first, response_second: keys; None where they are unknown.
        source: what tells an imported verdict from others; None for one of a run.
    """

    key: str
    number: int
    prompt: Place
    judge: Party
    first: Party
    second: Party | None
    response_first: str | None
    response_second: str | None
    verdict: Verdict
    source: str | None
    line: int
    file: str


class KeyedGame(NamedTuple):
    """A game of a battle: its verdict by key and try, and the verdict itself where the row holds it."""

    swapped: bool
    key: str
    number: int
    verdict: KeyedVerdict | None = None


@dataclass(frozen=True, slots=True)
class KeyedBattle:
    """A battle with what its store made of it, which has to follow from its games.

    Attributes:
        rules: of the arena; None where a person named another arena, whose rules then hold.
        n_games: how many games it has; `games` has fewer where some were not in the file.
        source: what tells an imported battle without games from others.
        lines: the rows of the file that it was read from.
        log: the same as anybody's battle log has it, for a store that lacks what the keys stand for; None where that
            is not wanted.
    """

    key: str
    arena: str
    rules: tuple[OutcomeRule, OnCut] | None
    prompt: Place
    judge: Party
    a: Party
    b: Party
    response_a: str | None
    response_b: str | None
    status_a: ResponseStatus
    status_b: ResponseStatus
    state: BattleState
    reason: str | None
    outcome: Outcome | None
    margin: float | None
    games: tuple[KeyedGame, ...]
    n_games: int
    source: str | None
    category: str | None
    turn: int | None
    round: int | None
    occurred_at: float | None
    position: int
    lines: tuple[int, ...]
    file: str
    log: Any = None

    @property
    def line(self) -> int:
        return self.lines[0]


KeyedRow = KeyedPlayer | KeyedJudge | KeyedArena | KeyedResponse | KeyedVerdict | KeyedBattle
