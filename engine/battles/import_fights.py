"""Battles of an import: found, told from those that are there already, and landed with their games."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from engine.battles.import_deciding import decide_row
from engine.battles.import_keys import battle_content, battle_key, verdict_key
from engine.battles.import_shared import (
    DUPLICATE,
    OURS,
    SAID_OTHERWISE,
    Placed,
    Shared,
    Told,
    contradicts,
    refused_lines,
    says,
)
from engine.formats.rows import BattleRow, SetAside
from engine.records import ResponseStatus
from engine.store.battles import Arena, NewBattle, battles_by_key, land_battles
from engine.store.contestants import Contestant
from engine.store.imports import first_position, hold
from engine.store.prompts import LandedPrompt
from engine.store.responses import Found
from engine.store.store import Transaction
from engine.store.verdicts import NewVerdict, SaidBefore, said_before


class _LoggedFight(NamedTuple):
    """A battle with everything that it refers to found."""

    row: BattleRow
    key: str
    source: str
    prompt: LandedPrompt
    arena: Arena
    judge: Contestant
    a: Contestant
    b: Contestant
    response_a: Found | None
    response_b: Found | None
    position: int
    verdict_keys: tuple[str, ...] = ()
    is_apart: bool = False

    def with_verdicts(self) -> _LoggedFight:
        """With the keys of its verdicts, that follow from the rest."""
        row, prompt, a, b = self.row, self.prompt.key, self.a.key, self.b.key
        keys = (
            verdict_key(self.judge.key, prompt, a, b, row.turn, self.source, game.swapped)
            for game in row.games
        )
        return self._replace(verdict_keys=tuple(keys))


_Said = tuple[_LoggedFight, Sequence[NewVerdict]]
"""A battle with its verdicts."""


class _Apart(NamedTuple):
    """Battles by whether their verdicts say otherwise than what stands under their keys.

    Attributes:
        right: those that do not.
        wrong: those that contradict a battle of their own arena.
        elsewhere: those that contradict one of another arena.
    """

    right: Sequence[_Said]
    wrong: Sequence[_LoggedFight]
    elsewhere: Sequence[_LoggedFight]


class Fights:
    """Lands the battles of one import, chunk by chunk, in the order of their file.

    Args:
        arena: of battles that say none.
    """

    def __init__(self, shared: Shared, arena: str) -> None:
        self.affected: dict[tuple[int, int], None] = {}
        """(arena, judge) whose counts changed."""
        self._shared = shared
        self._arena = arena
        self._position = -1

    def land(self, tx: Transaction, usable: Sequence[Placed], told: Told) -> list[SetAside]:
        """Land the battles of a chunk; return what could not be used."""
        if self._position < 0:
            self._position = 0 if tx.import_id is None else first_position(tx.connection, tx.import_id)
        aside: list[SetAside] = []
        fights: list[_LoggedFight] = []
        for row, place in usable:
            if isinstance(row, BattleRow):
                fight = self._fight(tx, row, place, told)
                fights += [fight] if fight else []
                aside += [] if fight else refused_lines(row, DUPLICATE)
        fights, wrong = self._without_own(tx, fights)
        for one in [*wrong, *self._land_all(tx, fights)]:
            aside += refused_lines(one.row, SAID_OTHERWISE)
        return aside

    def _land_all(self, tx: Transaction, fights: Sequence[_LoggedFight]) -> list[_LoggedFight]:
        """Land battles with their verdicts; return those that contradict what stands.

        An id may stand in several arenas, which may have decided otherwise by their rules: such a battle has verdicts
        of its own there.
        """
        wrong: list[_LoggedFight] = []
        while fights:
            apart = self._told_apart(tx, [(one, list(_new_verdicts(one))) for one in fights])
            items, first, late = _in_turn(apart.right)
            self._land(tx, first, self._shared.land_verdicts(tx, items))
            wrong += apart.wrong
            fights = [*(_in_arena(one) for one in apart.elsewhere), *late]
        return wrong

    def _fight(self, tx: Transaction, row: BattleRow, place: LandedPrompt, told: Told) -> _LoggedFight | None:
        """A battle with what it refers to; None when its id has been met."""
        parties = self._shared.parties
        judge_key, key_a, key_b = row.keys
        judge = parties.judge(tx, row.judge, judge_key)
        a, b = parties.player(tx, row.model_a, key_a), parties.player(tx, row.model_b, key_b)
        arena = parties.arena(tx, row.arena or self._arena, row.rules)
        told_a, told_b = told.get((id(row), "a")), told.get((id(row), "b"))
        position, self._position = self._position, self._position + 1
        source = row.source_id
        if source is None:
            mark = self._shared.marks.of(row.file)
            content = battle_content(row, told_a and told_a.key, told_b and told_b.key, mark)
            first = battle_key(judge.key, place.key, a.key, b.key, row.turn, f"{content} in {row.file}")
            source = f"{content}#{self._shared.met.count(first, arena.id)}"
            key = battle_key(judge.key, place.key, a.key, b.key, row.turn, source)
        else:
            key = battle_key(judge.key, place.key, a.key, b.key, row.turn, source)
            if self._shared.met.count(key, arena.id):
                return None
        return _LoggedFight(
            row,
            key,
            source,
            place,
            arena,
            judge,
            a,
            b,
            told_a or self._shared.responses.sole(tx.connection, place.prompt_id, a.id),
            told_b or self._shared.responses.sole(tx.connection, place.prompt_id, b.id),
            position,
        ).with_verdicts()

    def _without_own(
        self, tx: Transaction, fights: list[_LoggedFight]
    ) -> tuple[list[_LoggedFight], list[_LoggedFight]]:
        """Leave out battles of an export that this very store wrote: they stand under their own keys.

        Returns:
            The others, and those of its own that ended otherwise than they stand.
        """
        ours = [one._replace(key=one.source) for one in fights if OURS.fullmatch(one.source)]
        if not ours:
            return fights, []
        stands = _endings(tx, ours)
        own = [one for one in fights if (one.arena.id, one.source) in stands]
        right = [one for one in own if stands[one.arena.id, one.source][1:] == _ended(one)]
        wrong = [one for one in own if stands[one.arena.id, one.source][1:] != _ended(one)]
        hold(tx, "battles", (stands[one.arena.id, one.source][0] for one in right))
        self._shared.known["battles"] += len(right)
        self._shared.known["verdicts"] += sum(len(one.row.games) for one in right)
        return [one for one in fights if (one.arena.id, one.source) not in stands], wrong

    def _told_apart(self, tx: Transaction, fights: Sequence[_Said]) -> _Apart:
        """Part the battles whose verdicts say nothing against what stands from those that contradict it.

        A bare winner says less than scores that stand under the same id; when the battle ended so, it is known.
        """
        stands_said = said_before(tx.connection, [new.key for _, verdicts in fights for new in verdicts])
        clashes = [_clashes(verdicts, stands_said) for _, verdicts in fights]
        suspects = [(one, clash) for (one, _), clash in zip(fights, clashes, strict=True) if clash]
        ended = _endings(tx, [one for one, _ in suspects])
        wrong: list[_LoggedFight] = []
        elsewhere: list[_LoggedFight] = []
        for one, clash in suspects:
            kinds = {said.kind for said in clash}
            says_less = kinds.isdisjoint(game.verdict.kind.value for game in one.row.games)
            stands = ended.get((one.arena.id, one.key))
            if says_less and stands is not None and stands[1:] == _ended(one):
                self._shared.known["battles"] += 1
                self._shared.known["verdicts"] += len(one.verdict_keys)
                hold(tx, "battles", [stands[0]])
            elif stands is None and one.row.arena is not None and not one.is_apart:
                elsewhere.append(one)
            else:
                wrong.append(one)
        right = [said for said, clash in zip(fights, clashes, strict=True) if not clash]
        return _Apart(right, wrong, elsewhere)

    def _land(
        self, tx: Transaction, fights: Sequence[_LoggedFight], verdicts: dict[str, tuple[int, bool]]
    ) -> None:
        by_arena: dict[int, list[_LoggedFight]] = {}
        for one in fights:
            by_arena.setdefault(one.arena.id, []).append(one)
        for group in by_arena.values():
            arena = group[0].arena
            landed = land_battles(tx, arena, [_new_battle(one, verdicts) for one in group], again=False)
            new = sum(landed.values())
            known = [key for key, is_new in landed.items() if not is_new]
            if known:
                hold(
                    tx, "battles", (one[0] for one in battles_by_key(tx.connection, arena.id, known).values())
                )
            self._shared.taken["battles"] += new
            self._shared.known["battles"] += len(group) - new
            self.affected |= {(arena.id, one.judge.id): None for one in group if landed[one.key]}


def _endings(
    tx: Transaction, fights: Sequence[_LoggedFight]
) -> dict[tuple[int, str], tuple[int, str, str | None]]:
    """(number, state, outcome) of the battles that stand under these keys, by (arena, key)."""
    found: dict[tuple[int, str], tuple[int, str, str | None]] = {}
    for arena_id in {one.arena.id for one in fights}:
        keys = [one.key for one in fights if one.arena.id == arena_id]
        stands = battles_by_key(tx.connection, arena_id, keys)
        found |= {(arena_id, key): ending for key, ending in stands.items()}
    return found


def _clashes(verdicts: Sequence[NewVerdict], stands: Mapping[str, SaidBefore]) -> list[SaidBefore]:
    """What stands of which these verdicts say otherwise."""
    return [stands[new.key] for new in verdicts if contradicts(new, stands.get(new.key))]


def _in_turn(fights: Sequence[_Said]) -> tuple[dict[str, NewVerdict], list[_LoggedFight], list[_LoggedFight]]:
    """Verdicts by key, the battles that they decide, and those which say otherwise than one before them."""
    items: dict[str, NewVerdict] = {}
    first: list[_LoggedFight] = []
    late: list[_LoggedFight] = []
    for one, verdicts in fights:
        if any(new.key in items and says(items[new.key].verdict) != says(new.verdict) for new in verdicts):
            late.append(one)
            continue
        for new in verdicts:
            items.setdefault(new.key, new)
        first.append(one)
    return items, first, late


def _in_arena(one: _LoggedFight) -> _LoggedFight:
    """A battle as one that stands by itself in its arena, whatever its id is elsewhere."""
    source = f"{one.source} in {one.arena.name}"
    key = battle_key(one.judge.key, one.prompt.key, one.a.key, one.b.key, one.row.turn, source)
    return one._replace(key=key, source=source, is_apart=True).with_verdicts()


def _new_verdicts(one: _LoggedFight) -> Iterator[NewVerdict]:
    prompt_id, judge_id = one.prompt.prompt_id, one.judge.id
    a, b = one.a.id, one.b.id
    response_a = one.response_a.id if one.response_a else None
    response_b = one.response_b.id if one.response_b else None
    for key, game in zip(one.verdict_keys, one.row.games, strict=True):
        shown = (b, a) if game.swapped else (a, b)
        responses = (response_b, response_a) if game.swapped else (response_a, response_b)
        said = game.verdict if game.verdict.turn == one.row.turn else replace(game.verdict, turn=one.row.turn)
        yield NewVerdict(key, judge_id, prompt_id, *shown, said, *responses, one.source)


def _new_battle(one: _LoggedFight, verdicts: dict[str, tuple[int, bool]]) -> NewBattle:
    row, response_a, response_b = one.row, one.response_a, one.response_b
    status_a, status_b = _statuses(one)
    games = zip(row.games, one.verdict_keys, strict=True)
    return NewBattle(
        one.key,
        one.judge.id,
        one.prompt.prompt_id,
        one.a.id,
        one.b.id,
        decide_row(one.arena, row, status_a, status_b),
        one.position,
        tuple((game.swapped, verdicts[key][0]) for game, key in games),
        response_a.id if response_a else None,
        response_b.id if response_b else None,
        status_a,
        status_b,
        row.category,
        row.turn,
        row.round,
        row.occurred_at,
        None if row.games else one.source,
    )


def _ended(one: _LoggedFight) -> tuple[str, str | None]:
    decision = decide_row(one.arena, one.row, *_statuses(one))
    return decision.state.value, decision.outcome.value if decision.outcome else None


def _statuses(one: _LoggedFight) -> tuple[ResponseStatus, ResponseStatus]:
    """Of both responses; one that is unknown is taken for whole."""
    a, b = one.response_a, one.response_b
    return (a.status if a else ResponseStatus.OK), (b.status if b else ResponseStatus.OK)
