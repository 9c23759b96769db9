"""Answers that come with the program: they land where the store has none, or only a failure."""

from __future__ import annotations

import asyncio

from engine.jobs.worker import Batch, run_batch
from engine.plan import read_plan
from engine.store import Store


def play_pocket(store: Store) -> None:
    async def playing() -> None:
        await run_batch(Batch(store, read_plan("pocket"), lambda event: None, 2), asyncio.Event())

    asyncio.run(playing())


def test_a_shipped_answer_takes_the_place_of_a_failure(store: Store) -> None:
    play_pocket(store)
    before = store.reader.execute("SELECT key, status FROM responses ORDER BY key").fetchall()
    assert {status for _, status in before} == {"ok"}
    with store.write() as tx:
        tx.connection.execute("UPDATE responses SET status = 'failed', error = 'timeout' WHERE id = 1")
    play_pocket(store)
    assert store.reader.execute("SELECT key, status FROM responses ORDER BY key").fetchall() == before
    assert store.reader.execute("SELECT error, tries FROM responses WHERE id = 1").fetchone() == (None, 2)
