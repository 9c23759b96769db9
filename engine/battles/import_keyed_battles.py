"""Battles of an export: under their own keys, with what their games decide, in their place in the order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from engine.battles.import_deciding import decide_keyed
from engine.battles.import_keyed import KeyedAnswers, Responses, refused_row, response_of
from engine.battles.import_known import Known, Unusable
from engine.battles.import_registering import OTHER_RULES, WRONG_KEY
from engine.battles.import_shared import Shared
from engine.formats.keyed.rows import KeyedBattle, KeyedGame
from engine.formats.rows import SetAside
from engine.records import Game, ResponseStatus
from engine.store.battles import Arena, NewBattle, battles_by_key, land_battles
from engine.store.contestants import Contestant
from engine.store.derivations import battle_keys
from engine.store.imports import hold
from engine.store.prompts import LandedPrompt, read_conversation
from engine.store.responses import Spoken, find_responses, read_turns
from engine.store.store import Transaction
from engine.store.verdicts import Tried, Try, read_tries

NO_VERDICT = "its verdict is not in this store (import the verdicts of the export first)"
OTHER_VERDICT = "its verdict is about something else"
MISSING_GAME = "a game of its battle is missing"
ENDED_OTHERWISE = "it ended otherwise than follows from its games"
OTHER_STATUS = "its response is not cut, empty or failed as it says"
STANDS_OTHERWISE = "it ended otherwise in this store"

Verdicts = Mapping[Try, Tried]


class _KeyedFight(NamedTuple):
    """A battle with what it refers to."""

    row: KeyedBattle
    arena: Arena
    prompt: LandedPrompt
    judge: Contestant
    a: Contestant
    b: Contestant
    response_a: Spoken | None
    response_b: Spoken | None


class KeyedBattles:
    """Lands battles, a chunk at a time."""

    def __init__(self, shared: Shared, known: Known, answers: KeyedAnswers) -> None:
        self.affected: dict[tuple[int, int], None] = {}
        """(arena, judge) whose counts changed."""
        self._shared = shared
        self._known = known
        self._answers = answers

    def are_there(self, tx: Transaction, rows: Sequence[KeyedBattle]) -> list[bool]:
        """Whether the store has everything that these battles refer to."""
        responses = find_responses(tx.connection, _responses_of(rows))
        verdicts = read_tries(tx.connection, [game.key for row in rows for game in row.games])
        return [self._is_there(tx, row, responses, verdicts) for row in rows]

    def _is_there(self, tx: Transaction, row: KeyedBattle, responses: Responses, verdicts: Verdicts) -> bool:
        try:
            for player in (row.a, row.b):
                self._known.player(tx, player)
            self._known.judge(tx, row.judge)
            self._known.prompt(tx, row.prompt)
        except Unusable:
            return False
        told = [key for key in (row.response_a, row.response_b) if key is not None]
        return all(key in responses for key in told) and all(
            (game.key, game.number) in verdicts for game in row.games
        )

    def land(self, tx: Transaction, rows: Sequence[KeyedBattle]) -> list[SetAside]:
        """Land the battles of a chunk; return what could not be used, each line of the file."""
        held_verdicts = [game.verdict for row in rows for game in row.games if game.verdict is not None]
        wrong = self._answers.land_verdicts(tx, held_verdicts)
        responses = find_responses(tx.connection, _responses_of(rows))
        verdicts = read_tries(tx.connection, [game.key for row in rows for game in row.games])
        by_arena: dict[int, list[tuple[_KeyedFight, NewBattle]]] = {}
        aside: list[SetAside] = []
        for row in rows:
            try:
                for game in row.games:
                    if id(game.verdict) in wrong:
                        raise Unusable(wrong[id(game.verdict)])
                fight = self._fight(tx, row, responses)
                landing = (fight, self._battle(tx, fight, verdicts))
                by_arena.setdefault(fight.arena.id, []).append(landing)
            except Unusable as error:
                aside += _aside(row, str(error))
        for group in by_arena.values():
            aside += self._land(tx, group)
        return aside

    def _fight(self, tx: Transaction, row: KeyedBattle, responses: Responses) -> _KeyedFight:
        if len({game.swapped for game in row.games}) != row.n_games or len(row.games) != row.n_games:
            raise Unusable(MISSING_GAME)
        prompt, judge = self._known.prompt(tx, row.prompt), self._known.judge(tx, row.judge)
        a, b = self._known.player(tx, row.a), self._known.player(tx, row.b)
        response_a = response_of(row.response_a, a, prompt.prompt_id, responses)
        response_b = response_of(row.response_b, b, prompt.prompt_id, responses)
        _check_status(row.status_a, response_a)
        _check_status(row.status_b, response_b)
        arena = self._shared.parties.arena(tx, row.arena, row.rules)
        if row.rules is not None and (arena.outcome_rule, arena.on_cut) != row.rules:
            raise Unusable(OTHER_RULES)
        return _KeyedFight(row, arena, prompt, judge, a, b, response_a, response_b)

    def _battle(self, tx: Transaction, one: _KeyedFight, verdicts: Verdicts) -> NewBattle:
        row = one.row
        tries = [verdicts.get((game.key, game.number)) for game in row.games]
        said = [tried for tried in tries if tried is not None]
        if len(said) < len(tries):
            raise Unusable(NO_VERDICT)
        for game, tried in zip(row.games, said, strict=True):
            self._check_verdict(tx, one, game, tried)
        source = row.source if not said else said[0].source
        both = (row.response_a, row.response_b)
        if row.key not in battle_keys(
            one.judge.key, one.prompt.key, row.turn, (one.a.key, one.b.key), both, source
        ):
            raise Unusable(WRONG_KEY)
        games = [Game(game.swapped, tried.verdict()) for game, tried in zip(row.games, said, strict=True)]
        decision = decide_keyed(one.arena, row, games)
        if decision is None:
            raise Unusable(ENDED_OTHERWISE)
        return NewBattle(
            row.key,
            one.judge.id,
            one.prompt.prompt_id,
            one.a.id,
            one.b.id,
            decision,
            row.position,
            tuple((game.swapped, tried.id) for game, tried in zip(row.games, said, strict=True)),
            one.response_a.id if one.response_a else None,
            one.response_b.id if one.response_b else None,
            row.status_a,
            row.status_b,
            row.category,
            row.turn,
            row.round,
            row.occurred_at,
            None if said else row.source,
        )

    def _check_verdict(self, tx: Transaction, one: _KeyedFight, game: KeyedGame, tried: Tried) -> None:
        """
        Raises:
            Unusable: it is another judge's, or about other responses. A judge that renders is shown equal responses
                once, whosoever they are.
        """
        sides = [(one.a.id, one.response_a), (one.b.id, one.response_b)]
        (first, response_first), (second, response_second) = reversed(sides) if game.swapped else sides
        numbers = [response.id if response else None for response in (response_first, response_second)]
        shown = (
            tried.prompt_id,
            tried.player_first,
            tried.response_first,
            tried.player_second,
            tried.response_second,
        )
        same = shown == (one.prompt.prompt_id, first, numbers[0], second, numbers[1])
        if (tried.judge_id, tried.turn) != (one.judge.id, one.row.turn):
            raise Unusable(OTHER_VERDICT)
        if not same and not self._reads_alike(tx, one, tried, numbers):
            raise Unusable(OTHER_VERDICT)

    def _reads_alike(
        self, tx: Transaction, one: _KeyedFight, tried: Tried, numbers: Sequence[int | None]
    ) -> bool:
        others = (tried.response_first, tried.response_second)
        if not self._known.renders(tx.connection, one.judge) or None in (*others, *numbers):
            return False
        texts = [
            [turn.answer for turn in read_turns(tx.connection, number)]
            for number in (*others, *numbers)
            if number is not None
        ]
        asked = [read_conversation(tx.connection, n) for n in (tried.prompt_id, one.prompt.prompt_id)]
        return texts[:2] == texts[2:] and asked[0] == asked[1] and asked[0] is not None

    def _land(self, tx: Transaction, group: Sequence[tuple[_KeyedFight, NewBattle]]) -> list[SetAside]:
        arena = group[0][0].arena
        stands = battles_by_key(tx.connection, arena.id, [item.key for _, item in group])
        ended = {key: (state, outcome) for key, (_, state, outcome) in stands.items()}
        new: list[NewBattle] = []
        held: list[int] = []
        aside: list[SetAside] = []
        for fight, item in group:
            if item.key not in ended:
                ended[item.key] = _ending(item)
                new.append(item)
                self.affected[arena.id, fight.judge.id] = None
            elif ended[item.key] != _ending(item):
                aside += _aside(fight.row, STANDS_OTHERWISE)
            else:
                self._shared.known["battles"] += 1
                held += [stands[item.key][0]] if item.key in stands else []
        land_battles(tx, arena, new, again=False)
        hold(tx, "battles", held)
        self._shared.taken["battles"] += len(new)
        return aside


def _responses_of(rows: Sequence[KeyedBattle]) -> list[str]:
    return [key for row in rows for key in (row.response_a, row.response_b) if key is not None]


def _check_status(said: ResponseStatus, response: Spoken | None) -> None:
    """A battle that waits for a response that failed may wait still when the response has come.

    Raises:
        Unusable: the response has another status.
    """
    stands = ResponseStatus.OK if response is None else response.status
    if said not in (stands, ResponseStatus.FAILED):
        raise Unusable(OTHER_STATUS)


def _ending(item: NewBattle) -> tuple[str, str | None]:
    return item.decision.state.value, item.decision.outcome.value if item.decision.outcome else None


def _aside(row: KeyedBattle, reason: str) -> list[SetAside]:
    return [refused_row(row, reason, line) for line in row.lines]
