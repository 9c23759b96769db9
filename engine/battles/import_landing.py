"""How a chunk of neutral rows lands: prompts, then responses, then verdicts and battles, each table in one go."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine import keys
from engine.battles.outcome import decide
from engine.formats.rows import BattleRow, Layout, PromptRef, ResponseRow, Row, SetAside, SingleRow
from engine.records import OnCut, OutcomeRule, Prompt, Response, ResponseStatus, Turn
from engine.store.battles import Arena, NewBattle, land_arena, land_battles
from engine.store.contestants import Contestant, land_imported_player, land_recorded_judge
from engine.store.prompts import find_members, land_prompts
from engine.store.responses import NewResponse, land_responses, sole_responses
from engine.store.store import Transaction
from engine.store.verdicts import NewVerdict, land_verdicts

_OUR_BATTLE = re.compile(r"b1:[0-9a-f]{32}")
_OUR_VERDICT = re.compile(r"v1:[0-9a-f]{32}")

RULE, ON_CUT = OutcomeRule.MEAN_MARGIN, OnCut.JUDGE
"""Imported arenas: whoever judged judged what they saw, cut answers too."""

_Place = tuple[int, str]
"""Number and content key of a prompt."""


@dataclass(frozen=True, slots=True)
class _Known:
    """A response that a battle or verdict refers to."""

    id: int
    key: str
    status: ResponseStatus


@dataclass(frozen=True, slots=True)
class _Fight:
    """A battle row with everything that it refers to found."""

    row: BattleRow
    key: str
    prompt: _Place
    a: Contestant
    b: Contestant
    judge: Contestant
    response_a: _Known | None
    response_b: _Known | None
    verdict_keys: tuple[str, ...]
    position: int


class Landing:
    """Lands the rows of one import, chunk by chunk. What was found once is remembered by name."""

    def __init__(self, layout: Layout) -> None:
        self.taken: Counter[str] = Counter()
        self.known: Counter[str] = Counter()
        self._layout = layout
        self._prompts: dict[PromptRef, _Place] = {}
        self._players: dict[str, Contestant] = {}
        self._judges: dict[str, Contestant] = {}
        self._arenas: dict[str, Arena] = {}
        self._affected: dict[tuple[int, int], None] = {}
        self._seen: Counter[str] = Counter()
        self._responses: dict[tuple[int, int], _Known | None] = {}
        self._looked_up: set[int] = set()
        self._position = 0

    @property
    def affected(self) -> tuple[tuple[int, int], ...]:
        """(arena, judge) whose counts changed."""
        return tuple(self._affected)

    def land(self, tx: Transaction, rows: Sequence[Row]) -> list[SetAside]:
        """Land a chunk; return what could not be used."""
        aside = [row for row in rows if isinstance(row, SetAside)]
        aside += self._land_prompts(tx, rows)
        self._register(tx, rows)
        self._land_responses(tx, rows)
        self._look_up_responses(tx, rows)
        self._land_singles(tx, [row for row in rows if isinstance(row, SingleRow)])
        aside += self._land_battles(tx, [row for row in rows if isinstance(row, BattleRow)])
        return aside

    # Prompts

    def _land_prompts(self, tx: Transaction, rows: Sequence[Row]) -> list[SetAside]:
        aside: list[SetAside] = []
        for set_name, prompts in _by_set(_whole_prompts(rows)).items():
            for prompt, landed in zip(prompts, land_prompts(tx, prompts), strict=True):
                self._prompts[PromptRef(set_name, prompt.name)] = (landed.prompt_id, landed.key)
                if landed.state == "contradicts":
                    aside.append(
                        SetAside("prompt name stands for another text in the store", "", 0, prompt.name)
                    )
                else:
                    (self.taken if landed.state == "new" else self.known)["prompts"] += 1
        self._find_prompts(tx, rows)
        return aside

    def _find_prompts(self, tx: Transaction, rows: Sequence[Row]) -> None:
        """References to prompts that came before; a name that nobody gave a text becomes a prompt without one."""
        wanted = [ref for ref in dict.fromkeys(_references(rows)) if ref not in self._prompts]
        for set_name in dict.fromkeys(ref.set_name for ref in wanted):
            names = [ref.name for ref in wanted if ref.set_name == set_name]
            found = find_members(tx.connection, set_name, names)
            missing = [Prompt(name, None, set_name) for name in names if name not in found]
            for prompt, landed in zip(missing, land_prompts(tx, missing), strict=True):
                found[prompt.name] = (landed.prompt_id, landed.key)
                self.taken["prompts"] += 1
            self._prompts |= {PromptRef(set_name, name): place for name, place in found.items()}

    def _place(self, prompt: Prompt | PromptRef) -> _Place:
        return self._prompts[
            prompt if isinstance(prompt, PromptRef) else PromptRef(prompt.set_name, prompt.name)
        ]

    # Players and judges

    def _register(self, tx: Transaction, rows: Sequence[Row]) -> None:
        for name in dict.fromkeys(_player_names(rows)):
            if name not in self._players:
                self._players[name] = land_imported_player(tx, name)
        for name in dict.fromkeys(row.judge for row in rows if isinstance(row, BattleRow | SingleRow)):
            if name not in self._judges:
                self._judges[name] = land_recorded_judge(tx, name)

    # Responses

    def _land_responses(self, tx: Transaction, rows: Sequence[Row]) -> None:
        wanted: dict[str, NewResponse] = {}
        for prompt, model, turns, status, error in _responses(rows):
            place, player = self._place(prompt), self._players[model]
            key = self._response_key(place, player, turns, status)
            response = Response(status, turns, 0, error)
            wanted.setdefault(key, NewResponse(key, place[0], player.id, response))
        landed = land_responses(tx, list(wanted.values()))
        new = sum(one.new for one in landed.values())
        self.taken["responses"] += new
        self.known["responses"] += len(landed) - new
        for key, one in landed.items():
            item = wanted[key]
            self._remember(item.prompt_id, item.player_id, _Known(one.id, key, item.response.status))

    def _response_key(
        self, place: _Place, player: Contestant, turns: tuple[Turn, ...], status: ResponseStatus
    ) -> str:
        if status is ResponseStatus.FAILED:
            return keys.response_key(player.key, place[1], 0)
        return keys.imported_response_key(player.key, place[1], [turn.answer for turn in turns])

    def _remember(self, prompt_id: int, player_id: int, known: _Known) -> None:
        """The one response of a player to a prompt; None when there are several."""
        if prompt_id not in self._looked_up:
            return
        stands = self._responses.get((prompt_id, player_id), known)
        self._responses[prompt_id, player_id] = known if stands == known else None

    def _look_up_responses(self, tx: Transaction, rows: Sequence[Row]) -> None:
        """For battles and scores that do not bring their responses: those that the store has."""
        wanted = {
            self._place(row.prompt)[0]
            for row in rows
            if (isinstance(row, BattleRow) and (row.response_a is None or row.response_b is None))
            or (isinstance(row, SingleRow) and row.response is None)
        } - self._looked_up
        for prompt_id, player_id, number, key, status in sole_responses(tx.connection, sorted(wanted)):
            self._responses[prompt_id, player_id] = None if number is None else _Known(number, key, status)
        self._looked_up |= wanted

    def _response(
        self, tx: Transaction, place: _Place, player: Contestant, turns: tuple[Turn, ...] | None
    ) -> _Known | None:
        if turns is None:
            return self._responses.get((place[0], player.id))
        status = _status(turns)
        key = self._response_key(place, player, turns, status)
        (number,) = tx.connection.execute("SELECT id FROM responses WHERE key = ?", (key,)).fetchone()
        return _Known(number, key, status)

    # Single scores

    def _land_singles(self, tx: Transaction, rows: Sequence[SingleRow]) -> None:
        items = []
        for row in rows:
            place, player, judge = self._place(row.prompt), self._players[row.model], self._judges[row.judge]
            response = self._response(tx, place, player, row.response)
            facts: dict[str, object] = {"prompt": place[1], "player": player.key, "turn": row.verdict.turn}
            said = row.verdict
            key = self._own_key(
                row.source_id,
                _OUR_VERDICT,
                judge.key,
                facts,
                [said.kind.value, said.status.value, said.value, said.raw],
            )
            items.append(
                NewVerdict(
                    key,
                    judge.id,
                    place[0],
                    player.id,
                    None,
                    row.verdict,
                    response.id if response else None,
                    None,
                )
            )
        self._count_verdicts(land_verdicts(tx, items, again=False))

    def _own_key(
        self,
        source_id: str | None,
        ours: re.Pattern[str],
        judge: str,
        facts: Mapping[str, object],
        said: object,
    ) -> str:
        """The key of a row: its own where it comes from our export, else by its id, else by what it says."""
        if source_id is not None and ours.fullmatch(source_id):
            return source_id
        make = keys.recorded_battle_key if ours is _OUR_BATTLE else keys.recorded_verdict_key
        if source_id is not None:
            return make(judge, dict(facts) | {"id": source_id})
        content = keys.content_hash([facts, said])
        self._seen[content] += 1
        return make(judge, dict(facts) | {"content": content, "number": self._seen[content]})

    def _count_verdicts(self, landed: dict[str, tuple[int, bool]]) -> None:
        new = sum(is_new for _, is_new in landed.values())
        self.taken["verdicts"] += new
        self.known["verdicts"] += len(landed) - new

    # Battles

    def _land_battles(self, tx: Transaction, rows: Sequence[BattleRow]) -> list[SetAside]:
        fights = [self._fight(tx, row) for row in rows]
        verdicts = land_verdicts(tx, [new for one in fights for new in _new_verdicts(one)], again=False)
        self._count_verdicts(verdicts)
        by_arena: dict[str, list[_Fight]] = {}
        for one in fights:
            by_arena.setdefault(one.row.arena or self._layout.arena or "imported", []).append(one)
        for name, group in by_arena.items():
            arena = self._arena(tx, name)
            landed = land_battles(tx, arena, [_new_battle(one, verdicts) for one in group])
            new = sum(landed.values())
            self.taken["battles"] += new
            self.known["battles"] += len(group) - new
            if new:
                self._affected |= {(arena.id, one.judge.id): None for one in group}
        return []

    def _arena(self, tx: Transaction, name: str) -> Arena:
        if name not in self._arenas:
            self._arenas[name] = land_arena(tx, name, RULE, ON_CUT)
        return self._arenas[name]

    def _fight(self, tx: Transaction, row: BattleRow) -> _Fight:
        place = self._place(row.prompt)
        a, b, judge = self._players[row.model_a], self._players[row.model_b], self._judges[row.judge]
        response_a = self._response(tx, place, a, row.response_a)
        response_b = self._response(tx, place, b, row.response_b)
        facts: dict[str, object] = {"prompt": place[1], "a": a.key, "b": b.key, "turn": row.turn}
        said = [
            [[g.swapped, g.verdict.kind.value, g.verdict.status.value, g.verdict.value] for g in row.games],
            row.occurred_at,
            row.round,
            row.category,
        ]
        key = self._own_key(row.source_id, _OUR_BATTLE, judge.key, facts, said)
        given = row.meta.get("verdict_keys", ())
        verdict_keys = tuple(
            given[i]
            if len(given) == len(row.games) and _OUR_VERDICT.fullmatch(str(given[i]))
            else keys.recorded_verdict_key(judge.key, {"battle": key, "swapped": game.swapped})
            for i, game in enumerate(row.games)
        )
        self._position += 1
        return _Fight(row, key, place, a, b, judge, response_a, response_b, verdict_keys, self._position - 1)


def _new_verdicts(one: _Fight) -> Iterable[NewVerdict]:
    for key, game in zip(one.verdict_keys, one.row.games, strict=True):
        (first, shown_first), (second, shown_second) = (one.a, one.response_a), (one.b, one.response_b)
        if game.swapped:
            (first, shown_first), (second, shown_second) = (second, shown_second), (first, shown_first)
        yield NewVerdict(
            key,
            one.judge.id,
            one.prompt[0],
            first.id,
            second.id,
            game.verdict,
            shown_first.id if shown_first else None,
            shown_second.id if shown_second else None,
        )


def _new_battle(one: _Fight, verdicts: dict[str, tuple[int, bool]]) -> NewBattle:
    row = one.row
    return NewBattle(
        key=one.key,
        judge_id=one.judge.id,
        prompt_id=one.prompt[0],
        player_a=one.a.id,
        player_b=one.b.id,
        decision=decide(RULE, row.games, len(row.games)),
        position=one.position,
        games=tuple(
            (game.swapped, verdicts[key][0]) for key, game in zip(one.verdict_keys, row.games, strict=True)
        ),
        response_a=one.response_a.id if one.response_a else None,
        response_b=one.response_b.id if one.response_b else None,
        status_a=one.response_a.status if one.response_a else ResponseStatus.OK,
        status_b=one.response_b.status if one.response_b else ResponseStatus.OK,
        category=row.category,
        turn=row.turn,
        round=row.round,
        occurred_at=row.occurred_at,
    )


def _status(turns: tuple[Turn, ...]) -> ResponseStatus:
    """Of a response that came with its battle: a log says no more than its text."""
    return ResponseStatus.OK if any(turn.answer for turn in turns) else ResponseStatus.EMPTY


def _whole_prompts(rows: Iterable[Row]) -> Iterable[Prompt]:
    for row in rows:
        if isinstance(row, Prompt):
            yield row
        elif isinstance(row, ResponseRow | BattleRow | SingleRow) and isinstance(row.prompt, Prompt):
            yield row.prompt


def _by_set(prompts: Iterable[Prompt]) -> dict[str, list[Prompt]]:
    groups: dict[str, list[Prompt]] = {}
    for prompt in prompts:
        groups.setdefault(prompt.set_name, []).append(prompt)
    return groups


def _references(rows: Iterable[Row]) -> Iterable[PromptRef]:
    for row in rows:
        if isinstance(row, ResponseRow | BattleRow | SingleRow) and isinstance(row.prompt, PromptRef):
            yield row.prompt


def _player_names(rows: Iterable[Row]) -> Iterable[str]:
    for row in rows:
        if isinstance(row, ResponseRow | SingleRow):
            yield row.model
        elif isinstance(row, BattleRow):
            yield row.model_a
            yield row.model_b


def _responses(
    rows: Iterable[Row],
) -> Iterable[tuple[Prompt | PromptRef, str, tuple[Turn, ...], ResponseStatus, str | None]]:
    for row in rows:
        if isinstance(row, ResponseRow):
            yield row.prompt, row.model, row.turns, row.status, row.error
        elif isinstance(row, BattleRow):
            for model, turns in ((row.model_a, row.response_a), (row.model_b, row.response_b)):
                if turns is not None:
                    yield row.prompt, model, turns, _status(turns), None
        elif isinstance(row, SingleRow) and row.response is not None:
            yield row.prompt, row.model, row.response, _status(row.response), None
