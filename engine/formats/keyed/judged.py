"""Verdicts, games and battles of an export."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

from engine import keys
from engine.formats import fields
from engine.formats.entry import Record
from engine.formats.fields import FieldError
from engine.formats.keyed import cells
from engine.formats.keyed.nouns import place_of
from engine.formats.keyed.rows import KeyedBattle, KeyedGame, KeyedVerdict, Party
from engine.formats.native import checked
from engine.formats.rows import BattleRow, Row
from engine.records import (
    BattleState,
    OnCut,
    Outcome,
    OutcomeRule,
    ResponseStatus,
    Verdict,
    VerdictKind,
    VerdictStatus,
)

_OUTCOMES = {"model_a": Outcome.A, "model_b": Outcome.B, "tie": Outcome.TIE, None: None}
Log = Callable[[Record], BattleRow]
"""A record as anybody's battle log has it."""


class _Columns(NamedTuple):
    """What a table calls what another one calls otherwise."""

    reason: str
    n_games: str
    occurred_at: str


_OF_BATTLES = _Columns("reason", "games", "tstamp")
_OF_GAMES = _Columns("battle_reason", "n_games", "occurred_at")


def read_verdict(record: Record) -> Sequence[KeyedVerdict]:
    """A verdict, as its judge was shown the responses."""
    row = record.value
    single = row.get("model") is not None
    first = _party(row, "model" if single else "model_a", "player_key_first", keys.PLAYER)
    second = None if single else _party(row, "model_b", "player_key_second", keys.PLAYER)
    shown = tuple(
        cells.maybe_key(row, name, keys.RESPONSE) for name in ("response_key_first", "response_key_second")
    )
    verdict = KeyedVerdict(
        cells.key(row, "verdict_key", keys.VERDICT),
        cells.whole(row, "try"),
        place_of(row),
        _party(row, "judge", "judge_key", keys.JUDGE),
        first,
        second,
        shown[0],
        shown[1],
        verdict_of(row),
        _source(row, "verdict_key"),
        record.line,
        record.file,
    )
    if (verdict.verdict.kind is VerdictKind.SINGLE) is not single:
        raise FieldError("its kind does not fit its number of models")
    return (verdict,)


def verdict_of(row: cells.Cells) -> Verdict:
    """What a judge said, in the columns that verdicts and games share.

    Raises:
        FieldError: its value is none of its kind, or does not fit its status.
    """
    kind = cells.word(row, "kind", VerdictKind)
    status = cells.word(row, "status", VerdictStatus)
    said = cells.word_or_nested(row, "value")
    if (status is VerdictStatus.OK) is (said is None):
        raise FieldError("its status does not fit its value")
    return Verdict(
        kind,
        status,
        None if said is None else checked(kind, said),
        cells.maybe_text(row, "reason"),
        cells.maybe_text(row, "explanation"),
        cells.maybe_text(row, "raw"),
        cells.maybe_text(row, "thinking"),
        cells.maybe_text(row, "finish_reason"),
        cells.maybe_whole(row, "tokens_in"),
        cells.maybe_whole(row, "tokens_out"),
        cells.maybe_number(row, "latency_ms"),
        cells.maybe_whole(row, "turn"),
    )


def battle_reader(arena: str | None, log: Log | None = None) -> Callable[[Record], Sequence[KeyedBattle]]:
    """Reads a battle that names its verdicts by key.

    Args:
        arena: what a person calls its arena; None leaves it to the row.
        log: reads the same row as a plain log.
    """

    def read(record: Record) -> Sequence[KeyedBattle]:
        said = log(record) if log else None
        return (_battle(record, arena, _OF_BATTLES, _refs(record.value), said),)

    return read


def game_reader(arena: str | None) -> Callable[[Record], Sequence[KeyedBattle]]:
    """Reads a game as a battle that has this one only, for `join_games`; `arena` as in `battle_reader`."""

    def read(record: Record) -> Sequence[KeyedBattle]:
        return (_battle(record, arena, _OF_GAMES, (_game(record),), None),)

    return read


