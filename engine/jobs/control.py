"""What is asked of a run while it goes on: by signals, by its time, and by requests in the store."""

from __future__ import annotations

import asyncio

from engine.errors import Cancelled, Unfinished
from engine.jobs.settling import Request
from engine.players.clock import Clock

_RANK: dict[str | None, int] = {None: 0, "pause": 1, "drain": 2, "cancel": 3}


class Control:
    """What is asked of one attempt.

    Attributes:
        asked: pause, drain or cancel; the strongest so far. A pause may be taken back.
        stop: drains the go that is under way: what is in flight finishes, nothing new is asked.
    """

    def __init__(self, clock: Clock) -> None:
        self.asked: Request | None = None
        self.stop = asyncio.Event()
        self._clock = clock
        self._moved = asyncio.Event()

    @property
    def is_ending(self) -> bool:
        """Whether the attempt is to end."""
        return self.asked in ("drain", "cancel")

    def ask(self, request: Request) -> bool:
        """Take a request; False when nothing changes by it."""
        if _RANK[request] <= _RANK[self.asked]:
            return False
        self.asked = request
        self.stop.set()
        self.move()
        return True

    def take_back_pause(self) -> None:
        """The pause is over, or need not begin."""
        if self.asked == "pause":
            self.asked = None
            self.move()

    def begin(self) -> None:
        """A go begins, which nothing that is over stops."""
        self.stop = asyncio.Event()
        if self.asked is not None:
            self.stop.set()

    def move(self) -> None:
        """Wake who waits for a change."""
        self._moved.set()
        self._moved = asyncio.Event()

    async def changed(self) -> None:
        """Wait for a change."""
        await self._moved.wait()

    async def rest(self, seconds: float) -> None:
        """Wait for a change, at most so long."""
        waits = [asyncio.create_task(self._moved.wait()), asyncio.create_task(self._clock.sleep(seconds))]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()
            await asyncio.gather(*waits, return_exceptions=True)

    async def hurry(self, grace_seconds: float) -> None:
        """Give what is in flight its time once a stop is asked for, and no longer; a cancel gives none.

        Raises:
            Cancelled: at once.
            Unfinished: the time is over.
        """
        while self.asked is None:
            await self._moved.wait()
        ends = self._clock.now() + grace_seconds
        while self.asked != "cancel" and (left := ends - self._clock.now()) > 0:
            await self.rest(left)
        if self.asked == "cancel":
            raise cancelled()
        raise Unfinished(
            f"stopped: calls were still in flight after {grace_seconds:g} s, and are given up",
            mend="Everything that has landed is kept. Run it again to go on.",
        )


def cancelled() -> Cancelled:
    """What ends a run that was cancelled."""
    return Cancelled("cancelled, as was asked", mend="Everything that has landed is kept.")
