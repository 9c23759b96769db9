"""A run says beforehand where a judge is kin to a player."""

from __future__ import annotations

from pathlib import Path

from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import LoopbackServer

KIN = "is the very model that plays as"


def warnings(arena: Arena) -> list[str]:
    return [str(event.facts) for event in arena.events if event.kind == "warning"]


def test_a_judge_that_is_one_of_the_players_is_told_once(tmp_path: Path, loopback: LoopbackServer) -> None:
    arena = Arena(tmp_path, loopback, prompts=2)
    served = arena.served["ada"].url
    arena.run("judges.judge.model=ada", f"judges.judge.endpoints=['{served}']", "judges.judge.tries=1")
    assert sum(KIN in text for text in warnings(arena)) == 1
    assert any("judge 'judge' is the very model that plays as ada" in text for text in warnings(arena))


def test_a_judge_of_its_own_is_not(tmp_path: Path, loopback: LoopbackServer) -> None:
    arena = Arena(tmp_path, loopback, prompts=2)
    arena.run()
    assert not any(KIN in text or "family" in text for text in warnings(arena))
