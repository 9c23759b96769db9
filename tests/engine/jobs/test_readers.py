"""While a run waits for answers it holds no read transaction: the -wal can be started anew at any moment."""

from __future__ import annotations

from engine.store import sqlite
from tests.engine.jobs.arena_on_loopback import Arena
from tests.servers.loopback import Request

WAIT_MS = 1_000


def test_a_run_never_reads_one_state_for_over_a_second(arena: Arena) -> None:
    looks: list[tuple[int, int, int]] = []

    def start_the_wal_anew(_: Request) -> None:
        connection = sqlite.connect(arena.path, isolation_level=None)
        try:
            connection.execute(f"PRAGMA busy_timeout = {WAIT_MS}")
            looks.append(connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone())
        finally:
            connection.close()

    for served in (*arena.served.values(), arena.judge):
        served.on_chat = start_the_wal_anew
    progress = arena.run()
    assert progress.states == {"decided": 36}
    assert len(looks) == 36 + 72
    # -1 pages: another checkpoint was just being made. Any other 1 is a reader that stays.
    assert [look for look in looks if look[0] == 1 and look[1] >= 0] == []
