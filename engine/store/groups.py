"""What was fought on each prompt, prompt by prompt: for whoever ranks the responses of a group."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from typing import Any, NamedTuple

from engine.store.rows import decode, select_in
from engine.store.sqlite import Connection
from engine.store.texts import encode


class GameRow(NamedTuple):
    """One orientation of a battle with an ok verdict. `value` is JSON of the native value, as shown (first, second)."""

    swapped: bool
    kind: str
    value: str


class SideRow(NamedTuple):
    """One side of a battle. `response_id` and `key` are None where the response is unknown."""

    player_id: int
    response_id: int | None
    key: str | None
    status: str


class BattleRow(NamedTuple):
    """A battle with its judged games. `outcome` and `margin` (a minus b) are None unless it says so."""

    id: int
    key: str
    a: SideRow
    b: SideRow
    category: str | None
    state: str
    outcome: str | None
    margin: float | None
    games: tuple[GameRow, ...]


class PromptBattles(NamedTuple):
    """All battles of an arena and judge on one prompt, in order of their numbers."""

    prompt_id: int
    prompt_key: str
    battles: tuple[BattleRow, ...]


_QUERY = (
    "SELECT b.prompt_id, p.key, b.id, b.key, b.player_a, b.response_a, ra.key, b.status_a, b.player_b, b.response_b,"
    " rb.key, b.status_b, b.category, b.state, b.outcome, b.margin, g.swapped, v.kind, v.value"
    " FROM battles b JOIN prompts p ON p.id = b.prompt_id"
    " LEFT JOIN responses ra ON ra.id = b.response_a LEFT JOIN responses rb ON rb.id = b.response_b"
    " LEFT JOIN games g ON g.battle_id = b.id"
    " LEFT JOIN verdicts v ON v.id = g.verdict_id AND v.status = 'ok'"
    " WHERE b.arena_id = ? AND b.judge_id = ?{category} ORDER BY b.prompt_id, b.id, g.swapped"
)


def read_groups(
    connection: Connection, arena_id: int, judge_id: int, category: str | None = None
) -> Iterator[PromptBattles]:
    """The battles of each prompt, one prompt at a time."""
    values: list[object] = [arena_id, judge_id]
    if category is not None:
        values.append(encode(category))
    query = _QUERY.format(category="" if category is None else " AND b.category = ?")
    rows = connection.execute(query, values)
    for (prompt_id, prompt_key), some in groupby(rows, itemgetter(0, 1)):
        battles = (tuple(of_one) for _, of_one in groupby(some, itemgetter(2)))
        yield PromptBattles(prompt_id, prompt_key, tuple(map(_battle, battles)))


def _battle(rows: tuple[tuple[Any, ...], ...]) -> BattleRow:
    number, key, *sides = rows[0][2:12]
    category, state, outcome, margin = rows[0][12:16]
    games = tuple(GameRow(bool(row[16]), row[17], row[18]) for row in rows if row[17] is not None)
    one, other = SideRow(*sides[:4]), SideRow(*sides[4:])
    return BattleRow(number, key, one, other, decode(category), state, outcome, margin, games)


class PromptFacts(NamedTuple):
    """What the first prompt set that says it says of a prompt."""

    category: str | None
    difficulty: float | None


def read_prompt_facts(connection: Connection, prompt_ids: Iterable[int]) -> dict[int, PromptFacts]:
    """Category and difficulty by number of the prompt; nothing of prompts that are in no set."""
    query = (
        "SELECT prompt_id, set_id, position, category, difficulty FROM prompt_set_items WHERE prompt_id IN"
    )
    found: dict[int, PromptFacts] = {}
    rows = sorted(select_in(connection, query, list(prompt_ids)), key=lambda row: row[:3])
    for number, _, _, category, difficulty in rows:
        before = found.get(number, PromptFacts(None, None))
        found[number] = PromptFacts(
            decode(category) if before.category is None else before.category,
            difficulty if before.difficulty is None else before.difficulty,
        )
    return found
