"""What can become of one HTTP exchange, as three kinds that differ in what happens next.

Transient       the same request may well be answered next time: retried within its deadline
Rejected        the server understood and refuses this request: recorded, not retried
EndpointFault   the server refuses us, whatever we ask: one that has answered before is set aside, another never asked
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.players.retry_after import retry_after

MAX_REASON = 400


class Failure(Exception):
    """One exchange brought no answer.

    Attributes:
        reason: one line without secrets.
        retry_after: seconds that the server asks us to wait, None when it does not say.
        overload: the server has too much to do, so that we should ask for less at a time.
    """

    retry_after: float | None = None
    overload = False

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Transient(Failure):
    """Worth trying again."""

    def __init__(self, reason: str, retry_after: float | None = None, overload: bool = False) -> None:
        super().__init__(reason)
        self.retry_after = retry_after
        self.overload = overload


class Rejected(Failure):
    """This request will never be answered: too long, or not understood."""


class EndpointFault(Failure):
    """No request will be answered here until something is mended: key, quota, address, model, certificate.

    Args:
        missing: what was asked for does not exist here (404, 405, 410), so that another route may.
        final: waiting does not mend it, even where the endpoint has answered before.
    """

    def __init__(self, reason: str, missing: bool = False, final: bool = False) -> None:
        super().__init__(reason)
        self.missing = missing
        self.final = final


_RETRIED = {408, 409, 425, 429}
_MISSING = {404, 405, 410}
_FOR_A_PERSON = {401, 402, 403, 407}


def failure_of_status(status: int, headers: Mapping[str, str], message: str, wall: float) -> Failure:
    """What an HTTP status other than success means.

    Args:
        headers: by lower-case name.
        message: the server's own words, already without secrets.
        wall: seconds since 1970 at which the response came.
    """
    reason = f"HTTP {status}: {message}"[:MAX_REASON] if message else f"HTTP {status}"
    if 300 <= status < 400:
        return EndpointFault(f"{reason} (redirects are not followed: give the address that answers)")
    if status in _MISSING:
        return EndpointFault(reason, missing=True)
    if status in _FOR_A_PERSON or (status == 429 and "insufficient_quota" in message):
        return EndpointFault(reason)
    if status in _RETRIED or status >= 500:
        overload = status in {429, 503, 529}
        return Transient(reason, retry_after(headers, wall), overload)
    return Rejected(reason)
