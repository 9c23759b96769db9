"""Jobs in a store without any run: claimed by this process, and left by workers that are gone."""

from __future__ import annotations

from engine.jobs import attempts, jobs, workers
from engine.store import Store
from engine.store.leases import Moment
from engine.store.store import Fence


def claim(store: Store, digest: str = "d", now: Moment | None = None) -> Fence:
    """An attempt of this process at the job of a plan."""
    with store.write() as tx:
        return attempts.claim(tx, jobs.submit(tx, digest, "loop", ""), workers.register_worker(tx), now)


def die(store: Store) -> None:
    """Let every worker so far be a process that is gone."""
    with store.write() as tx:
        tx.connection.execute("UPDATE workers SET pid_started_at = pid_started_at - 60")
