"""What may be done next about a job, as `jobs show` says it."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from engine.jobs.attempts import AtWork
    from engine.jobs.jobs import Job


def next_step(job: Job, found: AtWork | None) -> str | None:
    """The command that goes on with a job; None where nothing is to be done.

    Args:
        found: who is at it, or was and is gone.
    """
    if found is not None:
        return (
            None if found.lives else f"its worker is gone; it is taken up by: arena-tui worker --job {job.id}"
        )
    on = f"arena-tui jobs resume {job.id}"
    match job.state:
        case "queued":
            return f"it waits for a worker: arena-tui worker --job {job.id}"
        case "failed":
            return f"mend that, and start it afresh with: {on}; what its worker said: arena-tui jobs logs {job.id}"
        case "cancelled":
            return f"it is started afresh with: {on}; what has landed is not done again"
        case "unfinished" if job.reason is not None and (limit := _limit(job.reason)):
            return f"raise the limit (arena-tui jobs set {job.id} {limit}=...), and go on with: {on}"
        case "unfinished" | "paused":
            return f"it goes on with: {on}"
    return None


def _limit(reason: str) -> str | None:
    """The budget that a reason names, such as max_calls."""
    names = ("max_calls", "max_tokens", "max_cost")
    return next((name for name in names if f"(run.{name})" in reason), None)
