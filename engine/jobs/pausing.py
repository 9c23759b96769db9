"""Pauses: what a run can wait out. A pause is a drain, a wait, and the same again under the same attempt."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import DiskFull, EndpointError, Unfinished, UserError
from engine.jobs.control import Control, cancelled
from engine.jobs.settling import REASONS
from engine.players.clock import Clock
from engine.store.disk import FLOOR_BYTES, is_full

FIRST_WAIT_SECONDS = 5.0
LONGEST_WAIT_SECONDS = 60.0
LEAST_SHARE = 1 / 20
"""Free part of a small disk from which it is worth going on."""


class PauseOver(Unfinished):
    """The pause took longer than it may."""


@dataclass(frozen=True, slots=True)
class Cause:
    """Why a run pauses.

    Attributes:
        mend: what a person can do about it.
        waits: whether it is looked at again only after a while, longer each time.
        is_gone: whether, as far as can be told, the run can go on.
    """

    reason: str
    mend: str
    waits: bool
    is_gone: Callable[[], bool]


def cause_of(error: UserError, control: Control, store: Path) -> Cause | None:
    """The cause of a pause, where what ended a go is one that can be waited out."""
    if control.is_ending:
        return None
    if isinstance(error, DiskFull):
        return Cause(
            error.title, "It goes on when there is space.", True, lambda: not is_full(store, _floor(store))
        )
    if isinstance(error, EndpointError) and error.may_return:
        return Cause(error.title, "It goes on when the server answers.", True, lambda: True)
    if isinstance(error, Unfinished) and control.asked == "pause":
        return Cause(
            REASONS["pause"], "It goes on with: arena-tui jobs resume", False, lambda: control.asked is None
        )
    return None


def _floor(store: Path) -> int:
    """Free bytes from which it is worth going on."""
    try:
        return min(FLOOR_BYTES, int(shutil.disk_usage(store.parent).total * LEAST_SHARE))
    except OSError:
        return 0


@dataclass(slots=True)
class Pausing:
    """Pauses of one attempt, one after another.

    A pause that comes again before anything has landed is the same one: it goes on counting, and is looked at less
    often.

    Attributes:
        limit_seconds: how long a pause may take.
        cause: of the pause that lasts until a go really goes on; None while the run is at work.
    """

    clock: Clock
    control: Control
    limit_seconds: float
    cause: Cause | None = None
    _ends: float = 0.0
    _wait: float = field(default=FIRST_WAIT_SECONDS)

    def begin(self, cause: Cause) -> bool:
        """A go has ended for this cause; False where the run has been paused for it already."""
        is_same = self.cause is not None and self.cause.reason == cause.reason
        if self._ends == 0.0 or not cause.waits:
            self._ends = self.clock.now() + self.limit_seconds
            self._wait = FIRST_WAIT_SECONDS
        self.cause = cause
        return not is_same

    def land(self) -> None:
        """Something has landed: the next pause is another."""
        self._ends = 0.0

    async def wait_out(self, look: Callable[[], object]) -> None:
        """Wait until the cause seems gone.

        Args:
            look: called after each wait.

        Raises:
            PauseOver: it takes too long.
            Cancelled, Unfinished: the attempt is to end.
        """
        cause = self.cause
        assert cause is not None
        if cause.waits:
            await self._rest(cause)
            self._wait = min(2 * self._wait, LONGEST_WAIT_SECONDS)
        while not cause.is_gone():
            look()
            await self._rest(cause)

    async def _rest(self, cause: Cause) -> None:
        """Wait for a while, or for a request that changes something.

        Raises:
            PauseOver, Cancelled, Unfinished: as `wait_out`.
        """
        ends = self.clock.now() + self._wait
        while (now := self.clock.now()) < ends:
            self._check(cause, now)
            before = self.control.asked
            await self.control.rest(min(ends, self._ends) - now)
            if self.control.asked != before:
                break
        self._check(cause, self.clock.now())

    def _check(self, cause: Cause, now: float) -> None:
        if self.control.asked == "cancel":
            raise cancelled()
        if self.control.asked == "drain":
            raise Unfinished(f"stopped while it was paused: {cause.reason}", mend="Run it again to go on.")
        if now >= self._ends:
            limit = f"{self.limit_seconds:g} s"
            raise PauseOver(
                f"{cause.reason}; paused for {limit}", mend=f"{cause.mend} Run it again to go on."
            )
