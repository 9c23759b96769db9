"""Players, judges and arenas of an export: each under the key that its row makes, if that is the one it claims."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from engine.battles.import_known import Unusable
from engine.battles.import_shared import Shared
from engine.formats.keyed.rows import KeyedArena, KeyedJudge, KeyedPlayer
from engine.formats.rows import SetAside
from engine.plan.model import RatingsPlan
from engine.store.battles import land_arena, read_arena
from engine.store.contestants import (
    Contestant,
    alias_player,
    find_by_key,
    land_judge,
    land_player,
    rated_name,
)
from engine.store.derivations import judge_keys, player_key, plugin_judge_keys, sampling_of
from engine.store.imports import Held, hold
from engine.store.rows import to_json
from engine.store.store import Transaction

Registered = KeyedPlayer | KeyedJudge | KeyedArena

WRONG_KEY = "its key does not follow from the row"
OTHER_RULES = "its arena is rated by other rules in this store (name another one with --arena)"
NO_RATINGS = "its ratings are none that a plan could say"
LOST_ALIAS = "it is rated under the name of another model, which the export lacks"


class Registering:
    """Lands what rows of responses, verdicts and battles then refer to."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._names: dict[str, Contestant] = {}

    def land(self, tx: Transaction, rows: Sequence[Registered]) -> list[SetAside]:
        """Register what is new; return what could not be used."""
        aside = self._land_players(tx, [row for row in rows if isinstance(row, KeyedPlayer)])
        for row in rows:
            try:
                if isinstance(row, KeyedJudge):
                    self._judge(tx, row)
                elif isinstance(row, KeyedArena):
                    self._arena(tx, row)
            except Unusable as error:
                aside.append(_aside(row, str(error)))
        return aside

    def _land_players(self, tx: Transaction, rows: Sequence[KeyedPlayer]) -> list[SetAside]:
        """Register players in their order, then let new ones be rated under other names as they were."""
        aside: list[SetAside] = []
        aliases: list[KeyedPlayer] = []
        true = {id(row) for row in rows if _follows(row)}
        rated = {row.name for row in rows if id(row) in true and row.alias_of is None} | self._names.keys()
        for row in rows:
            if id(row) not in true:
                aside.append(_aside(row, WRONG_KEY))
            elif row.alias_of is not None and row.alias_of not in rated:
                aside.append(_aside(row, LOST_ALIAS))
            elif self._player(tx, row) and row.alias_of is not None:
                aliases.append(row)
        for row in aliases:
            target = self._names[row.alias_of or ""]
            alias_player(tx, self._names[row.name].name, rated_name(tx.connection, target.id))
        return aside

    def _player(self, tx: Transaction, row: KeyedPlayer) -> bool:
        """Register a player; return whether it is new."""
        sampling = None if row.sampling is None else sampling_of(row.sampling)
        stands = find_by_key(tx.connection, "players", row.key)
        found = stands or land_player(
            tx, row.name, row.kind, row.facts, row.template_hash, sampling, row.path, row.model
        )
        self._names[row.name] = found
        self._count(tx, "players", row.name, found, new=stands is None)
        return stands is None

    def _judge(self, tx: Transaction, row: KeyedJudge) -> None:
        derived = judge_keys(row.facts)
        if row.key not in (plugin_judge_keys(row.facts) if derived is None else derived):
            raise Unusable(WRONG_KEY)
        stands = find_by_key(tx.connection, "judges", row.key)
        found = stands or land_judge(tx, row.name, row.kind, row.key, row.facts)
        self._count(tx, "judges", row.name, found, new=stands is None)

    def _arena(self, tx: Transaction, row: KeyedArena) -> None:
        ratings = None if row.ratings is None else _checked(row.ratings)
        stands = read_arena(tx.connection, row.name)
        if stands is not None and (stands.outcome_rule, stands.on_cut) != (row.outcome_rule, row.on_cut):
            raise Unusable(OTHER_RULES)
        arena = stands or land_arena(tx, row.name, row.outcome_rule, row.on_cut)
        if stands is None and ratings is not None:
            tx.connection.execute("UPDATE arenas SET ratings = ? WHERE id = ?", (to_json(ratings), arena.id))
        self._count(tx, "arenas", row.name, arena, new=stands is None)

    def _count(self, tx: Transaction, noun: Held, name: str, found: Any, *, new: bool) -> None:
        (self._shared.taken if new else self._shared.known)[noun] += 1
        if not new:
            hold(tx, noun, [found.id])
        if found.name != name:
            self._shared.parties.renamed[name] = found.name


def _follows(row: KeyedPlayer) -> bool:
    try:
        return player_key(row.kind, row.facts, row.template_hash, row.sampling) == row.key
    except (TypeError, ValueError, AttributeError):
        return False


def _aside(row: Registered, reason: str) -> SetAside:
    noun = type(row).__name__.removeprefix("Keyed").lower()
    return SetAside(reason, row.file, row.line, f"{noun} {row.name}"[:500])


def _checked(ratings: Any) -> dict[str, Any]:
    """What a plan could say of ratings, with only what was said."""
    try:
        RatingsPlan.model_validate_json(json.dumps(ratings))
    except ValidationError as error:
        raise Unusable(NO_RATINGS) from error
    return dict(ratings)
