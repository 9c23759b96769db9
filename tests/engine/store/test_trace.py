"""Battles as they are listed: pages by number, from an index and not by sorting a whole arena."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.store import open_store
from engine.store.sqlite import Connection
from engine.store.trace import list_battles
from tests.engine.ratings.stored_log import Fight, Log


def test_pages_follow_one_another_without_a_gap(tmp_path: Path) -> None:
    with open_store(tmp_path / "a.db", writable=True) as store:
        log = Log(store)
        log.land(*(Fight("ann", "ben", (n % 9 + 1, 5), prompt=n, position=n) for n in range(25)))
        judge = log.judge.id
        pages, after = [], 0
        while page := list_battles(store.reader, log.arena.id, judge, limit=10, after=after):
            pages.append([one.id for one in page])
            after = page[-1].id
        assert [len(page) for page in pages] == [10, 10, 5]
        listed = [number for page in pages for number in page]
        assert listed == sorted(set(listed))
        assert list_battles(store.reader, log.arena.id, judge + 1) == []


class _Explaining:
    """Asks SQLite how it would find the rows, in place of finding them."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.steps: list[str] = []

    def execute(self, query: str, values: list[object]) -> list[object]:
        rows = self.connection.execute(f"EXPLAIN QUERY PLAN {query}", values)
        self.steps = [step for *_, step in rows]
        return []


@pytest.mark.parametrize("state", [None, "waiting"])
def test_a_page_is_read_from_the_index_in_its_order(tmp_path: Path, state: str | None) -> None:
    with open_store(tmp_path / "a.db", writable=True) as store:
        Log(store).land(Fight("ann", "ben"))
        explaining = _Explaining(store.reader)
        list_battles(explaining, 1, 1, state=state)  # type: ignore[arg-type]
        assert any("battles_listed (arena_id=? AND judge_id=? AND id>?)" in step for step in explaining.steps)
        assert not any("TEMP B-TREE" in step for step in explaining.steps)
