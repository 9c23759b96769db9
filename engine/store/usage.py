"""What calls have taken so far, in tokens and time: what a preflight and a budget reckon with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from engine.store.sqlite import Connection

_NEWEST = 200


@dataclass(frozen=True, slots=True)
class Usage:
    """Means over the newest calls of a player or judge whose time is known.

    Attributes:
        calls: how many these are, 0 to 200; without any, the rest is unknown.
        characters: of the answer, or of what is kept of a judge's reply: the whole, and the explanation in it.
    """

    calls: int
    tokens_in: float | None
    tokens_out: float | None
    latency_ms: float | None
    characters: float


@dataclass(frozen=True, slots=True)
class Spent:
    """What a job has asked of one player or judge, over all its attempts."""

    role: str
    contestant_id: int
    calls: int
    tokens_in: int
    tokens_out: int


def player_usage(connection: Connection, player_id: int) -> Usage:
    """Of a player's calls: a response takes one for each of its turns."""
    row = connection.execute(
        "SELECT COUNT(*), AVG(n.tokens_in), AVG(n.tokens_out), AVG(n.latency_ms), AVG(LENGTH(x.body)) FROM"
        " (SELECT t.* FROM responses r JOIN response_turns t ON t.response_id = r.id"
        "  WHERE r.player_id = ? AND r.status != 'failed' AND t.latency_ms IS NOT NULL ORDER BY r.id DESC LIMIT ?) n"
        " JOIN texts x ON x.id = n.answer",
        (player_id, _NEWEST),
    ).fetchone()
    return _usage(row)


def _usage(row: Sequence[Any]) -> Usage:
    calls, tokens_in, tokens_out, latency_ms, characters = row
    return Usage(calls, tokens_in, tokens_out, latency_ms, characters or 0.0)


def judge_usage(connection: Connection, judge_id: int) -> Usage:
    """Of a judge's calls: every try of a verdict is one."""
    row = connection.execute(
        "SELECT COUNT(*), AVG(v.tokens_in), AVG(v.tokens_out), AVG(v.latency_ms),"
        " AVG(COALESCE(LENGTH(r.body), 0) + COALESCE(LENGTH(e.body), 0)) FROM"
        " (SELECT * FROM verdicts WHERE judge_id = ? AND status != 'failed' AND latency_ms IS NOT NULL"
        "  ORDER BY id DESC LIMIT ?) v"
        " LEFT JOIN texts r ON r.id = v.raw LEFT JOIN texts e ON e.id = v.explanation",
        (judge_id, _NEWEST),
    ).fetchone()
    return _usage(row)


def spent_by_job(connection: Connection, job_id: int) -> list[Spent]:
    """Whatever a job's attempts have landed, by player and judge. Reads all answers of the store."""
    ours = "(SELECT id FROM attempts WHERE job_id = ?)"
    players = connection.execute(
        "SELECT 'player', r.player_id, COUNT(*), SUM(t.tokens_in), SUM(t.tokens_out) FROM responses r"
        f" JOIN response_turns t ON t.response_id = r.id WHERE r.attempt_id IN {ours} GROUP BY r.player_id",
        (job_id,),
    ).fetchall()
    judges = connection.execute(
        "SELECT 'judge', judge_id, COUNT(*), SUM(tokens_in), SUM(tokens_out) FROM verdicts"
        f" WHERE attempt_id IN {ours} GROUP BY judge_id",
        (job_id,),
    ).fetchall()
    return [
        Spent(role, number, calls, tokens_in or 0, tokens_out or 0)
        for role, number, calls, tokens_in, tokens_out in players + judges
    ]
