"""Several endpoints of one model: the least loaded is asked, failing ones are set aside and tried again."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Sequence

from engine.errors import EndpointError
from engine.players.backoff import Backoff
from engine.players.clock import Clock
from engine.players.endpoint import Endpoint
from engine.players.failures import EndpointFault, Failure, Transient

BREAKER_AFTER = 5
"""Failures in a row after which an endpoint is set aside."""

CHECK_TIMEOUT_S = 30.0


class Exhausted(Exception):
    """No endpoint is left to ask; `Pool.error` says why."""


class Pool:
    """Places at endpoints, handed out and given back.

    Args:
        patience_s: how long an endpoint may fail before waiting for it is over. Only when that is so for all of
            them does `lease` raise.
        recheck: asks an endpoint that was set aside whether it still serves the same; raises the failure.
        note: tells a person that an endpoint was lost.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        clock: Clock,
        backoff: Backoff,
        patience_s: float,
        recheck: Callable[[Endpoint], Awaitable[None]],
        note: Callable[[str], None],
    ) -> None:
        self.endpoints = list(endpoints)
        self._clock = clock
        self._backoff = backoff
        self._patience_s = patience_s
        self._recheck = recheck
        self._note = note
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._menders: set[asyncio.Task[None]] = set()
        self._bug: BaseException | None = None

    @property
    def places(self) -> int:
        """Requests that may be in flight now, over all endpoints; 1 while all are aside, 0 when exhausted."""
        if self.exhausted:
            return 0
        return max(1, sum(endpoint.places for endpoint in self.endpoints))

    @property
    def exhausted(self) -> bool:
        now = self._clock.now()
        return all(endpoint.hopeless(now, self._patience_s) for endpoint in self.endpoints)

    def error(self) -> EndpointError:
        """Why nothing can be asked any more, endpoint by endpoint."""
        lines = "\n".join(f"  {endpoint.url}: {endpoint.reason}" for endpoint in self.endpoints)
        return EndpointError(
            "no endpoint can be asked any more",
            lines,
            "What was answered is kept. Mend the endpoint and run it again.",
            may_return=any(endpoint.fault is None for endpoint in self.endpoints),
        )

    async def lease(self) -> Endpoint:
        """A place at the least loaded endpoint, waited for. Give it back with `give_back`.

        Raises:
            Exhausted: there is nothing to wait for.
        """
        while True:
            if self._bug is not None:
                raise self._bug
            open_ones = [e for e in self.endpoints if e.in_flight < e.places]
            if open_ones:
                endpoint = min(open_ones, key=lambda e: e.load)
                endpoint.in_flight += 1
                endpoint.asked += 1
                return endpoint
            if self.exhausted:
                raise Exhausted
            await self._change()

    def give_back(self, endpoint: Endpoint) -> None:
        """The place is free again, whatever came of it."""
        endpoint.in_flight -= 1
        self._wake(1)

    def answered(self, endpoint: Endpoint) -> None:
        endpoint.answered()
        self._wake(2)  # a grown window has room for two

    def failed(self, endpoint: Endpoint, failure: Failure) -> None:
        """Count a failure against its endpoint, and set it aside when there were too many."""
        if isinstance(failure, EndpointFault):
            self._condemn(endpoint, failure)
        elif isinstance(failure, Transient):
            endpoint.failed(failure, self._clock.now())
            if endpoint.probing or endpoint.failures >= BREAKER_AFTER:
                self.set_aside(endpoint, failure)
        else:
            self.answered(endpoint)

    def lose(self, endpoint: Endpoint, failure: Transient | EndpointFault) -> None:
        """It could not be asked when the others could: set aside or never asked, and said."""
        if isinstance(failure, EndpointFault):
            self._condemn(endpoint, failure)
        else:
            self._note(f"{endpoint.url} does not answer and is tried again later: {failure.reason}")
            self.set_aside(endpoint, failure)

    def set_aside(self, endpoint: Endpoint, failure: Transient) -> None:
        """Ask it nothing for a while, then check it; each round without an answer is a longer while."""
        now = self._clock.now()
        until, mending = endpoint.aside_until, endpoint.aside_until is not None
        if until is None or until <= now:
            endpoint.rounds += 1
            until = now + self._backoff.wait(endpoint.rounds, failure.retry_after)
        elif failure.retry_after is not None:  # one of many that were in flight when it broke
            until = max(until, now + failure.retry_after)
        endpoint.aside_until = until
        endpoint.probing = False
        endpoint.reason = failure.reason
        endpoint.failing_since = now if endpoint.failing_since is None else endpoint.failing_since
        if not mending:
            task = asyncio.create_task(self._mend(endpoint))
            self._menders.add(task)
            task.add_done_callback(self._mended)
        self._wake_all()

    async def close(self) -> None:
        for task in self._menders:
            task.cancel()
        await asyncio.gather(*self._menders, return_exceptions=True)

    async def _mend(self, endpoint: Endpoint) -> None:
        """Wait, check, and let one request try it; or wait longer."""
        while endpoint.fault is None:
            while (rest := (endpoint.aside_until or 0.0) - self._clock.now()) > 0:
                await self._clock.sleep(rest)
            try:
                async with self._clock.timeout(CHECK_TIMEOUT_S):
                    await self._recheck(endpoint)
            except TimeoutError:
                self._still_failing(endpoint, Transient(f"no answer within {CHECK_TIMEOUT_S:g} s"))
            except Transient as failure:
                self._still_failing(endpoint, failure)
            except EndpointFault as fault:
                self._condemn(endpoint, fault)
            else:
                endpoint.aside_until = None
                endpoint.probing = True
                self._wake_all()
                return

    def _still_failing(self, endpoint: Endpoint, failure: Transient) -> None:
        endpoint.failed(failure, self._clock.now())
        self.set_aside(endpoint, failure)

    def _condemn(self, endpoint: Endpoint, fault: EndpointFault) -> None:
        if endpoint.fault is None:
            endpoint.condemn(fault)
            self._note(f"{endpoint.url} is not asked any more: {fault.reason}")
        self._wake_all()

    def _mended(self, task: asyncio.Task[None]) -> None:
        self._menders.discard(task)
        if not task.cancelled() and task.exception() is not None:
            self._bug = task.exception()
            self._wake_all()

    async def _change(self) -> None:
        """Until a place may be free or an endpoint's state changed."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append(future)
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._wake(1)  # whoever woke us meant somebody
            raise
        finally:
            if not future.done() or future.cancelled():
                self._forget(future)

    def _forget(self, future: asyncio.Future[None]) -> None:
        if future in self._waiting:
            self._waiting.remove(future)

    def _wake(self, number: int) -> None:
        while number > 0 and self._waiting:
            future = self._waiting.popleft()
            if not future.done():
                future.set_result(None)
                number -= 1

    def _wake_all(self) -> None:
        self._wake(len(self._waiting))
