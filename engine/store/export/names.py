"""Names in place of numbers: players, judges and arenas at once, prompts as they are asked for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from engine.store.rows import decode, select_in
from engine.store.sqlite import Connection


class Names:
    """Reads the names of a store."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.players = self._all("players")
        self.judges = self._all("judges")
        self.arenas = self._all("arenas")
        self.player_keys: dict[int | None, str] = self._keys("players")
        self.judge_keys = self._keys("judges")
        self.rules = {
            number: (rule, on_cut)
            for number, rule, on_cut in connection.execute("SELECT id, outcome_rule, on_cut FROM arenas")
        }

    def _keys(self, table: str) -> dict[Any, str]:
        return dict(self._connection.execute(f"SELECT id, key FROM {table}"))

    def _all(self, table: str) -> dict[int, str]:
        return {
            number: decode(name) for number, name in self._connection.execute(f"SELECT id, name FROM {table}")
        }

    def prompts(self, numbers: Iterable[int]) -> dict[int, tuple[str | None, str, str]]:
        """(set, name, key) of prompts: the first in the first set that has it; its key as name where none has."""
        wanted = list(set(numbers))
        query = (
            "SELECT i.prompt_id, s.id, i.position, s.name, i.name FROM prompt_set_items i"
            " JOIN prompt_sets s ON s.id = i.set_id WHERE i.prompt_id IN"
        )
        keys = dict(select_in(self._connection, "SELECT id, key FROM prompts WHERE id IN", wanted))
        found: dict[int, tuple[str | None, str, str]] = {n: (None, key, key) for n, key in keys.items()}
        rows = sorted(select_in(self._connection, query, wanted), key=lambda row: row[:3], reverse=True)
        for number, _, _, set_name, name in rows:
            found[number] = (decode(set_name), decode(name), keys[number])
        return found

    def texts(self, numbers: Iterable[int | None]) -> dict[int | None, str | None]:
        """Texts by number; None for None."""
        wanted = [number for number in set(numbers) if number is not None]
        rows = select_in(self._connection, "SELECT id, body FROM texts WHERE id IN", wanted)
        found: dict[int | None, str | None] = {number: decode(body) for number, body in rows}
        return found | {None: None}


def responses_by_id(connection: Connection, numbers: Iterable[int | None]) -> dict[int | None, str | None]:
    """Keys of responses by number; None for None."""
    wanted = [number for number in set(numbers) if number is not None]
    rows: Iterable[tuple[Any, ...]] = select_in(
        connection, "SELECT id, key FROM responses WHERE id IN", wanted
    )
    found: dict[int | None, str | None] = dict(rows)
    return found | {None: None}