def _battle(
    record: Record, arena: str | None, names: _Columns, games: tuple[KeyedGame, ...], log: BattleRow | None
) -> KeyedBattle:
    row = record.value
    rules = cells.word(row, "outcome_rule", OutcomeRule), cells.word(row, "on_cut", OnCut)
    winner = cells.maybe_text(row, "winner")
    if winner not in _OUTCOMES:
        raise FieldError("unknown winner")
    return KeyedBattle(
        cells.key(row, "battle_key", keys.BATTLE),
        fields.model_name(row.get("arena"), "arena") if arena is None else arena,
        rules if arena is None else None,
        place_of(row),
        _party(row, "judge", "judge_key", keys.JUDGE),
        _party(row, "model_a", "player_key_a", keys.PLAYER),
        _party(row, "model_b", "player_key_b", keys.PLAYER),
        cells.maybe_key(row, "response_key_a", keys.RESPONSE),
        cells.maybe_key(row, "response_key_b", keys.RESPONSE),
        cells.word(row, "status_a", ResponseStatus),
        cells.word(row, "status_b", ResponseStatus),
        cells.word(row, "state", BattleState),
        cells.maybe_text(row, names.reason),
        _OUTCOMES[winner],
        cells.maybe_number(row, "margin"),
        games,
        cells.whole(row, names.n_games),
        cells.maybe_text(row, "battle_source"),
        cells.maybe_text(row, "category"),
        cells.maybe_whole(row, "turn"),
        cells.maybe_whole(row, "round"),
        cells.maybe_number(row, names.occurred_at),
        cells.whole(row, "position"),
        (record.line,),
        record.file,
        log,
    )


def _refs(row: cells.Cells) -> tuple[KeyedGame, ...]:
    """The verdicts that a battle names: a list of {swapped, verdict_key, try}."""
    said = cells.nested(row, "verdict_keys")
    if not isinstance(said, list) or not all(isinstance(one, dict) for one in said):
        raise FieldError("verdict_keys is no list of objects")
    return tuple(_ref(one) for one in said)


def _ref(one: dict[str, Any], verdict: KeyedVerdict | None = None) -> KeyedGame:
    key = cells.key(one, "verdict_key", keys.VERDICT)
    return KeyedGame(cells.flag(one.get("swapped"), "swapped"), key, cells.whole(one, "try"), verdict)


def _game(record: Record) -> KeyedGame:
    """A game with its verdict. The verdict may be about equal responses of others, to whom the judge was shown them."""
    row = record.value
    sides = [_party(row, f"model_{side}", f"player_key_{side}", keys.PLAYER) for side in ("a", "b")]
    models = {party.key: party.name for party in sides}
    first, second = (_shown(row, f"player_key_{side}", models) for side in ("first", "second"))
    verdict = KeyedVerdict(
        cells.key(row, "verdict_key", keys.VERDICT),
        cells.whole(row, "try"),
        place_of(row),
        _party(row, "judge", "judge_key", keys.JUDGE),
        first,
        second,
        cells.maybe_key(row, "response_key_first", keys.RESPONSE),
        cells.maybe_key(row, "response_key_second", keys.RESPONSE),
        verdict_of(row),
        _source(row, "battle_key"),
        record.line,
        record.file,
    )
    return _ref(dict(row), verdict)


def _shown(row: cells.Cells, name: str, models: Mapping[str, str]) -> Party:
    """Who was shown: one of the battle's two, else somebody known by key alone."""
    key = cells.key(row, name, keys.PLAYER)
    return Party(models.get(key, ""), key)


def _source(row: cells.Cells, own: str) -> str | None:
    """What tells an imported verdict from others; where nothing does, the table has a key of its own in its place."""
    said = cells.maybe_text(row, "source_id")
    return None if said == row.get(own) else said


def _party(row: cells.Cells, name: str, key: str, prefix: str) -> Party:
    return Party(fields.model_name(row.get(name), name), cells.key(row, key, prefix))


def join_games(rows: Iterable[Row]) -> Iterator[Row]:
    """Join the games of a battle, which stand together in the table. What stands between them goes before."""
    waiting: KeyedBattle | None = None
    for row in rows:
        if not isinstance(row, KeyedBattle):
            yield row
        elif waiting is not None and _is_one(waiting, row):
            games, lines = (*waiting.games, *row.games), (*waiting.lines, *row.lines)
            waiting = replace(waiting, games=games, lines=lines)
        else:
            if waiting is not None:
                yield waiting
            waiting = row
    if waiting is not None:
        yield waiting


def _is_one(battle: KeyedBattle, game: KeyedBattle) -> bool:
    """Whether two rows tell of one battle, and the same of it."""
    return replace(battle, games=(), lines=()) == replace(game, games=(), lines=())
