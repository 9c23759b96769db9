"""Players and judges that the store knows: their responses and verdicts fight again, and nobody is asked."""

from __future__ import annotations

import asyncio

import pytest

from engine.battles.progress import Progress
from engine.errors import UsageError
from engine.jobs.worker import Batch, run_batch
from engine.plan import read_plan
from engine.store import counts, open_store
from engine.store.contestants import land_recorded_judge
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.stored import number, rows

PLAN = """
[run]
name = 'again'
outcome_rule = 'strict'
[prompts]
file = 'prompts.jsonl'
[players.x]
kind = 'recorded'
model = 'ada'
[players.y]
kind = 'recorded'
model = '{other}'
[judges.said]
kind = 'recorded'
model = 'judge'
games = {games}
"""


def play(arena: Arena, other: str = "eve", games: int = 2) -> Progress:
    plan = arena.folder / "again.toml"
    plan.write_text(PLAN.format(other=other, games=games))
    arena.events.clear()
    with arena.open() as store:
        return asyncio.run(run_batch(Batch(store, read_plan(plan), arena.events.append), asyncio.Event()))


def asked(arena: Arena) -> int:
    return arena.player_calls + len(arena.judge.chats)


@pytest.mark.parametrize("games", [1, 2])
def test_what_a_run_made_fights_again_under_another_rule(arena: Arena, games: int) -> None:
    arena.run()
    before = asked(arena)
    assert play(arena, games=games).states == {"decided": 12}
    assert asked(arena) == before
    with open_store(arena.path) as store:
        again = "FROM battles b JOIN players p ON p.id IN (b.player_a, b.player_b) WHERE arena_id = 2"
        assert rows(store, f"SELECT DISTINCT p.name {again} ORDER BY 1") == [("ada",), ("eve",)]
        assert rows(store, f"SELECT DISTINCT ABS(margin) {again}") == [(6.0,)]
        assert (
            number(
                store, "SELECT COUNT(*) FROM games g JOIN battles b ON b.id = g.battle_id WHERE arena_id = 2"
            )
            == 12 * games
        )
        assert counts.differences(store.reader, 2) == []


def test_a_battle_that_lacks_a_recorded_response_is_left_out_and_told(arena: Arena) -> None:
    arena.run(limit=5)
    assert play(arena).states == {"decided": 5}
    told = [event.facts["text"] for event in arena.events if event.kind == "warning"]
    assert any("7 of 12 battles are left out: a response is not recorded" in text for text in told)
    with open_store(arena.path) as store:
        assert number(store, "SELECT COUNT(*) FROM responses WHERE status = 'failed'") == 0
    arena.run()
    assert play(arena).states == {"decided": 12}


def test_a_recorded_judge_that_said_nothing_yet_lets_battles_wait_until_it_has(arena: Arena) -> None:
    with arena.open() as store, store.write() as tx:
        land_recorded_judge(tx, "people")
    arena.run()
    plan = arena.folder / "again.toml"
    plan.write_text(PLAN.format(other="eve", games=1).replace("model = 'judge'", "model = 'people'"))
    with arena.open() as store:
        progress = asyncio.run(run_batch(Batch(store, read_plan(plan), arena.events.append), asyncio.Event()))
        assert progress.states == {"waiting": 12}
        assert rows(store, "SELECT DISTINCT state, reason FROM battles WHERE arena_id = 2") == [
            ("waiting", "missing game")
        ]
        with store.write() as tx:  # what an import of its verdicts does
            tx.connection.execute(
                "UPDATE verdicts SET judge_id = (SELECT id FROM judges WHERE name = 'people')"
            )
        progress = asyncio.run(run_batch(Batch(store, read_plan(plan), arena.events.append), asyncio.Event()))
        assert progress.states == {"decided": 12}


def test_a_name_that_the_store_does_not_know_has_no_battle(arena: Arena) -> None:
    arena.run(limit=1)
    with pytest.raises(UsageError, match="not one battle can be made"):
        play(arena, other="nobody")
