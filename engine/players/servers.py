"""The servers of one model: connected, asked what they serve, and held to it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from engine.errors import EndpointError, UsageError
from engine.players.backoff import Backoff
from engine.players.clock import Clock
from engine.players.endpoint import Endpoint
from engine.players.failures import EndpointFault, Transient
from engine.players.fingerprint import Fingerprint, check_served, read_fingerprint
from engine.players.pool import CHECK_TIMEOUT_S, Pool
from engine.players.redact import ApiKey

if TYPE_CHECKING:
    from engine.players.wire import Wire

OPENING_ATTEMPTS = 3

Silent = dict[Endpoint, Transient | EndpointFault]


class Servers:
    """Every endpoint of a model with its connection, in one pool.

    Args:
        model: the name under which it is served.
        patience_s: see `Pool`.
        note: takes what a person should know.
    """

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        model: str,
        clock: Clock,
        backoff: Backoff,
        patience_s: float,
        note: Callable[[str], None],
    ) -> None:
        self.pool = Pool(endpoints, clock, backoff, patience_s, self._recheck, note)
        self.fingerprint = Fingerprint()
        self._model = model
        self._clock = clock
        self._backoff = backoff
        self._patience_s = patience_s
        self._wires: dict[str, Wire] = {}

    async def open(self, key: ApiKey | None, max_body_bytes: int, revision: str | None) -> None:
        """Connect, and take the one fingerprint that all have which can be asked; the others are set aside.

        Raises:
            EndpointError: none can be asked.
            UsageError: two serve different things, or nothing identifies the model.
        """
        self._connect(key, max_body_bytes)
        try:
            silent = await self._take_fingerprint(revision)
        except BaseException:
            await self.close()
            raise
        for endpoint, failure in silent.items():
            self.pool.lose(endpoint, failure)

    async def post(self, endpoint: Endpoint, path: str, body: bytes) -> bytes:
        """See `wire.Wire.post`."""
        return await self._wires[endpoint.url].post(path, body)

    async def close(self) -> None:
        await self.pool.close()
        for wire in self._wires.values():
            await wire.close()
        self._wires.clear()

    def _connect(self, key: ApiKey | None, max_body_bytes: int) -> None:
        from engine.players.wire import Wire

        for endpoint in self.pool.endpoints:
            self._wires[endpoint.url] = Wire(
                endpoint.url,
                key,
                max_body_bytes=max_body_bytes,
                wall=self._clock.wall,
            )

    async def _take_fingerprint(self, revision: str | None) -> Silent:
        """Ask them all; those that cannot be asked, with the reason."""
        endpoints = self.pool.endpoints
        outcomes = await asyncio.gather(*map(self._first_fingerprint, endpoints))
        told: dict[Endpoint, Fingerprint] = {}
        silent: Silent = {}
        for endpoint, outcome in zip(endpoints, outcomes, strict=True):
            if isinstance(outcome, Fingerprint):
                told[endpoint] = outcome
            else:
                silent[endpoint] = outcome
        if not told:
            raise _none_answers(self._model, silent)
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
                return await read_fingerprint(self._wires[endpoint.url], endpoint.url, self._model)
        except TimeoutError:
            raise Transient(f"no answer within {CHECK_TIMEOUT_S:g} s") from None

    async def _recheck(self, endpoint: Endpoint) -> None:
        """Whether an endpoint that was set aside still serves the same; a restarted server may not."""
        if (await self._read_fingerprint(endpoint)).facts != self.fingerprint.facts:
            raise EndpointFault("it serves something else now: run again to take up its new identity")


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


def _none_answers(model: str, silent: Silent) -> EndpointError:
    lines = "\n".join(f"  {endpoint.url}: {failure.reason}" for endpoint, failure in silent.items())
    return EndpointError(
        f"no endpoint of the model '{model}' answers",
        lines,
        "Start the server, or mend its address or the key.",
        may_return=any(isinstance(failure, Transient) for failure in silent.values()),
    )
