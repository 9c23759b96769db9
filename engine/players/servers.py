"""The servers of one model: connected, asked what they serve, and held to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.errors import EndpointError, PlanError, UsageError
from engine.players.addresses import Addresses
from engine.players.backoff import Backoff
from engine.players.clock import Clock
from engine.players.endpoint import Endpoint
from engine.players.failures import EndpointFault, Transient
from engine.players.fingerprint import Fingerprint, check_served, read_fingerprint
from engine.players.pool import CHECK_TIMEOUT_S, Pool

if TYPE_CHECKING:
    from engine.players.wire import Wire

OPENING_ATTEMPTS = 3

FOLLOW_S = 2.0
"""How often files of endpoints are looked at."""

Silent = dict[Endpoint, Transient | EndpointFault]


class Servers:
    """Every endpoint of a model with its connection, in one pool.

    Args:
        make: an endpoint for a base URL.
        connect: a connection to a base URL.
        model: the name under which it is served.
        patience_s: see `Pool`.
        note: takes what a person should know.
        changed: see `Pool`.
    """

    def __init__(
        self,
        addresses: Addresses,
        make: Callable[[str], Endpoint],
        model: str,
        clock: Clock,
        backoff: Backoff,
        patience_s: float,
        note: Callable[[str], None],
        changed: Callable[[], None],
    ) -> None:
        self.pool = Pool(clock, backoff, patience_s, self._recheck, note, changed, addresses.listed_in)
        self.fingerprint = Fingerprint()
        self._addresses = addresses
        self._make = make
        self._model = model
        self._clock = clock
        self._backoff = backoff
        self._patience_s = patience_s
        self._note = note
        self._wires: dict[Endpoint, Wire] = {}

    async def open(self, connect: Callable[[str], Wire], revision: str | None) -> None:
        """Connect, and take the one fingerprint that all have which can be asked; the others are set aside. From then
        on files of endpoints are followed.

        Raises:
            EndpointError: none is listed, or none can be asked.
            UsageError: two serve different things, or nothing identifies the model.
            PlanError: a file of endpoints cannot be read.
        """
        self._connect = connect
        try:
            for url in self._addresses.read():
                self._wires[self._make(url)] = connect(url)
            silent = await self._take_fingerprint(revision)
        except BaseException:
            await self.close()
            raise
        for endpoint in self._wires:
            self.pool.add(endpoint, checked=True)
        for endpoint, failure in silent.items():
            self.pool.lose(endpoint, failure)
        if self._addresses.listed_in:
            self.pool.errands.start(self._follow())

    async def post(self, endpoint: Endpoint, path: str, body: bytes) -> bytes:
        """See `wire.Wire.post`."""
        return await self._wires[endpoint].post(path, body)

    async def close(self) -> None:
        await self.pool.close()
        for wire in self._wires.values():
            await wire.close()
        self._wires.clear()

    async def _follow(self) -> None:
        """Take up what files of endpoints say, for as long as they are asked."""
        while True:
            await self._clock.sleep(FOLLOW_S)
            if self._addresses.changed():
                self._take_up()
            await self._disconnect()
            self.pool.look_again()

    def _take_up(self) -> None:
        """List what is new, which is checked before it is asked, and retire what is gone."""
        try:
            urls = self._addresses.read()
        except (PlanError, UsageError) as error:  # half written, or mistaken: what was listed stands
            self._note(f"{error.title}, and the endpoints stay as they were: {' '.join(error.text.split())}")
            return
        for endpoint in [one for one in self.pool.endpoints if one.url not in urls]:
            self._note(f"{endpoint.url} is listed no more")
            self.pool.retire(endpoint)
        listed = {endpoint.url for endpoint in self.pool.endpoints}
        for url in urls:
            if url not in listed:
                self._note(f"{url} is listed now")
                endpoint = self._make(url)
                self._wires[endpoint] = self._connect(url)
                self.pool.add(endpoint)

    async def _disconnect(self) -> None:
        """Close the connections of endpoints that are retired, once nothing is in flight there."""
        for endpoint in [one for one in self._wires if one.retired and not one.in_flight]:
            await self._wires.pop(endpoint).close()

    async def _take_fingerprint(self, revision: str | None) -> Silent:
        """Ask them all; those that cannot be asked, with the reason."""
        endpoints = list(self._wires)
        if not endpoints:
            raise self._addresses.none_listed(self._model)
        outcomes = await asyncio.gather(*map(self._first_fingerprint, endpoints))
        told: dict[Endpoint, Fingerprint] = {}
        silent: Silent = {}
        for endpoint, outcome in zip(endpoints, outcomes, strict=True):
            if isinstance(outcome, Fingerprint):
                told[endpoint] = outcome
            else:
                silent[endpoint] = outcome
        if not told:
            raise _none_answers(self._model, silent, bool(self._addresses.listed_in))
        self.fingerprint = _agreed(self._model, told)
        check_served(self.fingerprint, self._model, revision, next(iter(told)).url)
        return silent

    async def _first_fingerprint(self, endpoint: Endpoint) -> Fingerprint | Transient | EndpointFault:
        """What an endpoint serves, asked up to OPENING_ATTEMPTS times; or why it cannot be asked."""
        failures = 0
        while True:
            try:
                return await self._read_fingerprint(endpoint)
            except EndpointFault as fault:
                return fault
            except Transient as failure:
                failures += 1
                wait = self._backoff.wait(failures, failure.retry_after)
                if failures == OPENING_ATTEMPTS or wait > self._patience_s:
                    return failure
            await self._clock.sleep(wait)

    async def _read_fingerprint(self, endpoint: Endpoint) -> Fingerprint:
        try:
            async with self._clock.timeout(CHECK_TIMEOUT_S):
                return await read_fingerprint(self._wires[endpoint], endpoint.url, self._model)
        except TimeoutError:
            raise Transient(f"no answer within {CHECK_TIMEOUT_S:g} s") from None

    async def _recheck(self, endpoint: Endpoint) -> None:
        """Whether an endpoint that was set aside still serves the same; a restarted server may not."""
        facts = (await self._read_fingerprint(endpoint)).facts
        if (
            facts is None and self.fingerprint.facts is not None
        ):  # as a gateway says before what is behind it is up
            raise Transient(f"it does not list '{self._model}'")
        if facts != self.fingerprint.facts:
            known = "it serves something else now: run again to take up its new identity"
            raise EndpointFault(known if endpoint.served else "it serves something else", final=True)


def _agreed(model: str, told: dict[Endpoint, Fingerprint]) -> Fingerprint:
    (first, fingerprint), *others = told.items()
    for endpoint, other in others:
        if other.facts != fingerprint.facts:
            raise UsageError(
                f"two endpoints serve different models as '{model}'",
                f"  {first.url}: {fingerprint.facts}\n  {endpoint.url}: {other.facts}",
                "Give different models as different players.",
            )
    return fingerprint


def _none_answers(model: str, silent: Silent, followed: bool) -> EndpointError:
    lines = "\n".join(f"  {endpoint.url}: {failure.reason}" for endpoint, failure in silent.items())
    return EndpointError(
        f"no endpoint of the model '{model}' answers",
        lines,
        "Start the server, or mend its address or the key.",
        may_return=followed or any(isinstance(failure, Transient) for failure in silent.values()),
    )
