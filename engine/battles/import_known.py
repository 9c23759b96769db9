"""What rows of an export refer to by key: found in the store, or registered where the name says it all."""

from __future__ import annotations

import json

from engine import keys
from engine.battles.import_names import Parties
from engine.formats.keyed.rows import Party, Place
from engine.records import Prompt
from engine.store.contestants import Contestant, find_by_key
from engine.store.derivations import named_judge_key, named_player_key, renders
from engine.store.prompts import LandedPrompt, land_prompts
from engine.store.sqlite import Connection
from engine.store.store import Transaction

MOST_PROMPTS = 200_000
"""Prompts that are remembered at a time."""

NO_PROMPT = "its prompt is not in this store under its key (import the prompts of the export first)"
NO_PLAYER = "its model is not in this store under its key (import the players of the export first, as store)"
NO_JUDGE = "its judge is not in this store under its key (import the judges of the export first, as store)"


class Unusable(Exception):
    """A row that cannot be landed. The message is the reason, in words that can be counted."""


class Known:
    """Players, judges and prompts by their keys.

    Args:
        parties: registers those that are known by their name alone.
    """

    def __init__(self, parties: Parties) -> None:
        self._parties = parties
        self._players: dict[str, Contestant] = {}
        self._judges: dict[str, Contestant] = {}
        self._rendering: dict[int, bool] = {}
        self._prompts: dict[str, LandedPrompt] = {}

    def player(self, tx: Transaction, party: Party) -> Contestant:
        """
        Raises:
            Unusable: there is none of that key, and its name does not make one.
        """
        found = self._players.get(party.key) or find_by_key(tx.connection, "players", party.key)
        if found is None and named_player_key(party.name) == party.key:
            found = self._parties.player(tx, party.name)
        if found is None:
            raise Unusable(NO_PLAYER)
        self._players[party.key] = found
        return found

    def judge(self, tx: Transaction, party: Party) -> Contestant:
        """
        Raises:
            Unusable: there is none of that key, and its name does not make one.
        """
        found = self._judges.get(party.key) or find_by_key(tx.connection, "judges", party.key)
        if found is None and named_judge_key(party.name) == party.key:
            found = self._parties.judge(tx, party.name)
        if found is None:
            raise Unusable(NO_JUDGE)
        self._judges[party.key] = found
        return found

    def renders(self, connection: Connection, judge: Contestant) -> bool:
        """Whether the keys of a judge's verdicts cannot be derived without it."""
        if judge.id not in self._rendering:
            row = connection.execute("SELECT facts FROM judges WHERE id = ?", (judge.id,)).fetchone()
            self._rendering[judge.id] = renders(json.loads(row[0]))
        return self._rendering[judge.id]

    def prompt(self, tx: Transaction, place: Place) -> LandedPrompt:
        """
        Raises:
            Unusable: there is none of that key, and its name does not make one.
        """
        found = self._prompts.get(place.key) or _found(tx.connection, place.key)
        if found is None and place.set_name is not None and _is_named(place.set_name, place):
            (found,) = land_prompts(tx, [Prompt(place.name, None, place.set_name)])
        if found is None or found.key != place.key:
            raise Unusable(NO_PROMPT)
        if len(self._prompts) > MOST_PROMPTS:
            self._prompts.clear()
        self._prompts[place.key] = found
        return found

    def forget(self) -> None:
        """Look everything up anew from now on."""
        for known in (self._players, self._judges, self._rendering, self._prompts):
            known.clear()


def _is_named(set_name: str, place: Place) -> bool:
    return keys.named_prompt_key(set_name, place.name) == place.key


def _found(connection: Connection, key: str) -> LandedPrompt | None:
    row = connection.execute("SELECT id FROM prompts WHERE key = ?", (key,)).fetchone()
    return LandedPrompt(int(row[0]), key, "known") if row else None
