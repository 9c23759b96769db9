"""How a chunk of neutral rows lands: prompts, then responses, then verdicts and battles, each table in one go."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

from engine.battles.import_deciding import decide_row
from engine.battles.import_keys import (
    Met,
    battle_content,
    battle_key,
    single_content,
    single_key,
    verdict_key,
)
from engine.battles.import_names import CONTRADICTS, Parties, PromptPlaces
from engine.battles.import_responses import Responses, Told, status_of
from engine.formats.rows import BattleRow, Layout, ResponseRow, Row, SetAside, SingleRow
from engine.records import (
    OnCut,
    OutcomeRule,
    ResponseStatus,
    Turn,
    Verdict,
)
from engine.store.battles import Arena, NewBattle, battle_outcomes, land_battles
from engine.store.contestants import Contestant
from engine.store.imports import check_goes_on, first_position
from engine.store.prompts import LandedPrompt
from engine.store.responses import Found
from engine.store.store import Transaction
from engine.store.verdicts import NewVerdict, SaidBefore, land_verdicts, said_before, value_json

DUPLICATE = "id stands twice for the same models and prompt"
SAID_OTHERWISE = "id stands for another verdict in this store"
_OURS = re.compile(r"[bv]1:[0-9a-f]{32}")
"""A content key of ours, as an export of our own battles has it for an id."""


_Placed = tuple[ResponseRow | BattleRow | SingleRow, LandedPrompt]
"""A row, and where the prompt that it is about stands."""


class _Fight(NamedTuple):
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
    verdict_keys: tuple[str, ...]
    position: int


class _Score(NamedTuple):
    """A score of one response with everything that it refers to found."""

    row: SingleRow
    key: str
    source: str
    prompt: LandedPrompt
    judge: Contestant
    player: Contestant
    response: Found | None


class Landing:
    """Lands the rows of one import, chunk by chunk. What was found once is remembered by name.

    Args:
        layout: names the arena of battles that say none.
        outcome_rule, on_cut: of arenas that are new.
    """

    def __init__(self, layout: Layout, outcome_rule: OutcomeRule, on_cut: OnCut) -> None:
        self.taken: Counter[str] = Counter()
        self.known: Counter[str] = Counter()
        self.parties = Parties(outcome_rule, on_cut)
        self.affected: dict[tuple[int, int], None] = {}
        """(arena, judge) whose counts changed."""
        self._default_arena = layout.arena or layout.set_name
        self._prompts = PromptPlaces(self.taken, self.known)
        self._responses = Responses(self.taken, self.known)
        self._met = Met()
        self._generation: int | None = None
        self._position: int | None = None

    def land(self, tx: Transaction, rows: Sequence[Row]) -> list[SetAside]:
        """Land a chunk; return what could not be used.

        Raises:
            StoreError: this import was undone while it ran.
        """
        self._look_again(tx)
        placed = [
            (row, place)
            for row, place in zip(rows, self._prompts.land(tx, rows), strict=True)
            if isinstance(row, ResponseRow | BattleRow | SingleRow)
        ]
        usable = [(row, place) for row, place in placed if place is not None]
        told = self._land_told(tx, usable)
        aside = [row for row in rows if isinstance(row, SetAside)]
        aside += [_refused(row, CONTRADICTS) for row, place in placed if place is None]
        aside += self._land_scores(tx, usable, told)
        aside += self._land_battles(tx, usable, told)
        return aside

    def rest(self) -> list[SetAside]:
        """What could not be used and belongs to no other row."""
        return self._prompts.contradicting()

    def _look_again(self, tx: Transaction) -> None:
        """Numbers that are remembered mean nothing any more when somebody deleted rows meanwhile."""
        generation = check_goes_on(tx)
        if self._generation not in (None, generation):
            for remembered in (self._prompts, self.parties, self._responses):
                remembered.forget()
        self._generation = generation
        if self._position is None and tx.import_id is not None:
            self._position = first_position(tx.connection, tx.import_id)

    # Responses that rows hold

    def _land_told(self, tx: Transaction, usable: Sequence[_Placed]) -> dict[tuple[int, str], Found]:
        """Where the responses that rows hold stand, by (identity of the row, side)."""
        sides: list[tuple[int, str]] = []
        told: list[Told] = []
        for row, place in usable:
            for side, model, turns, status, error in _held(row):
                sides.append((id(row), side))
                told.append(Told(place, self.parties.player(tx, model), turns, status, error))
        return dict(zip(sides, self._responses.land(tx, told), strict=True))

    # Scores of one response

    def _land_scores(
        self,
        tx: Transaction,
        usable: Sequence[_Placed],
        told: dict[tuple[int, str], Found],
    ) -> list[SetAside]:
        aside: list[SetAside] = []
        scores: list[_Score] = []
        for row, place in usable:
            if isinstance(row, SingleRow):
                score = self._score(tx, row, place, told.get((id(row), "a")))
                scores += [score] if score else []
                aside += [] if score else [_refused(row, DUPLICATE)]
        stands = _own(tx, scores)
        new = {one.key: _new_score(one) for one in scores if one.source not in stands}
        landed = land_verdicts(tx, list(new.values()), again=False)
        contradicting = self._count_verdicts(tx, landed, new)
        self.known["verdicts"] += len(scores) - len(new)
        return aside + [_refused(one.row, SAID_OTHERWISE) for one in scores if one.key in contradicting]

    def _score(
        self, tx: Transaction, row: SingleRow, place: LandedPrompt, told: Found | None
    ) -> _Score | None:
        """A score with what it refers to; None when its id has been met."""
        judge, player = self.parties.judge(tx, row.judge), self.parties.player(tx, row.model)
        turn, source = row.verdict.turn, row.source_id
        if source is None:
            content = single_content(row, told.key if told else None)
            first = single_key(judge.key, place.key, player.key, turn, content)
            source = f"{content}#{self._met.count(first)}"
            key = single_key(judge.key, place.key, player.key, turn, source)
        else:
            key = single_key(judge.key, place.key, player.key, turn, source)
            if self._met.count(key):
                return None
        response = told or self._responses.sole(tx.connection, place.prompt_id, player.id)
        return _Score(row, key, source, place, judge, player, response)

    # Battles

    def _land_battles(
        self,
        tx: Transaction,
        usable: Sequence[_Placed],
        told: dict[tuple[int, str], Found],
    ) -> list[SetAside]:
        aside: list[SetAside] = []
        fights: list[_Fight] = []
        for row, place in usable:
            if isinstance(row, BattleRow):
                fight = self._fight(tx, row, place, told)
                fights += [fight] if fight else []
                aside += [] if fight else [_refused(row, DUPLICATE)]
        fights, wrong = self._without_own(tx, fights)
        aside += [_refused(one.row, SAID_OTHERWISE) for one in wrong]
        new = {verdict.key: verdict for one in fights for verdict in _new_verdicts(one)}
        landed = land_verdicts(tx, list(new.values()), again=False)
        contradicting = self._count_verdicts(tx, landed, new)
        if contradicting:
            wrong = [one for one in fights if contradicting.intersection(one.verdict_keys)]
            aside += [_refused(one.row, SAID_OTHERWISE) for one in wrong]
            fights = [one for one in fights if not contradicting.intersection(one.verdict_keys)]
        self._land_fights(tx, fights, landed)
        return aside

    def _fight(
        self, tx: Transaction, row: BattleRow, place: LandedPrompt, told: dict[tuple[int, str], Found]
    ) -> _Fight | None:
        """A battle with what it refers to; None when its id has been met."""
        parties = self.parties
        judge = parties.judge(tx, row.judge)
        a, b = parties.player(tx, row.model_a), parties.player(tx, row.model_b)
        arena = parties.arena(tx, row.arena or self._default_arena)
        told_a, told_b = told.get((id(row), "a")), told.get((id(row), "b"))
        position, self._position = self._position or 0, (self._position or 0) + 1
        source = row.source_id
        if source is None:
            content = battle_content(row, told_a and told_a.key, told_b and told_b.key)
            first = battle_key(judge.key, place.key, a.key, b.key, row.turn, content)
            source = f"{content}#{self._met.count(first, arena.id)}"
            key = battle_key(judge.key, place.key, a.key, b.key, row.turn, source)
        else:
            key = battle_key(judge.key, place.key, a.key, b.key, row.turn, source)
            if self._met.count(key, arena.id):
                return None
        verdicts = tuple(
            verdict_key(judge.key, place.key, a.key, b.key, row.turn, source, game.swapped)
            for game in row.games
        )
        return _Fight(
            row,
            key,
            source,
            place,
            arena,
            judge,
            a,
            b,
            told_a or self._responses.sole(tx.connection, place.prompt_id, a.id),
            told_b or self._responses.sole(tx.connection, place.prompt_id, b.id),
            verdicts,
            position,
        )

    def _without_own(self, tx: Transaction, fights: list[_Fight]) -> tuple[list[_Fight], list[_Fight]]:
        """Leave out battles of an export that this very store wrote: they stand under their own keys.

        Returns:
            The others, and those of its own that ended otherwise than they stand.
        """
        ours: dict[int, list[str]] = {}
        for one in fights:
            if _OURS.fullmatch(one.source):
                ours.setdefault(one.arena.id, []).append(one.source)
        if not ours:
            return fights, []
        stands = {
            (arena_id, key): ended
            for arena_id, keys in ours.items()
            for key, ended in battle_outcomes(tx.connection, arena_id, keys).items()
        }
        own = [one for one in fights if (one.arena.id, one.source) in stands]
        right = [one for one in own if stands[one.arena.id, one.source] == _ended(one)]
        wrong = [one for one in own if stands[one.arena.id, one.source] != _ended(one)]
        self.known["battles"] += len(right)
        self.known["verdicts"] += sum(len(one.row.games) for one in right)
        return [one for one in fights if (one.arena.id, one.source) not in stands], wrong

    def _land_fights(
        self, tx: Transaction, fights: Sequence[_Fight], verdicts: dict[str, tuple[int, bool]]
    ) -> None:
        by_arena: dict[int, list[_Fight]] = {}
        for one in fights:
            by_arena.setdefault(one.arena.id, []).append(one)
        for group in by_arena.values():
            arena = group[0].arena
            landed = land_battles(tx, arena, [_new_battle(one, verdicts) for one in group], again=False)
            new = sum(landed.values())
            self.taken["battles"] += new
            self.known["battles"] += len(group) - new
            self.affected |= {(arena.id, one.judge.id): None for one in group if landed[one.key]}

    def _count_verdicts(
        self, tx: Transaction, landed: dict[str, tuple[int, bool]], items: dict[str, NewVerdict]
    ) -> set[str]:
        """Count verdicts; return the keys of those that say otherwise than what stands."""
        known = [key for key, (_, new) in landed.items() if not new]
        stands = said_before(tx.connection, known) if known else {}
        contradicting = {key for key in known if _says(items[key].verdict) != _said(stands[key])}
        self.taken["verdicts"] += len(landed) - len(known)
        self.known["verdicts"] += len(known) - len(contradicting)
        return contradicting


def _says(verdict: Verdict) -> tuple[str, str, str | None]:
    return verdict.kind.value, verdict.status.value, value_json(verdict.value)


def _said(stands: SaidBefore) -> tuple[str, str, str | None]:
    return stands.kind, stands.status, stands.value


def _own(tx: Transaction, scores: Sequence[_Score]) -> set[str]:
    """Keys of scores of an export that this very store wrote."""
    ours = [one.source for one in scores if _OURS.fullmatch(one.source)]
    return set(said_before(tx.connection, ours)) if ours else set()


def _new_score(one: _Score) -> NewVerdict:
    response = one.response.id if one.response else None
    return NewVerdict(
        one.key,
        one.judge.id,
        one.prompt.prompt_id,
        one.player.id,
        None,
        one.row.verdict,
        response,
        None,
        one.source,
    )


def _new_verdicts(one: _Fight) -> Iterator[NewVerdict]:
    prompt_id, judge_id = one.prompt.prompt_id, one.judge.id
    a, b = one.a.id, one.b.id
    response_a = one.response_a.id if one.response_a else None
    response_b = one.response_b.id if one.response_b else None
    for key, game in zip(one.verdict_keys, one.row.games, strict=True):
        shown = (b, a) if game.swapped else (a, b)
        responses = (response_b, response_a) if game.swapped else (response_a, response_b)
        said = game.verdict if game.verdict.turn == one.row.turn else replace(game.verdict, turn=one.row.turn)
        yield NewVerdict(key, judge_id, prompt_id, *shown, said, *responses, one.source)


def _new_battle(one: _Fight, verdicts: dict[str, tuple[int, bool]]) -> NewBattle:
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
    )


def _ended(one: _Fight) -> tuple[str, str | None]:
    decision = decide_row(one.arena, one.row, *_statuses(one))
    return decision.state.value, decision.outcome.value if decision.outcome else None


def _statuses(one: _Fight) -> tuple[ResponseStatus, ResponseStatus]:
    """Of both responses; one that is unknown is taken for whole."""
    a, b = one.response_a, one.response_b
    return (a.status if a else ResponseStatus.OK), (b.status if b else ResponseStatus.OK)


def _held(
    row: ResponseRow | BattleRow | SingleRow,
) -> Iterator[tuple[str, str, tuple[Turn, ...], ResponseStatus, str | None]]:
    """(side, model, turns, status, error) of the responses that a row holds."""
    if isinstance(row, ResponseRow):
        yield "a", row.model, row.turns, row.status, row.error
    elif isinstance(row, SingleRow):
        if row.response is not None:
            yield "a", row.model, row.response, status_of(row.response), None
    else:
        if row.response_a is not None:
            yield "a", row.model_a, row.response_a, status_of(row.response_a), None
        if row.response_b is not None:
            yield "b", row.model_b, row.response_b, status_of(row.response_b), None


def _refused(row: ResponseRow | BattleRow | SingleRow, reason: str) -> SetAside:
    models = f"{row.model_a} against {row.model_b}" if isinstance(row, BattleRow) else row.model
    return SetAside(reason, "", row.line, f"{models}, on {row.prompt.name}"[:500])
