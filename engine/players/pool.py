"""Several endpoints of one model: the least loaded is asked, failing ones are set aside and tried again."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from engine.errors import EndpointError
from engine.players.backoff import Backoff
from engine.players.clock import Clock
from engine.players.endpoint import Endpoint
from engine.players.failures import EndpointFault, Failure, Transient
from engine.players.waiters import Errands, Waiters

BREAKER_AFTER = 5
"""Failures in a row after which an endpoint is set aside."""

CHECK_TIMEOUT_S = 30.0

TOLD_AFTER = 3
"""Rounds without an answer after which a person is told; a hiccup is nobody's business. Of an endpoint that has never
answered one is enough."""


class Exhausted(Exception):
    """No endpoint is left to ask; `Pool.error` says why."""


class Pool:
    """Places at endpoints, handed out and given back.

    Args:
        patience_s: how long an endpoint may fail, or none be listed, before waiting for it is over. Only when that is
            so for all of them does `lease` raise.
        recheck: asks an endpoint that was set aside whether it still serves the same; raises the failure.
        note: tells a person that an endpoint was lost.
        changed: called when an endpoint came, went, or may or may not be asked now.
        listed_in: what the endpoints are read from while running, for people; empty when they are fixed.

    Attributes:
        endpoints: those that are listed now; `add` and `retire` change them.
        retired: those that are listed no more, while something is in flight there.
        errands: what goes on beside; what one of them raises is raised by the next `lease`.
    """

    def __init__(
        self,
        clock: Clock,
        backoff: Backoff,
        patience_s: float,
        recheck: Callable[[Endpoint], Awaitable[None]],
        note: Callable[[str], None],
        changed: Callable[[], None],
        listed_in: str = "",
    ) -> None:
        self._changed = changed
        self.endpoints: list[Endpoint] = []
        self.retired: list[Endpoint] = []
        self._listed_in = listed_in
        self._empty_since = clock.now()
        self._clock = clock
        self._backoff = backoff
        self._patience_s = patience_s
        self._recheck = recheck
        self._note = note
        self.errands = Errands(self._tell)
        self._waiters = Waiters()

    @property
    def places(self) -> int:
        """Requests that may be in flight now, over all endpoints; 1 while all are aside, 0 when exhausted."""
        if self.exhausted:
            return 0
        ending = sum(endpoint.in_flight for endpoint in self.retired)
        return ending + max(1, sum(endpoint.places for endpoint in self.endpoints))

    @property
    def exhausted(self) -> bool:
        now = self._clock.now()
        if not self.endpoints:
            return now - self._empty_since > self._patience_s
        return all(endpoint.hopeless(now, self._patience_s) for endpoint in self.endpoints)

    @property
    def down(self) -> bool:
        """Whether none can be asked now."""
        return not any(endpoint.usable for endpoint in self.endpoints)

    def error(self) -> EndpointError:
        """Why nothing can be asked any more, endpoint by endpoint."""
        lines = [f"  {endpoint.url}: {endpoint.reason}" for endpoint in self.endpoints]
        return EndpointError(
            "no endpoint can be asked any more",
            "\n".join(lines or [f"  none is listed in {self._listed_in}"]),
            "What was answered is kept. Mend the endpoint and run it again.",
            may_return=bool(self._listed_in) or any(endpoint.fault is None for endpoint in self.endpoints),
        )

    def add(self, endpoint: Endpoint, checked: bool = False) -> None:
        """List one more; one that was not checked is asked only once it has shown that it serves the same."""
        self.endpoints.append(endpoint)
        if not checked:
            endpoint.reason = "it has not shown yet what it serves"
            endpoint.aside_until = endpoint.failing_since = self._clock.now()
            self.errands.start(self._mend(endpoint))

    def retire(self, endpoint: Endpoint) -> None:
        """List it no more: what is in flight there ends, nothing new is asked."""
        endpoint.retired = True
        self.endpoints.remove(endpoint)
        if endpoint.in_flight:
            self.retired.append(endpoint)
        if not self.endpoints:
            self._empty_since = self._clock.now()
        self._tell()

    def look_again(self) -> None:
        """Let whoever waits see whether waiting is over; time alone wakes nobody."""
        if self.exhausted:
            self._tell()

    async def lease(self) -> Endpoint:
        """A place at the least loaded endpoint, waited for. Give it back with `give_back`.

        Raises:
            Exhausted: there is nothing to wait for.
        """
        while True:
            if self.errands.bug is not None:
                raise self.errands.bug
            open_ones = [e for e in self.endpoints if e.in_flight < e.places]
            if open_ones:
                endpoint = min(open_ones, key=lambda e: e.load)
                endpoint.in_flight += 1
                endpoint.asked += 1
                return endpoint
            if self.exhausted:
                raise Exhausted
            await self._waiters.wait()

    def give_back(self, endpoint: Endpoint) -> None:
        """The place is free again, whatever came of it."""
        endpoint.in_flight -= 1
        if endpoint.retired and not endpoint.in_flight:
            self.retired.remove(endpoint)
        self._waiters.wake(1)

    def answered(self, endpoint: Endpoint) -> None:
        endpoint.answered()
        self._waiters.wake(2)  # a grown window has room for two

    def failed(self, endpoint: Endpoint, failure: Failure) -> None:
        """Count a failure against its endpoint, and set it aside when there were too many."""
        if isinstance(failure, Transient | EndpointFault):
            is_enough = endpoint.probing or endpoint.failures + 1 >= BREAKER_AFTER
            self._fails(endpoint, failure, is_enough or isinstance(failure, EndpointFault))
        else:
            self.answered(endpoint)

    def lose(self, endpoint: Endpoint, failure: Transient | EndpointFault) -> None:
        """It could not be asked when the others could: set aside or never asked, and said."""
        if isinstance(failure, EndpointFault):
            self._condemn(endpoint, failure)
        else:
            self.set_aside(endpoint, failure)

    def set_aside(self, endpoint: Endpoint, failure: Failure) -> None:
        """Ask it nothing for a while, then check it; each round without an answer is a longer while."""
        if endpoint.retired:
            return
        now = self._clock.now()
        until, mending = endpoint.aside_until, endpoint.aside_until is not None
        if until is None or until <= now:
            endpoint.rounds += 1
            until = now + self._backoff.wait(endpoint.rounds, failure.retry_after)
            if endpoint.rounds == (TOLD_AFTER if endpoint.served else 1):
                limit = f"{self._patience_s:g} s at most"
                self._note(f"{endpoint.url} does not answer and is tried again for {limit}: {failure.reason}")
        elif failure.retry_after is not None:  # one of many that were in flight when it broke
            until = max(until, now + failure.retry_after)
        endpoint.aside_until = until
        endpoint.probing = False
        endpoint.reason = failure.reason
        endpoint.failing_since = now if endpoint.failing_since is None else endpoint.failing_since
        if not mending:
            self.errands.start(self._mend(endpoint))
        self._tell()

    async def close(self) -> None:
        await self.errands.close()

    async def _mend(self, endpoint: Endpoint) -> None:
        """Wait, check, and let one request try it; or wait longer."""
        while endpoint.fault is None:
            while (rest := (endpoint.aside_until or 0.0) - self._clock.now()) > 0:
                await self._clock.sleep(rest)
            if endpoint.retired:
                return
            try:
                async with self._clock.timeout(CHECK_TIMEOUT_S):
                    await self._recheck(endpoint)
            except TimeoutError:
                self._fails(endpoint, Transient(f"no answer within {CHECK_TIMEOUT_S:g} s"), is_enough=True)
            except (Transient, EndpointFault) as failure:
                self._fails(endpoint, failure, is_enough=True)
            else:
                endpoint.aside_until = None
                endpoint.probing = True
                self._tell()
                return

    def _fails(self, endpoint: Endpoint, failure: Transient | EndpointFault, is_enough: bool) -> None:
        if isinstance(failure, EndpointFault) and endpoint.is_refused_by(failure):
            self._condemn(endpoint, failure)
            return
        endpoint.failed(failure, self._clock.now())
        if is_enough:
            self.set_aside(endpoint, failure)

    def _condemn(self, endpoint: Endpoint, fault: EndpointFault) -> None:
        if endpoint.fault is None:
            endpoint.condemn(fault)
            self._note(f"{endpoint.url} is not asked any more: {fault.reason}")
        self._tell()

    def _tell(self) -> None:
        """An endpoint came, went, or may or may not be asked now."""
        self._waiters.wake_all()
        self._changed()
