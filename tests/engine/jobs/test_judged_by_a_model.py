"""Real battles of pocket models, judged over HTTP by a model that really generates, with and without a JSON grammar."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.battles.progress import Progress
from engine.jobs.worker import Batch, run_batch
from engine.plan import read_plan
from engine.pocket.world import model_path
from engine.ratings.board import RatingOptions
from engine.ratings.leaderboard import leaderboard
from engine.store import open_store
from tests.servers.pocket_server import PocketServer, Schemas

pytest.importorskip("transformers")
pytestmark = pytest.mark.torch

PLAN = """
[run]
name = "judged"

[prompts]
set = "pocket:test"

[players.lynx]
kind = "transformers"
model = "pocket:lynx"
sampling = {{ temperature = 0.7, max_tokens = 24 }}

[players.otter]
kind = "transformers"
model = "pocket:otter"
sampling = {{ temperature = 0.7, max_tokens = 24 }}

[judges.judge]
kind = "llm"
model = "judge"
endpoints = ["{url}"]
template = "brief"
tries = {tries}
sampling = {{ temperature = 1.0, max_tokens = 96 }}
options = {{ explanation_chars = 20 }}
"""


def run(folder: Path, schemas: Schemas, battles: int, tries: int) -> tuple[Progress, int]:
    """The plan on so many prompts, with one pair: progress, and how many calls the judge answered."""
    with PocketServer(Path(model_path("heron")), name="judge", schemas=schemas) as server:
        plan = folder / "plan.toml"
        plan.write_text(PLAN.format(url=server.url, tries=tries))
        with open_store(folder / "a.db", writable=True) as store:
            batch = Batch(store, read_plan(plan), lambda event: None, battles)
            progress = asyncio.run(_run(batch))
            return progress, server.served - 1  # once it was tried whether the server holds to a schema


async def _run(batch: Batch) -> Progress:
    return await run_batch(batch, asyncio.Event())


@pytest.mark.parametrize(
    "battles",
    [
        pytest.param(24, id="24"),
        pytest.param(200, id="200", marks=[pytest.mark.long, pytest.mark.timeout(900)]),
    ],
)
def test_under_a_grammar_every_battle_is_decided(tmp_path: Path, battles: int) -> None:
    progress, served = run(tmp_path, "hold", battles, tries=3)
    with open_store(tmp_path / "a.db") as store:
        board = leaderboard(store, options=RatingOptions(online=False))
        void = board.coverage.void
        assert (board.coverage.decided, board.coverage.waiting) == (battles - void, 0)
        assert void < battles / 10  # empty or cut answers of the players
        statuses = dict(store.reader.execute("SELECT status, COUNT(*) FROM verdicts GROUP BY status"))
        assert statuses == {"ok": served}
        assert served <= 2 * (battles - void)  # equal answers are shown once
        values = [row[0] for row in store.reader.execute("SELECT value FROM verdicts")]
        assert len(set(values)) > 10
        # What was judged is what was said: one verdict's page is derived again from the rows.
        raw = store.reader.execute("SELECT COUNT(*) FROM verdicts WHERE raw IS NULL").fetchone()
        assert raw == (0,)
    assert progress.states["decided"] == battles - void


@pytest.mark.parametrize(
    "battles",
    [
        pytest.param(8, id="8"),
        pytest.param(200, id="200", marks=[pytest.mark.long, pytest.mark.timeout(1800)]),
    ],
)
def test_without_one_invalid_verdicts_are_stored_and_their_battles_wait(tmp_path: Path, battles: int) -> None:
    tries = 2
    progress, served = run(tmp_path, "ignore", battles, tries)
    with open_store(tmp_path / "a.db") as store:
        board = leaderboard(store, options=RatingOptions(online=False))
        assert (board.coverage.decided, board.battles) == (0, 0)
        assert board.coverage.waiting == battles - board.coverage.void == progress.states["waiting"]
        tried = store.reader.execute("SELECT COUNT(*), COUNT(DISTINCT key) FROM verdicts").fetchone()
        assert tried == (served, served // tries)
        statuses = {row[0] for row in store.reader.execute("SELECT DISTINCT status FROM verdicts")}
        assert statuses <= {"unparsable", "cut"}
        assert store.reader.execute("SELECT COUNT(*) FROM verdicts WHERE raw IS NULL").fetchone() == (0,)
        assert all(row.rating is None for row in board.rows)
