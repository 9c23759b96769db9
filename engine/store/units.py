"""Units of work in the hands of a worker: responses and verdicts that it has asked for and not landed yet.

They are marked before they are asked for and unmarked in the transaction that lands them. An attempt that dies leaves
its marks behind, so that what kills a worker again and again can be told from what was merely beside it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from engine.store.rows import decode
from engine.store.sqlite import Connection
from engine.store.store import Transaction

MOST_KILLS = 3
"""So many attempts that died with a unit in hand, and it is set aside."""

SET_ASIDE = "set aside: it killed its worker three times"
"""The error of such a response, and the reason of such a verdict."""


class Unit(NamedTuple):
    """Something that is asked for: a response of a player, or a verdict of a judge, by its content key."""

    key: str
    prompt_id: int
    player_id: int | None = None
    judge_id: int | None = None


@dataclass(frozen=True, slots=True)
class Suspect:
    """A unit that was in hand when attempts died.

    Attributes:
        kills: how many attempts.
        by: name of the player or judge in the store.
        prompt: a name of the prompt in a set.
        is_set_aside: it is asked for no more by this job.
    """

    unit: Unit
    kills: int
    by: str
    prompt: str
    is_set_aside: bool

    def __str__(self) -> str:
        what = "response" if self.unit.judge_id is None else "verdict"
        return f"the {what} of '{self.by}' on prompt '{self.prompt}' ({self.unit.key})"


def take(tx: Transaction, job_id: int, units: Iterable[Unit]) -> None:
    """Mark what is about to be asked for. One that was suspected keeps its kills."""
    tx.connection.executemany(
        "INSERT INTO units(job_id, unit, state, prompt_id, player_id, judge_id, attempt_id)"
        " VALUES (?, ?, 'taken', ?, ?, ?, ?)"
        " ON CONFLICT(job_id, unit) DO UPDATE SET state = 'taken', attempt_id = excluded.attempt_id",
        ((job_id, unit.key, unit.prompt_id, unit.player_id, unit.judge_id, tx.attempt_id) for unit in units),
    )


def let_go(tx: Transaction, job_id: int, keys: Iterable[str]) -> None:
    """Unmark what has landed."""
    tx.connection.executemany(
        "DELETE FROM units WHERE job_id = ? AND unit = ? AND state != 'set_aside'",
        ((job_id, key) for key in keys),
    )


def release(tx: Transaction, attempt_id: int) -> None:
    """An attempt ended in good order: what it dropped is held against nobody."""
    tx.connection.execute(
        "DELETE FROM units WHERE attempt_id = ? AND state = 'taken' AND kills = 0", (attempt_id,)
    )
    tx.connection.execute(
        "UPDATE units SET state = 'suspect' WHERE attempt_id = ? AND state = 'taken'", (attempt_id,)
    )


def blame(tx: Transaction, attempt_id: int) -> None:
    """An attempt died: whatever it had in hand may have killed it."""
    tx.connection.execute(
        "UPDATE units SET state = 'suspect', kills = kills + 1 WHERE attempt_id = ? AND state = 'taken'",
        (attempt_id,),
    )


def set_aside(tx: Transaction, job_id: int, key: str) -> None:
    """This job asks for it no more."""
    tx.connection.execute(
        "UPDATE units SET state = 'set_aside', reason = ? WHERE job_id = ? AND unit = ?",
        (SET_ASIDE, job_id, key),
    )


def read_suspects(connection: Connection, job_id: int, least_kills: int) -> list[Suspect]:
    """What was in hand in so many attempts that died, those that did so least first."""
    return _read(connection, job_id, f"state = 'suspect' AND kills >= {least_kills}")


def read_set_aside(connection: Connection, job_id: int) -> list[Suspect]:
    """What a job has set aside."""
    return _read(connection, job_id, "state = 'set_aside'")


def _read(connection: Connection, job_id: int, which: str) -> list[Suspect]:
    rows = connection.execute(
        "SELECT u.unit, u.prompt_id, u.player_id, u.judge_id, u.kills, u.state, COALESCE(p.name, j.name),"
        " (SELECT i.name FROM prompt_set_items i WHERE i.prompt_id = u.prompt_id LIMIT 1)"
        " FROM units u LEFT JOIN players p ON p.id = u.player_id LEFT JOIN judges j ON j.id = u.judge_id"
        f" WHERE u.job_id = ? AND u.{which} ORDER BY u.kills, u.unit",
        (job_id,),
    )
    return [
        Suspect(
            Unit(key, prompt, player, judge), kills, decode(by), decode(name) or "?", state == "set_aside"
        )
        for key, prompt, player, judge, kills, state, by, name in rows
    ]
