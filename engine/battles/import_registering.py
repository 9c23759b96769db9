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
from engine.store.contestants import Contestant, alias_player, find_by_key, land_judge, land_player
from engine.store.derivations import judge_keys, player_key, plugin_judge_keys, sampling_of
from engine.store.imports import Held, hold
from engine.store.rows import encode, to_json
from engine.store.store import Transaction

Registered = KeyedPlayer | KeyedJudge | KeyedArena

WRONG_KEY = "its key does not follow from the row"
OTHER_RULES = "its arena is rated by other rules in this store (name another one with --arena)"
NO_RATINGS = "its ratings are none that a plan could say"
CIRCLE = "its alias stands for itself, or for another alias"
NOBODY = "its alias stands for no model of the export"


class Registering:
    """Lands what rows of responses, verdicts and battles then refer to."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared
        self._names: dict[str, Contestant] = {}
        self._aliases: list[KeyedPlayer] = []

    def land(self, tx: Transaction, rows: Sequence[Registered]) -> list[SetAside]:
        """Register what is new; return what could not be used."""
        aside = []
        for row in rows:
            try:
                if isinstance(row, KeyedPlayer):
                    self._player(tx, row)
                elif isinstance(row, KeyedJudge):
                    self._judge(tx, row)
                else:
                    self._arena(tx, row)
            except Unusable as error:
                aside.append(_aside(row, str(error)))
        return aside + self._settle_aliases(tx)

    def rest(self) -> list[SetAside]:
        """Players whose alias stands for nobody."""
        return [_aside(row, NOBODY) for row in self._aliases]

    def _settle_aliases(self, tx: Transaction) -> list[SetAside]:
        """Let new players be rated under other names as they were, where these are there."""
        aside: list[SetAside] = []
        waiting: list[KeyedPlayer] = []
        for row in self._aliases:
            target, own = self._names.get(row.alias_of or ""), self._names[row.name]
            if target is None:
                waiting.append(row)
            elif target.id == own.id or _is_alias(tx, target):
                aside.append(_aside(row, CIRCLE))
            else:
                alias_player(tx, own.name, target.name)
        self._aliases = waiting
        return aside

    def _player(self, tx: Transaction, row: KeyedPlayer) -> None:
        try:
            derived = player_key(row.kind, row.facts, row.template_hash, row.sampling)
            sampling = None if row.sampling is None else sampling_of(row.sampling)
        except (TypeError, ValueError, AttributeError) as error:
            raise Unusable(WRONG_KEY) from error
        if derived != row.key:
            raise Unusable(WRONG_KEY)
        stands = find_by_key(tx.connection, "players", row.key)
        found = stands or land_player(
            tx, row.name, row.kind, row.facts, row.template_hash, sampling, row.path, row.model
        )
        self._names[row.name] = found
        self._count(tx, "players", row.name, found, new=stands is None)
        if stands is None and row.alias_of is not None:
            self._aliases.append(row)

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


def _aside(row: Registered, reason: str) -> SetAside:
    noun = type(row).__name__.removeprefix("Keyed").lower()
    return SetAside(reason, "", row.line, f"{noun} {row.name}"[:500])


def _checked(ratings: Any) -> dict[str, Any]:
    """What a plan could say of ratings, with only what was said."""
    try:
        RatingsPlan.model_validate_json(json.dumps(ratings))
    except ValidationError as error:
        raise Unusable(NO_RATINGS) from error
    return dict(ratings)


def _is_alias(tx: Transaction, player: Contestant) -> bool:
    row = tx.connection.execute(
        "SELECT alias_of FROM players WHERE name = ?", (encode(player.name),)
    ).fetchone()
    return row is not None and row[0] is not None
