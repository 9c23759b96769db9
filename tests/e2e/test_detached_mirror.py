"""A worker that outlives its terminal keeps its plan's mirror, and whoever queues a job takes a mirror up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.store import open_store
from engine.store.owner import read_owner
from tests.e2e.programs import Program
from tests.e2e.test_signals import BATTLES, JUDGE_CALLS, PLAYER_CALLS
from tests.e2e.waiting import until, until_state
from tests.engine.jobs.arena_on_loopback import Arena
from tests.engine.jobs.stored import content

Start = Callable[..., Program]


def detach(arena: Arena, start: Start, store: Path, folder: Path, job: int) -> str:
    """Queue the plan for a worker, and wait until that has done it and left the mirror."""
    program = start("--batch", arena.folder / "plan.toml", "--detach", "--store", store, "--mirror", folder)
    code, _, said = program.rest()
    assert code == 0, said
    until_state(store, "done", job)

    def left() -> bool:
        owner = read_owner(folder)
        return (
            owner is not None and owner.released and owner.epoch == 2 * job
        )  # who queued it, and its worker

    until(left, "the end of the mirror")
    return said


def test_detached_on_two_machines_one_after_the_other(arena: Arena, start: Start) -> None:
    folder, first, second = (arena.folder / name for name in ("shared", "node1/arena.db", "node2/arena.db"))
    detach(arena, start, first, folder, 1)
    with open_store(first) as local, open_store(folder / "arena.db") as copy:
        assert content(copy) == content(local)
    asked = arena.player_calls, len(arena.judge.chats)
    assert asked == (PLAYER_CALLS, JUDGE_CALLS)

    said = detach(arena, start, second, folder, 2)
    assert "took up the mirror's copy" in said
    assert (arena.player_calls, len(arena.judge.chats)) == asked
    with open_store(second) as store:
        decided = store.reader.execute("SELECT COUNT(*) FROM battles WHERE state = 'decided'").fetchone()
        assert decided == (BATTLES,)
