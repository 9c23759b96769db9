"""What a run says while it goes on: to a listener at once, and as rows to whoever looks into the store."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from engine.battles.cast import Cast
from engine.battles.outcome import SET_ASIDE_VERDICT
from engine.battles.progress import Listener, Progress, RunEvent
from engine.errors import DiskFull, UserError
from engine.jobs.events import record_event
from engine.jobs.jobs import set_progress, set_state
from engine.jobs.settling import REASONS
from engine.plan import Plan
from engine.store.store import Fence, Store, Transaction

_Write = Callable[[Transaction], None]


class Teller:
    """Tells the events of one attempt; without a fence (a dry run) only to the listener.

    What cannot be written because the disk is full is told all the same, kept, and written when there is room.
    Never call it inside a write transaction: it writes.

    Attributes:
        last_progress: the facts of the last progress event.
    """

    def __init__(self, listener: Listener, store: Store, fence: Fence | None) -> None:
        self.last_progress: dict[str, Any] | None = None
        self._listener = listener
        self._store = store
        self._fence = fence
        self._job = {} if fence is None else {"job": fence.job_id}
        self._unwritten: list[_Write] = []
        self._warned: set[str] = set()

    def tell(self, kind: str, facts: Mapping[str, Any]) -> None:
        """An event to the listener."""
        self._listener(RunEvent(kind, {**self._job, **facts}))

    def warn(self, text: str) -> None:
        """Something that a person should know, now and when they look at the job; each text once."""
        if text not in self._warned:
            self._warned.add(text)
            self._record("warning", {"text": text}, level="warning")
            self.tell("warning", {"text": text})

    def heard(self, text: str) -> None:
        """What was asked of the run, for the listener; the store has had it from whoever asked."""
        self.tell("warning", {"text": text})

    def paused(self, reason: str, waits_seconds: float) -> dict[str, Any]:
        """The run waits; return what was told. Nothing is wrong where somebody asked for it."""
        level = "info" if reason == REASONS["pause"] else "warning"
        self._record("paused", {"reason": reason}, level=level, state="paused")
        facts = {"reason": reason, "waits_seconds": waits_seconds, "progress": self.last_progress}
        self.tell("paused", facts)
        return facts

    def resumed(self, reason: str) -> dict[str, Any]:
        """The run goes on after a pause that had this reason; return what was told."""
        self._record("resumed", {"reason": reason}, state="running")
        facts = {"reason": reason}
        self.tell("resumed", facts)
        return facts

    def progress(self, progress: Progress) -> None:
        """How far the run is; the store keeps the last of it."""
        facts = self.last_progress = progress.facts()
        if (fence := self._fence) is not None:
            with suppress(DiskFull), self._store.write(fence) as tx:
                set_progress(tx, fence.job_id, facts)
        self.tell("progress", facts)

    def failed(self, error: UserError) -> None:
        """Why the run failed, whole, for whoever looks at the job later; the listener hears it as the run's error."""
        self._record("failed", {"reason": error.title, "text": error.text, "mend": error.mend}, "warning")

    def end(self) -> None:
        """The attempt has ended; what is still to be said is no longer its word."""
        self._fence = None

    def catch_up(self) -> None:
        """Write what could not be written, if there is room."""
        if not self._unwritten or self._fence is None:
            return
        with suppress(DiskFull):
            with self._store.write(self._fence) as tx:
                for write in self._unwritten:
                    write(tx)
            self._unwritten = []

    def _record(
        self, kind: str, facts: Mapping[str, Any], level: str = "info", state: str | None = None
    ) -> None:
        """An event row, and with it the state that the job is in now."""
        if (fence := self._fence) is None:
            return
        at = time.time()

        def write(tx: Transaction) -> None:
            record_event(
                tx, kind, job_id=fence.job_id, attempt_id=fence.attempt_id, level=level, facts=facts, at=at
            )
            if state is not None:
                reason = facts["reason"] if state == "paused" else None
                set_state(tx, fence.job_id, state, reason)

        self._unwritten.append(write)
        self.catch_up()

    def notes(self, cast: Cast) -> None:
        """What players and judges have noted since the last time."""
        for note in cast.notes():
            self.warn(note)


def unheeded(plan: Plan) -> str | None:
    """What the plan says and this version does nothing with; None when there is nothing."""
    said = [name for name in ("flywheel", "cluster") if getattr(plan, name) is not None]
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
    if reason == SET_ASIDE_VERDICT:
        return "Running the plan again asks for it once more."
    if reason.endswith("verdict"):
        return "A larger 'tries' of the judge allows more tries of a verdict."
    return "Import the verdicts that are missing, and run the plan again."
