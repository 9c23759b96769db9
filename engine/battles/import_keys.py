"""What makes an imported row one of its kind, and the keys that follow from it.

A row is told from others of its judge, prompt, players and turn by its `source`: the id that the row has in its file,
or else a hash of its file and of what it says, and how many equal rows came before it there. So the same file gives the
same keys again and adds nothing, and another file is taken whole. The source is stored with the verdicts and written by
`export`, so that an export gives the same keys again too.
"""

from __future__ import annotations

import hashlib
from json.encoder import encode_basestring_ascii

from engine import keys
from engine.formats.rows import BattleRow, SingleRow
from engine.records import Verdict
from engine.store.verdicts import value_json


def battle_key(judge: str, prompt: str, a: str, b: str, turn: int | None, source: str) -> str:
    """`keys.recorded_battle_key` of {players, prompt, source, turn}, without a dictionary in between."""
    return _key(keys.BATTLE, judge, _facts(prompt, (a, b), turn, source))


def verdict_key(judge: str, prompt: str, a: str, b: str, turn: int | None, source: str, swapped: bool) -> str:
    """`keys.recorded_verdict_key` of {game, players, prompt, source, turn}; game is 1 where b was shown first."""
    return _key(keys.VERDICT, judge, f'"game":{int(swapped)},{_facts(prompt, (a, b), turn, source)}')


def single_key(judge: str, prompt: str, player: str, turn: int | None, source: str) -> str:
    """`keys.recorded_verdict_key` of {players, prompt, source, turn} with one player."""
    return _key(keys.VERDICT, judge, _facts(prompt, (player,), turn, source))


def response_key(player: str, prompt: str, turns: list[str]) -> str:
    """`keys.imported_response_key`, a long answer being escaped once."""
    said = ",".join(map(encode_basestring_ascii, turns))
    return _hashed(keys.RESPONSE, f'{{"player":"{player}","prompt":"{prompt}","turns":[{said}]}}')


def _facts(prompt: str, players: tuple[str, ...], turn: int | None, source: str) -> str:
    listed, said = '","'.join(players), "null" if turn is None else turn
    return (
        f'"players":["{listed}"],"prompt":"{prompt}","source":{encode_basestring_ascii(source)},"turn":{said}'
    )


def _key(prefix: str, judge: str, facts: str) -> str:
    return _hashed(prefix, f'{{"judge":"{judge}","recorded":{{{facts}}}}}')


def _hashed(prefix: str, canonical: str) -> str:
    """As `keys._key` of a value whose canonical JSON this is."""
    whole = f'["{prefix}",{canonical}]'.encode("ascii")
    return f"{prefix}:{hashlib.sha256(whole).hexdigest()[:32]}"


def battle_content(row: BattleRow, told_a: str | None, told_b: str | None, mark: str) -> str:
    """A hash of what a row without an id says beside its judge, prompt, players and turn, and of its file.

    Args:
        told_a, told_b: keys of the responses that the row itself holds.
        mark: of its file; see `FileMarks`.
    """
    games = [[game.swapped, *_said(game.verdict)] for game in row.games]
    return keys.content_hash([games, row.occurred_at, row.round, row.margin, told_a, told_b, mark])


def single_content(row: SingleRow, told: str | None, mark: str) -> str:
    """As `battle_content`, of a score of one response."""
    return keys.content_hash([_said(row.verdict), told, mark])


def _said(verdict: Verdict) -> list[object]:
    return [verdict.kind.value, verdict.status.value, value_json(verdict.value), verdict.reason, verdict.raw]


class Met:
    """Rows that were met in an import, by a key: what is met again is a duplicate, or the next of equal rows.

    Of each, 64 bits of the key are kept, some 80 bytes a row.
    """

    def __init__(self) -> None:
        self._once: set[int] = set()
        self._again: dict[int, int] = {}

    def count(self, key: str, arena_id: int = 0) -> int:
        """How often the key has been met before in the arena; it is met now."""
        number = int(key[3:19], 16) ^ arena_id
        if number not in self._once:
            self._once.add(number)
            return 0
        before = self._again.get(number, 1)
        self._again[number] = before + 1
        return before
