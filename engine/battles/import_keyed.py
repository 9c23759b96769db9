"""Responses and verdicts of an export: what the store lacks lands under the key that its row makes.

A row whose key is another one than it claims is set aside, and so is one whose key stands for something else here. The
key of a verdict that a model gave hashes the messages as its judge rendered them; that cannot be derived from a row,
so it counts as it stands, for a judge whose own key does follow.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from engine import keys
from engine.battles.import_known import Known, Unusable
from engine.battles.import_registering import WRONG_KEY
from engine.battles.import_shared import Shared
from engine.formats.keyed.rows import KeyedResponse, KeyedRow, KeyedVerdict
from engine.formats.rows import SetAside
from engine.records import Response, Verdict
from engine.store.contestants import Contestant
from engine.store.derivations import recorded_verdict_keys, response_keys
from engine.store.imports import hold
from engine.store.responses import NewResponse, Spoken, find_responses, land_responses, read_responses
from engine.store.store import Transaction
from engine.store.verdicts import NewVerdict, Tried, Try, land_tries, read_tries, value_json

NO_RESPONSE = "its response is not in this store (import the responses of the export first)"
NOT_THEIRS = "its response is another model's, or to another prompt"
STANDS_OTHERWISE = "its key stands for something else in this store"

Keyed = TypeVar("Keyed", bound=KeyedRow)
Responses = Mapping[str, Spoken]


def usable(rows: Sequence[Keyed], check: Callable[[Keyed], Any]) -> tuple[list[Any], list[SetAside]]:
    """What `check` makes of rows, and those that it finds unusable."""
    found, aside = [], []
    for row in rows:
        try:
            found.append(check(row))
        except Unusable as error:
            aside.append(refused_row(row, str(error)))
    return found, aside


def refused_row(row: Any, reason: str, line: int | None = None) -> SetAside:
    """A row that the store cannot take."""
    noun = type(row).__name__.removeprefix("Keyed").lower()
    return SetAside(
        reason, row.file, row.line if line is None else line, f"{noun} {row.key}, on {row.prompt.name}"[:500]
    )


class KeyedAnswers:
    """Lands responses and verdicts, a chunk at a time."""

    def __init__(self, shared: Shared, known: Known) -> None:
        self._shared = shared
        self._known = known

    # Responses

    def land_responses(self, tx: Transaction, rows: Sequence[KeyedResponse]) -> list[SetAside]:
        """Land the responses of a chunk; return what could not be used."""
        found, aside = usable(rows, lambda row: (row, self._new_response(tx, row)))
        stands = {
            key: one.response
            for key, one in read_responses(tx.connection, [row.key for row, _ in found]).items()
        }
        new: dict[str, NewResponse] = {}
        held: list[str] = []
        for row, item in found:
            said = new[row.key].response if row.key in new else stands.get(row.key)
            if said is None:
                new[row.key] = item
            elif _spoken(said) != _spoken(item.response):
                aside.append(refused_row(row, STANDS_OTHERWISE))
            else:
                held.append(row.key)
        land_responses(tx, list(new.values()), again=False)
        self._shared.responses.noticed(new.values())
        hold(tx, "responses", (one.id for one in find_responses(tx.connection, held).values()))
        self._shared.taken["responses"] += len(new)
        self._shared.known["responses"] += len(held)
        return aside

    def _new_response(self, tx: Transaction, row: KeyedResponse) -> NewResponse:
        prompt, player = self._known.prompt(tx, row.prompt), self._known.player(tx, row.player)
        answers = [turn.answer for turn in row.response.turns]
        if row.key not in response_keys(player.key, prompt.key, row.response.sample, answers):
            raise Unusable(WRONG_KEY)
        return NewResponse(row.key, prompt.prompt_id, player.id, row.response, row.tries)

    # Verdicts

    def land_verdicts(
        self, tx: Transaction, rows: Sequence[KeyedVerdict], *, counted: bool = True
    ) -> dict[int, str]:
        """Land the verdicts of a chunk.

        Args:
            counted: whether those that the store has already count as known.

        Returns:
            Why a row could not be used, by its identity (`id`).
        """
        shown = [key for row in rows for key in (row.response_first, row.response_second) if key is not None]
        responses = find_responses(tx.connection, shown)
        wrong: dict[int, str] = {}
        items: list[tuple[KeyedVerdict, NewVerdict]] = []
        for row in rows:
            try:
                items.append((row, self._new_verdict(tx, row, responses)))
            except Unusable as error:
                wrong[id(row)] = str(error)
        stands = read_tries(tx.connection, [row.key for row, _ in items])
        new: dict[Try, NewVerdict] = {}
        held: list[int] = []
        for row, item in items:
            place = (row.key, row.number)
            if place in stands:
                same = _is(stands[place], item)
                held += [stands[place].id] if same else []
            else:
                same = new.setdefault(place, item) is item or _says(new[place]) == _says(item)
            if not same:
                wrong[id(row)] = STANDS_OTHERWISE
        land_tries(tx, [(number, item) for (_, number), item in new.items()])
        hold(tx, "verdicts", held)
        self._shared.taken["verdicts"] += len(new)
        self._shared.known["verdicts"] += (len(items) - len(new) - _clashes(items, wrong)) if counted else 0
        return wrong

    def _new_verdict(self, tx: Transaction, row: KeyedVerdict, responses: Responses) -> NewVerdict:
        prompt, judge = self._known.prompt(tx, row.prompt), self._known.judge(tx, row.judge)
        first = self._known.player(tx, row.first)
        second = None if row.second is None else self._known.player(tx, row.second)
        said = [(row.response_first, first), (row.response_second, second)]
        shown = [response_of(key, player, prompt.prompt_id, responses) for key, player in said]
        if row.key not in self._verdict_keys(tx, row, judge, prompt.key):
            raise Unusable(WRONG_KEY)
        return NewVerdict(
            row.key,
            judge.id,
            prompt.prompt_id,
            first.id,
            None if second is None else second.id,
            row.verdict,
            shown[0].id if shown[0] else None,
            shown[1].id if shown[1] else None,
            row.source,
        )

    def _verdict_keys(self, tx: Transaction, row: KeyedVerdict, judge: Contestant, prompt: str) -> set[str]:
        turn = row.verdict.turn
        if row.source is not None:
            second = row.second.key if row.second else None
            return recorded_verdict_keys(judge.key, prompt, turn, row.source, row.first.key, second)
        if self._known.renders(tx.connection, judge):
            return {row.key}
        if row.response_first is None:
            return set()
        return {keys.compared_verdict_key(judge.key, prompt, row.response_first, row.response_second, turn)}


def response_of(
    key: str | None, player: Contestant | None, prompt_id: int, responses: Responses
) -> Spoken | None:
    """The response of a key, None for none.

    Raises:
        Unusable: the store has it not, or as that of another model or to another prompt.
    """
    if key is None:
        return None
    found = responses.get(key)
    if found is None:
        raise Unusable(NO_RESPONSE)
    if player is None or (found.player_id, found.prompt_id) != (player.id, prompt_id):
        raise Unusable(NOT_THEIRS)
    return found


def _spoken(response: Response) -> tuple[Any, ...]:
    return response.status, [(turn.answer, turn.thinking) for turn in response.turns]


def _says(item: NewVerdict) -> tuple[Any, ...]:
    """Everything that two verdicts of one key must agree on."""
    said: Verdict = item.verdict
    about = (item.judge_id, item.prompt_id, item.player_first, item.player_second, item.response_first)
    return (
        *about,
        item.response_second,
        said.turn,
        item.source,
        said.kind,
        said.status,
        value_json(said.value),
    )


def _is(stands: Tried, item: NewVerdict) -> bool:
    return stands[1:] == _says(item)


def _clashes(items: Sequence[tuple[KeyedVerdict, NewVerdict]], wrong: Mapping[int, str]) -> int:
    return sum(id(row) in wrong for row, _ in items)
