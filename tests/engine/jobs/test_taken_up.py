"""A mirror's copy that is taken up: what its job had in hand when it was copied tells nothing of a death."""

from __future__ import annotations

from pathlib import Path

import pytest

from engine.jobs import attempts, events, jobs, requests
from engine.jobs.mirroring import held_mirror
from engine.store import Store, open_store, units
from engine.store.mirror import Mirror
from engine.store.owner import Owner, Watch, claim
from engine.store.store import Fence
from tests.engine.jobs import claims
from tests.engine.store.landing import lay_ground


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "shared"


def take_one(store: Store, fence: Fence) -> str:
    """A unit in hand of the attempt; its key."""
    with store.write() as tx:
        ground = lay_ground(tx)
    with store.write(fence) as tx:
        units.take(tx, fence.job_id, [units.Unit("r1:x", ground.prompt_id, ground.players[0].id)])
    return "r1:x"


def left_by_another_machine(tmp_path: Path, folder: Path, *, asked: bool = False) -> None:
    """A running job's copy in the folder, whose owner has given it up, with one unit in hand."""
    owner = Owner(0, "w", "node1", "another boot", "", 1, 1.0, str(tmp_path / "node1" / "arena.db"))
    ownership = claim(folder, owner, Watch(lambda owner: True))
    with open_store(tmp_path / "node1" / "arena.db", writable=True) as store:
        take_one(store, claims.claim(store))
        with store.write() as tx:
            tx.connection.execute("UPDATE workers SET host = 'node1', boot_id = 'another boot'")
            if asked:
                requests.ask(tx, 1, "pause")
        Mirror(ownership).copy(store)
    ownership.release()


def take_up(tmp_path: Path, folder: Path) -> Store:
    path = tmp_path / "node2" / "arena.db"
    path.parent.mkdir()
    with held_mirror(folder, path, lambda text: None):
        return open_store(path)


def test_what_was_in_hand_when_it_was_copied_is_blamed_for_nothing(tmp_path: Path, folder: Path) -> None:
    left_by_another_machine(tmp_path, folder)
    with take_up(tmp_path, folder) as store:
        assert store.reader.execute("SELECT COUNT(*) FROM units").fetchone() == (0,)
        (attempt,) = attempts.read_attempts(store.reader, 1)
        assert (attempt["state"], attempt["reason"][:20]) == ("lost", "its machine was left")
        assert jobs.read_job(store.reader, 1).state == "queued"
        assert events.read_events(store.reader, 1)[-1].kind == "lost"


def test_what_was_asked_of_it_there_is_done(tmp_path: Path, folder: Path) -> None:
    left_by_another_machine(tmp_path, folder, asked=True)
    with take_up(tmp_path, folder) as store:
        job = jobs.read_job(store.reader, 1)
        assert (job.state, job.request) == ("paused", None)
