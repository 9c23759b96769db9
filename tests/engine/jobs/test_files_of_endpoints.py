"""`endpoints = "@FILE"` in whole runs: a job waits for servers that are not listed yet, and follows those that move."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from engine.jobs.pausing import PauseOver
from engine.store import counts, open_store
from tests.engine.jobs.arena_on_loopback import Arena, judge_by_skill
from tests.engine.jobs.driving import driven
from tests.servers.openai_server import Served


@pytest.fixture(autouse=True)
def _quick_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.players.servers.FOLLOW_S", 0.01)


@pytest.fixture
def hosts(arena: Arena) -> Path:
    """A file that is not there yet, in which the plan looks for the judge's servers."""
    found = arena.folder / "hosts"
    text = arena.plan_text().replace(f"endpoints = ['{arena.judge.url}']", 'endpoints = "@hosts"')
    arena.plan_text = lambda run="", judge="": text  # type: ignore[method-assign]
    return found


@pytest.mark.parametrize("content", [None, "# none yet\n"])
def test_a_job_waits_for_servers_that_are_not_listed_yet(
    arena: Arena, hosts: Path, content: str | None
) -> None:
    if content is not None:
        hosts.write_text(content)

    async def test() -> None:
        async with driven(arena) as run:
            paused = await run.event("paused")
            assert "is listed yet" in paused.facts["reason"]
            assert run.job.state == "paused"
            hosts.write_text(f"{arena.judge.url}\n")
            await run.advance(5, asleep=5)
            assert (await run.end()).states == {"decided": 36}
            assert run.job.state == "done"

    asyncio.run(test())


def test_servers_that_never_come_leave_the_job_paused(arena: Arena, hosts: Path) -> None:
    async def test() -> None:
        async with driven(arena, pause_seconds=4) as run:
            await run.event("paused")
            await run.advance(5, asleep=4)
            with pytest.raises(PauseOver):
                await run.end()
            assert run.job.state == "paused"

    asyncio.run(test())


def test_a_judge_that_moves_to_another_host_is_followed_without_a_pause(arena: Arena, hosts: Path) -> None:
    other = Served(arena.loopback, model="judge")
    other.choose = judge_by_skill
    hosts.write_text(f"{arena.judge.url}\n")

    def moves(request: object) -> object:
        if len(arena.judge.chats) == 20:
            hosts.write_text(f"{other.url}\n")
        return judge_by_skill(request)  # type: ignore[arg-type]

    arena.judge.choose = moves  # type: ignore[assignment]
    progress = arena.run("judges.judge.options.player.concurrency=1", "judges.judge.options.player.start=1")
    assert progress.states == {"decided": 36}
    assert len(arena.judge.chats) + len(other.chats) == 72
    assert len(other.chats) > 0
    warnings = [event.facts["text"] for event in arena.events if event.kind == "warning"]
    assert f"{other.url} is listed now" in warnings
    with open_store(arena.path) as store:
        assert counts.differences(store.reader, 1) == []
