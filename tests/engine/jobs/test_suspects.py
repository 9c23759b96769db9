"""What an attempt had in hand is suspected when it died, and not when it ended in any other way."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from engine.jobs import attempts
from engine.store import Store, units
from engine.store.store import Fence
from engine.store.units import Unit
from tests.engine.jobs.claims import claim, die
from tests.engine.store.landing import lay_ground


def take(store: Store, fence: Fence, *keys: str) -> None:
    with store.write(fence) as tx:
        ground = lay_ground(tx)
        units.take(tx, fence.job_id, [Unit(key, ground.prompt_id, ground.players[0].id) for key in keys])


def kills(store: Store) -> dict[str, int]:
    """Of all that is suspected."""
    return {one.unit.key: one.kills for one in units.read_suspects(store.reader, 1, 0)}


def set_worker(store: Store, said: str) -> None:
    with store.write() as tx:
        tx.connection.execute(f"UPDATE workers SET {said}")


def end_lease(store: Store) -> None:
    with store.write() as tx:
        tx.connection.execute("UPDATE attempts SET lease_until = 0, lease_boot = 0")


def sleep(store: Store) -> None:
    """The process is there, and its lease is over."""
    end_lease(store)


def reboot(store: Store) -> None:
    set_worker(store, "boot_id = 'an earlier one'")


def vanish_elsewhere(store: Store) -> None:
    set_worker(store, "host = 'elsewhere'")
    end_lease(store)


@pytest.mark.parametrize(
    ("end", "suspected"), [(die, {"r": 1}), (vanish_elsewhere, {"r": 1}), (sleep, {}), (reboot, {})]
)
def test_only_a_worker_that_died_casts_suspicion(
    store: Store, end: Callable[[Store], object], suspected: dict[str, int]
) -> None:
    take(store, claim(store), "r")
    end(store)
    claim(store)
    assert kills(store) == suspected


def test_what_landed_is_suspected_no_more(store: Store) -> None:
    fence = claim(store)
    take(store, fence, "r", "landed")
    with store.write(fence) as tx:
        units.let_go(tx, fence.job_id, ["landed"])
    die(store)
    claim(store)
    assert kills(store) == {"r": 1}


def test_an_attempt_that_ends_in_good_order_is_no_proof_and_takes_none_back(store: Store) -> None:
    take(store, claim(store), "r")
    die(store)
    fence = claim(store)
    take(store, fence, "r", "other")
    attempts.finish(store, fence, "unfinished", 130, "interrupted")
    assert kills(store) == {"r": 1}
    fence = claim(store)
    take(store, fence, "r")
    die(store)
    claim(store)
    assert kills(store) == {"r": 2}


def test_what_is_set_aside_is_neither_suspected_nor_let_go(store: Store) -> None:
    fence = claim(store)
    take(store, fence, "r")
    with store.write(fence) as tx:
        units.set_aside(tx, fence.job_id, "r")
        units.let_go(tx, fence.job_id, ["r"])
    die(store)
    claim(store)
    assert kills(store) == {}
    assert [str(one) for one in units.read_set_aside(store.reader, 1)] == [
        "the response of 'ann' on prompt 'q1' (r)"
    ]
