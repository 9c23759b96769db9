"""All statistics of an arena's judges, or of all of a store's: read, counted, put together."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.judges.flags.reading import PlayerFlags, count_flags, flagged_answers
from engine.judges.statistics.families import Kin, kin_of
from engine.judges.statistics.mentions import names_itself
from engine.judges.statistics.position import PositionBias, position_bias
from engine.judges.statistics.said import Comparison, Game, Said, Side, by_kind, comparisons
from engine.judges.statistics.style import Style, style_of, total
from engine.judges.statistics.traits import LengthBias, Trait, length_bias, trait
from engine.judges.statistics.validity import Validity, histogram, validity
from engine.ratings.naming import pick
from engine.ratings.proportion import Share, rank_correlation
from engine.records import VerdictKind
from engine.store.answers import players_of
from engine.store.battles import read_arenas
from engine.store.contestants import PlayerRow, read_players
from engine.store.judged import JudgeRow, both_orders, read_judges, read_said
from engine.store.sqlite import Connection


@dataclass(frozen=True, slots=True)
class JudgeStatistics:
    """One judge's verdicts of one kind. Margins of two kinds are never put together.

    Attributes:
        questions: games that it was asked; `games` of them have a valid verdict.
        comparisons: different pairs of responses in these; `with_texts` have both texts in the store.
        position, kin_wins: None for single scores.
        families: that the judge's name speaks of.
        kin: players that it judged and that are of its family, or are itself.
        kin_wins: how a kin player fared against one that is not.
    """

    judge: str
    kind: VerdictKind
    questions: int
    games: int
    comparisons: int
    with_texts: int
    validity: Validity
    histogram: Mapping[str, int]
    position: PositionBias | None
    length: LengthBias
    traits: tuple[Trait, ...]
    families: tuple[str, ...]
    kin: tuple[Kin, ...]
    kin_wins: Trait | None

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return {
            "judge": self.judge,
            "kind": self.kind.value,
            "questions": self.questions,
            "games": self.games,
            "comparisons": self.comparisons,
            "with_texts": self.with_texts,
            **self.validity.facts(),
            "histogram": dict(self.histogram),
            "position": None if self.position is None else self.position.facts(),
            "length": self.length.facts(),
            "traits": [one.facts() for one in self.traits],
            "families": list(self.families),
            "kin": [one.facts() for one in self.kin],
            "kin_wins": None if self.kin_wins is None else self.kin_wins.facts(),
        }


@dataclass(frozen=True, slots=True)
class PlayerStatistics:
    """What a player's answers show by themselves.

    Attributes:
        flags: of those of its answers that were judged.
        names_itself: answers that say who wrote them.
    """

    flags: PlayerFlags
    names_itself: int

    def facts(self) -> dict[str, Any]:
        """As JSON-like facts."""
        return flag_facts(self.flags) | {"names_itself": Share(self.names_itself, self.flags.answers).facts()}


def flag_facts(flags: PlayerFlags) -> dict[str, Any]:
    """Flags of a player as JSON-like facts."""
    return {
        "model": flags.player,
        "answers": flags.answers,
        "flagged": Share(flags.any, flags.answers).facts(),
        "flags": {flag.value: Share(n, flags.answers).facts() for flag, n in flags.flagged.items()},
        "most_equal": Share(flags.most_equal, flags.prompts).facts(),
        "examples": {flag.value: number for flag, number in flags.examples.items()},
    }


@dataclass(frozen=True, slots=True)
class Statistics:
    """Judges in the order in which they came, and the players that they judged; `arena` None is all of the store."""

    arena: str | None
    judges: tuple[JudgeStatistics, ...]
    players: tuple[PlayerStatistics, ...]


def verdict_statistics(
    connection: Connection, arena: str | None = None, judge: str | None = None
) -> Statistics:
    """Everything that verdicts tell of their judges; of one arena or judge where they are named.

    It takes seconds where there are many texts, so it is no one snapshot of the store: what lands meanwhile may be in
    one figure and not yet in another, and each says what it rests on.

    Raises:
        UsageError: there is no such arena, or no such judge there.
    """
    arena_id = None if arena is None else _arena_id(connection, arena)
    chosen = _chosen(read_judges(connection, arena_id), judge)
    players = read_players(connection)
    heard = [(one, by_kind(read_said(connection, one.id, arena_id))) for one in chosen]
    texts = _Texts.read(connection, players, (said for _, kinds in heard for said in kinds))
    judges = []
    for one, kinds in heard:
        pairs = both_orders(connection, one.id, arena_id)
        judges += [_statistics(one, said, pairs, players, texts) for said in kinds]
    return Statistics(arena, tuple(judges), tuple(texts.players))


def _arena_id(connection: Connection, name: str) -> int:
    arenas = {arena.name: arena.id for arena in read_arenas(connection)}
    return arenas[pick("arena", name, list(arenas))]


def _chosen(judges: list[JudgeRow], name: str | None) -> list[JudgeRow]:
    if name is None:
        return judges
    chosen = pick("judge", name, [one.name for one in judges])
    return [one for one in judges if one.name == chosen]


@dataclass(frozen=True, slots=True)
class _Texts:
    """What the statistics need of the texts, which are read once and not kept.

    Attributes:
        styles: by response, one a turn.
        named: responses that say who wrote them.
    """

    styles: Mapping[int, tuple[Style, ...]]
    named: frozenset[int]
    players: Sequence[PlayerStatistics]

    @classmethod
    def read(cls, connection: Connection, players: Iterable[PlayerRow], heard: Iterable[Said]) -> _Texts:
        ids = {response for said in heard for game in said.games.values() for response in _responses(game)}
        names = {player.id: player.name for player in players}
        styles: dict[int, tuple[Style, ...]] = {}
        named: set[int] = set()
        found = []
        for player_id, numbers in sorted(players_of(connection, ids).items()):
            flagged = []
            before = len(named)
            for answer, flags in flagged_answers(connection, player_id, numbers):
                styles[answer.response_id] = tuple(map(style_of, answer.turns))
                if names_itself(answer.text):
                    named.add(answer.response_id)
                flagged.append((answer.bare, flags))
            found.append(PlayerStatistics(count_flags(names[player_id], flagged), len(named) - before))
        return cls(styles, frozenset(named), found)

    def style(self, compared: Comparison, side: Side) -> Style:
        """Of what was compared: one turn, or the whole response. An empty response has none."""
        return total(self.styles.get(side[1], ()), compared.turn)


def _responses(game: Game) -> list[int]:
    sides = (game.first,) if game.second is None else (game.first, game.second)
    return [response for _, response in sides if response]


def _statistics(
    judge: JudgeRow, said: Said, pairs: list[tuple[int, int]], players: list[PlayerRow], texts: _Texts
) -> JudgeStatistics:
    compared = comparisons(said)
    told = [one for one in compared if one.a[1] and one.b[1]]
    judged = {side[0] for game in said.games.values() for side in (game.first, game.second) if side}
    families, kin = kin_of(judge, (player for player in players if player.id in judged))
    related = {one.player_id for one in kin}
    is_single = said.kind is VerdictKind.SINGLE
    return JudgeStatistics(
        judge.name,
        said.kind,
        said.questions,
        len(said.games),
        len(compared),
        len(told),
        validity(said),
        histogram(said),
        None if is_single else position_bias(said.games, pairs),
        _single_length(said, texts)
        if is_single
        else length_bias(told, lambda one, side: texts.style(one, side).characters),
        () if is_single else _traits(told, texts),
        families,
        tuple(kin),
        None if is_single or not kin else trait("kin", compared, lambda _, side: side[0] in related),
    )


def _traits(told: list[Comparison], texts: _Texts) -> tuple[Trait, ...]:
    return (
        trait("headings", told, lambda one, side: texts.style(one, side).headings > 0),
        trait("lists", told, lambda one, side: texts.style(one, side).items > 0),
        trait("bold", told, lambda one, side: texts.style(one, side).bold > 0),
        trait("names itself", told, lambda _, side: side[1] in texts.named),
    )


def _single_length(said: Said, texts: _Texts) -> LengthBias:
    rows = [
        (float(json.loads(game.value)), total(texts.styles[game.first[1]], game.turn).characters)
        for game in said.games.values()
        if game.first[1] in texts.styles
    ]
    table = np.array(rows, dtype=np.float64).reshape(-1, 2)
    return LengthBias(Share(0, 0), rank_correlation(table[:, 0], table[:, 1]))
