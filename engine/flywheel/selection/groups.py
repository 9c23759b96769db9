"""The responses of a battle group on one prompt, ranked by mean score over all their games (docs/selection.md, The
rules).

A game of scores gives each response its score. A game of another kind compares without scoring: each response then
gets half of the margin, with its sign, so that differences are margins in the units of that kind.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from engine.judges.derive import margin as margin_of
from engine.records import VerdictKind
from engine.store.groups import BattleRow, GameRow, PromptBattles, SideRow

DECIMALS = 9
"""Of means and margins: enough for any score, and equal means are equal whatever they are means of."""


@dataclass(frozen=True, slots=True)
class Ranked:
    """A response of a group.

    Attributes:
        player_id: whose it is; of an alias, the player that it stands for.
        mean: mean score over all its games on the prompt.
        games: how many these are.
        battles: numbers of the decided battles that they belong to.
    """

    response_id: int
    key: str
    player_id: int
    status: str
    mean: float
    games: int
    battles: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Meeting:
    """What came of two responses that met, from the side of the first: over one battle, or one a turn.

    Attributes:
        margin: mean margin, the first minus the second; None where one was decided without a judge.
        won, lost: battles.
    """

    battles: tuple[int, ...]
    margin: float | None
    won: int
    lost: int

    @property
    def is_loss(self) -> bool:
        """Whether the first lost, by the arena's outcome rule and by the margin."""
        return self.lost > self.won and self.margin is not None and self.margin < 0


@dataclass(frozen=True, slots=True)
class Group:
    """Whoever was judged on a prompt.

    Attributes:
        ranking: the responses, best first; equal means in the order of keys.
        kinds: of the verdicts. Scores of two kinds cannot be compared.
        has_waiting: whether a battle lacks a valid verdict, so that no ranking is complete.
    """

    prompt_id: int
    prompt_key: str
    category: str | None
    ranking: tuple[Ranked, ...]
    kinds: frozenset[str]
    has_waiting: bool
    battles: tuple[BattleRow, ...]

    def of(self, player_id: int) -> list[Ranked]:
        """A player's responses, the best first."""
        return [one for one in self.ranking if one.player_id == player_id]

    def meeting(self, one: Ranked, other: Ranked) -> Meeting | None:
        """What came of two responses; None where they did not meet."""
        both = {one.response_id, other.response_id}
        met = [b for b in self.battles if {b.a.response_id, b.b.response_id} == both and b.state == "decided"]
        if not met:
            return None
        signed = [(b, 1 if b.a.response_id == one.response_id else -1) for b in met]
        margins = [sign * b.margin for b, sign in signed if b.margin is not None]
        results = [sign * {"a": 1, "b": -1}.get(b.outcome or "", 0) for b, sign in signed]
        return Meeting(
            tuple(b.id for b in met),
            round(math.fsum(margins) / len(margins), DECIMALS) if len(margins) == len(met) else None,
            results.count(1),
            results.count(-1),
        )


def make_group(found: PromptBattles, player_of: Callable[[int], int | None]) -> Group:
    """Rank the responses of a prompt.

    Args:
        player_of: the player that a number stands for; None for one that is no member of the group.
    """
    battles = [b for b in found.battles if None not in (player_of(b.a.player_id), player_of(b.b.player_id))]
    scores, fought = _scores(battles)
    sides = {side.response_id: side for b in battles for side in (b.a, b.b)}
    ranking = [
        _ranked(sides[number], player_of(sides[number].player_id), said, fought[number])
        for number, said in scores.items()
    ]
    return Group(
        found.prompt_id,
        found.prompt_key,
        next((b.category for b in battles if b.category is not None), None),
        tuple(sorted(ranking, key=lambda one: (-one.mean, one.key))),
        frozenset(game.kind for b in battles if b.state == "decided" for game in b.games),
        any(map(_lacks_verdict, battles)),
        tuple(battles),
    )


def _lacks_verdict(battle: BattleRow) -> bool:
    """Whether it waits although both have answered. A response that failed is no member of the group."""
    return battle.state == "waiting" and "failed" not in (battle.a.status, battle.b.status)


def _ranked(side: SideRow, player_id: int | None, scores: list[float], battles: list[int]) -> Ranked:
    assert side.response_id is not None
    assert side.key is not None
    assert player_id is not None
    mean = round(math.fsum(scores) / len(scores), DECIMALS)
    return Ranked(side.response_id, side.key, player_id, side.status, mean, len(scores), tuple(battles))


def _scores(battles: Iterable[BattleRow]) -> tuple[Mapping[int, list[float]], Mapping[int, list[int]]]:
    """By number of the response, its scores and the battles that they belong to."""
    scores: dict[int, list[float]] = {}
    fought: dict[int, list[int]] = {}
    for battle in battles:
        judged = [] if battle.state != "decided" else _judged(battle)
        for side, said in zip((battle.a, battle.b), zip(*judged, strict=True), strict=False):
            if side.response_id is not None:
                scores.setdefault(side.response_id, []).extend(said)
                fought.setdefault(side.response_id, []).append(battle.id)
    return scores, fought


def _judged(battle: BattleRow) -> list[tuple[float, float]]:
    """Scores of a and b in each game; of a battle that was imported without games, its margin."""
    if battle.games:
        return [_scored(game) for game in battle.games]
    return [] if battle.margin is None else [(battle.margin / 2, -battle.margin / 2)]


def _scored(game: GameRow) -> tuple[float, float]:
    value, kind = json.loads(game.value), VerdictKind(game.kind)
    if kind is VerdictKind.SCORES:
        first, second = float(value[0]), float(value[1])
    else:
        first = margin_of(kind, value) / 2
        second = -first
    return (second, first) if game.swapped else (first, second)
