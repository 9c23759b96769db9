"""What judges said, as plain rows of one judge: for whoever counts over all of it."""

from __future__ import annotations

from typing import NamedTuple

from engine.store.rows import decode
from engine.store.sqlite import Connection


class JudgeRow(NamedTuple):
    """A judge as the store knows it. `facts` is JSON."""

    id: int
    name: str
    facts: str


class SaidRow(NamedTuple):
    """One try of a verdict, without its texts. `value` is JSON of the native value."""

    id: int
    key: str
    tried: int
    kind: str
    status: str
    value: str | None
    reason: str | None
    turn: int | None
    prompt_id: int
    player_first: int
    player_second: int | None
    response_first: int | None
    response_second: int | None


def read_judges(connection: Connection, arena_id: int | None = None) -> list[JudgeRow]:
    """The judges that have said anything, at all or in an arena, in the order in which they came."""
    here = "SELECT 1 FROM verdicts v WHERE v.judge_id = j.id"
    if arena_id is not None:
        here = f"SELECT 1 FROM battles b WHERE b.judge_id = j.id AND b.arena_id = {int(arena_id)}"
    rows = connection.execute(f"SELECT id, name, facts FROM judges j WHERE EXISTS ({here}) ORDER BY id")
    return [JudgeRow(number, decode(name), facts) for number, name, facts in rows]


def read_said(connection: Connection, judge_id: int, arena_id: int | None = None) -> list[SaidRow]:
    """Every try of a judge's verdicts, in order of keys and tries; of those that battles of an arena rest on."""
    clause, values = "v.judge_id = ?", [judge_id]
    if arena_id is not None:
        clause += (
            " AND v.key IN (SELECT w.key FROM battles b JOIN games g ON g.battle_id = b.id"
            " JOIN verdicts w ON w.id = g.verdict_id WHERE b.arena_id = ? AND b.judge_id = ?)"
        )
        values += [arena_id, judge_id]
    rows = connection.execute(
        "SELECT id, key, try, kind, status, value, reason, turn, prompt_id, player_first, player_second,"
        f" response_first, response_second FROM verdicts v WHERE {clause} ORDER BY key, try",
        values,
    )
    return [SaidRow._make((*row[:6], decode(row[6]), *row[7:])) for row in rows]


def both_orders(connection: Connection, judge_id: int, arena_id: int | None = None) -> list[tuple[int, int]]:
    """The verdicts of battles that were shown in both orders: (a shown first, b shown first), each pair once."""
    clause, values = "b.judge_id = ?", [judge_id]
    if arena_id is not None:
        clause += " AND b.arena_id = ?"
        values.append(arena_id)
    rows = connection.execute(
        "SELECT DISTINCT g.verdict_id, s.verdict_id FROM battles b JOIN games g ON g.battle_id = b.id AND g.swapped = 0"
        f" JOIN games s ON s.battle_id = b.id AND s.swapped = 1 WHERE {clause}",
        values,
    )
    return [(straight, swapped) for straight, swapped in rows]
