"""One request, asked until it is answered, refused, or its time is over."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from engine.players.backoff import Backoff
from engine.players.clock import Clock
from engine.players.completion import Completion
from engine.players.endpoint import Endpoint
from engine.players.failures import EndpointFault, Failure, Transient
from engine.players.pool import Pool

Ask = Callable[[Endpoint, bytes], Awaitable[Completion]]


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop trying.

    Attributes:
        deadline_s: for all attempts of a request and the waits between them, from its first attempt.
        attempt_s: for one attempt.
        attempts: at most so many.
    """

    deadline_s: float
    attempt_s: float
    attempts: int


OUTAGES = 3
"""Times that a request begins anew after an outage. One that brings its server down each time is not asked for ever."""


class GaveUp(Exception):
    """No answer within the limits. `reason` tells the last failure and how often it was tried."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(slots=True)
class Course:
    """Where one request stands. Its time begins with its first attempt, not while it waits for a free place.

    Attributes:
        ends: clock time of its deadline; None before the first attempt.
        outages: times that it met its limits while no endpoint could be asked, and began anew.
        latency_ms: of the attempt that was answered.
    """

    ends: float | None = None
    tried: int = 0
    outages: int = 0
    last: str = ""
    latency_ms: float | None = None


class Attempts:
    """Asks the pool's endpoints, within limits.

    Args:
        on_rest: called when a request begins to wait for its next attempt.

    Attributes:
        resting: requests that wait for their next attempt; they hold no place at any endpoint.
    """

    def __init__(
        self,
        pool: Pool,
        ask: Ask,
        limits: Limits,
        backoff: Backoff,
        clock: Clock,
        on_rest: Callable[[], None],
    ) -> None:
        self.resting = 0
        self._pool = pool
        self._ask = ask
        self._limits = limits
        self._backoff = backoff
        self._clock = clock
        self._on_rest = on_rest

    async def complete(self, body: bytes, course: Course) -> Completion:
        """The answer to a request.

        Raises:
            Rejected: the server refuses this request.
            GaveUp: a limit was reached.
            Exhausted: no endpoint is left.
        """
        while True:
            endpoint = await self._place(course)
            try:
                return await self._attempt(endpoint, body, course)
            except EndpointFault as fault:
                course.last = (
                    fault.reason
                )  # the next place is at another endpoint, or here once it was checked
                if course.tried >= self._limits.attempts and endpoint.fault is None:
                    self._begin_anew(course, "no attempt is left")
            except Transient as failure:
                course.last = failure.reason
                await self._rest(failure, course)

    async def _place(self, course: Course) -> Endpoint:
        if course.ends is not None:
            try:
                async with self._clock.timeout(self._left(course)):
                    return await self._pool.lease()
            except TimeoutError:
                self._begin_anew(course, "the deadline passed")
        endpoint = await self._pool.lease()
        course.ends = self._clock.now() + self._limits.deadline_s
        return endpoint

    async def _attempt(self, endpoint: Endpoint, body: bytes, course: Course) -> Completion:
        """One exchange; its outcome is told to the pool before its place is given back."""
        course.tried += 1
        seconds = min(self._limits.attempt_s, self._left(course))
        started = self._clock.now()
        try:
            async with self._clock.timeout(seconds):
                completion = await self._ask(endpoint, body)
        except TimeoutError:
            failure: Failure = Transient(f"no answer within {seconds:g} s", overload=True)
            self._pool.failed(endpoint, failure)
            raise failure from None
        except Failure as failure:
            self._pool.failed(endpoint, failure)
            raise
        else:
            course.latency_ms = 1000 * (self._clock.now() - started)
            self._pool.answered(endpoint)
            return completion
        finally:
            self._pool.give_back(endpoint)

    async def _rest(self, failure: Transient, course: Course) -> None:
        """Wait before the next attempt, or give up when there can be none."""
        wait = self._backoff.wait(course.tried, failure.retry_after)
        if course.tried >= self._limits.attempts:
            return self._begin_anew(course, "no attempt is left")
        if wait >= self._left(course):
            asked = "" if failure.retry_after is None else f", {failure.retry_after:g} s asked for"
            return self._begin_anew(course, f"the next attempt would be past the deadline{asked}")
        self.resting += 1
        self._on_rest()
        try:
            await self._clock.sleep(wait)
        finally:
            self.resting -= 1

    def _left(self, course: Course) -> float:
        """Seconds until the deadline, 0 or more."""
        return max(0.0, (course.ends or 0.0) - self._clock.now())

    def _begin_anew(self, course: Course, why: str) -> None:
        """A limit was met. While no endpoint can be asked that says nothing of this request: it waits with the others
        for one to come back, and has all its time again. The pool tells when waiting is over.

        Raises:
            GaveUp: it is the request's own.
        """
        if not self._pool.down or course.outages >= OUTAGES:
            times = "attempt" if course.tried == 1 else "attempts"
            raise GaveUp(f"{course.last or 'no answer'} ({course.tried} {times}, {why})")
        course.outages += 1
        course.tried, course.ends = 0, None
