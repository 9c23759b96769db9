"""What a run says while it goes on: to a listener at once, and as rows to whoever looks into the store."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from engine.battles.cast import Cast
from engine.battles.progress import Listener, Progress, RunEvent
from engine.jobs.events import record_event
from engine.jobs.jobs import set_progress
from engine.plan import Plan
from engine.store.store import Fence, Store


class Teller:
    """Tells the events of one attempt; without a fence (a dry run) only to the listener.

    Never call it inside a write transaction: it writes.
    """

    def __init__(self, listener: Listener, store: Store, fence: Fence | None) -> None:
        self._listener = listener
        self._store = store
        self._fence = fence
        self._told_notes: set[str] = set()

    def tell(self, kind: str, facts: Mapping[str, Any]) -> None:
        """An event to the listener."""
        job = {} if self._fence is None else {"job": self._fence.job_id}
        self._listener(RunEvent(kind, {**job, **facts}))

    def warn(self, text: str) -> None:
        """Something that a person should know, now and when they look at the job."""
        facts = {"text": text}
        if (fence := self._fence) is not None:
            with self._store.write(fence) as tx:
                record_event(
                    tx,
                    "warning",
                    job_id=fence.job_id,
                    attempt_id=fence.attempt_id,
                    level="warning",
                    facts=facts,
                )
        self.tell("warning", facts)

    def progress(self, progress: Progress) -> None:
        """How far the run is; the store keeps the last of it."""
        facts = progress.facts()
        if self._fence is not None:
            with self._store.write(self._fence) as tx:
                set_progress(tx, self._fence.job_id, facts)
        self.tell("progress", facts)

    def notes(self, cast: Cast) -> None:
        """What players and judges have noted since the last time."""
        for note in cast.notes():
            if note not in self._told_notes:
                self._told_notes.add(note)
                self.warn(note)


def unheeded(plan: Plan) -> str | None:
    """What the plan says and this version does nothing with; None when there is nothing."""
    said = [f"run.{name}" for name in ("on_event", "mirror") if getattr(plan.run, name) is not None]
    said += [name for name in ("flywheel", "cluster") if getattr(plan, name) is not None]
    for section, models in (("players", plan.players), ("judges", plan.judges)):
        for name, model in models.items():
            said += [
                f"{section}.{name}.{key}" for key in ("serve", "python") if getattr(model, key) is not None
            ]
    if not said:
        return None
    return f"this version does nothing with {', '.join(said)}: the run goes on without"


def waiting(reasons: Mapping[tuple[str, str], int]) -> str | None:
    """How many battles wait, why, and what helps; None when none does. `reasons` as in `Progress`."""
    counted = Counter({reason: n for (state, reason), n in reasons.items() if state == "waiting"})
    if not counted:
        return None
    why = ", ".join(f"{n:,} x {reason}" for reason, n in counted.most_common())
    n = counted.total()
    return " ".join(
        [f"{n:,} battle{'s wait' if n > 1 else ' waits'}: {why}.", *dict.fromkeys(map(_mend, counted))]
    )


def _mend(reason: str) -> str:
    if reason.endswith("response"):
        return "Running the plan again asks for failed responses once more."
    if reason.endswith("verdict"):
        return "A larger 'tries' of the judge allows more tries of a verdict."
    return "Import the verdicts that are missing, and run the plan again."
