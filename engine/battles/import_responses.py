"""Responses of an import: those that its rows hold, and those of the store that its rows are about."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from engine import keys
from engine.battles.import_keys import response_key
from engine.records import Response, ResponseStatus, Turn
from engine.store.contestants import Contestant
from engine.store.imports import hold
from engine.store.prompts import LandedPrompt
from engine.store.responses import Found, NewResponse, has_responses, land_responses, sole_response
from engine.store.sqlite import Connection
from engine.store.store import Transaction

MOST_PAIRS = 200_000
"""(prompt, player) that are remembered at a time."""


class Told(NamedTuple):
    """A response that a row holds."""

    prompt: LandedPrompt
    player: Contestant
    turns: tuple[Turn, ...]
    status: ResponseStatus
    error: str | None = None

    @property
    def key(self) -> str:
        """By its text: a file says nothing of how often a player was asked. A failure is the player's only one."""
        if self.status is ResponseStatus.FAILED:
            return keys.response_key(self.player.key, self.prompt.key, 0)
        return response_key(self.player.key, self.prompt.key, [turn.answer for turn in self.turns])


def status_of(turns: Sequence[Turn]) -> ResponseStatus:
    """Of a response that came with its battle: a log says no more than its text."""
    return ResponseStatus.OK if turns and turns[-1].answer.strip() else ResponseStatus.EMPTY


class Responses:
    """Lands responses that rows hold, and finds those that rows only speak of.

    Args:
        taken, known: counts by table, which are kept here for responses.
    """

    def __init__(self, taken: Counter[str], known: Counter[str]) -> None:
        self._taken = taken
        self._known = known
        self._sole: dict[tuple[int, int], Found | None] = {}
        self._answered: dict[int, bool] = {}

    def land(self, tx: Transaction, told: Sequence[Told]) -> list[Found]:
        """Store what is new; return where each one stands, in order."""
        keyed = [(one.key, one) for one in told]
        items = {
            key: NewResponse(
                key, one.prompt.prompt_id, one.player.id, Response(one.status, one.turns, 0, one.error)
            )
            for key, one in keyed
        }
        landed = land_responses(tx, list(items.values()), again=False)
        new = sum(one.new for one in landed.values())
        self._taken["responses"] += new
        self._known["responses"] += len(landed) - new
        self.noticed(items.values())
        hold(tx, "responses", (one.id for one in landed.values() if not one.new))
        return [Found(landed[key].id, key, landed[key].status) for key, _ in keyed]

    def noticed(self, items: Iterable[NewResponse]) -> None:
        """Take note of responses that landed otherwise."""
        for item in items:
            self._answered[item.player_id] = True
            self._sole.pop((item.prompt_id, item.player_id), None)

    def sole(self, connection: Connection, prompt_id: int, player_id: int) -> Found | None:
        """The one response of a player to a prompt that the store has; None where it has none, or several."""
        answered = self._answered.get(player_id)
        if answered is None:
            answered = self._answered[player_id] = has_responses(connection, player_id)
        if not answered:
            return None
        pair = (prompt_id, player_id)
        if pair not in self._sole:
            if len(self._sole) > MOST_PAIRS:
                self._sole.clear()
            self._sole[pair] = sole_response(connection, prompt_id, player_id)
        return self._sole[pair]

    def forget(self) -> None:
        """Look everything up anew from now on."""
        self._sole.clear()
        self._answered.clear()
