"""Retry-After (RFC 9110, section 10.2.3): seconds or a date, and what servers send in its place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], wall: float) -> float | None:
    """Seconds to wait as a response asks, 0 or more; None when it says nothing that can be read.

    `retry-after-ms`, which some servers send, is more exact; where it and Retry-After differ, the longer wait holds.
    A date is taken against the response's own Date where it has one, so that a clock that is wrong on either
    side neither shortens the wait nor makes it endless.

    Args:
        headers: by lower-case name.
        wall: seconds since 1970 at which the response came.
    """
    milliseconds = _seconds(headers.get("retry-after-ms"))
    said = [None if milliseconds is None else milliseconds / 1000, _standard(headers, wall)]
    return max((seconds for seconds in said if seconds is not None), default=None)


def _standard(headers: Mapping[str, str], wall: float) -> float | None:
    """What Retry-After itself says."""
    value = headers.get("retry-after")
    seconds = _seconds(value)
    if seconds is not None:
        return seconds
    until, sent = _date(value), _date(headers.get("date"))
    if until is None:
        return None
    return max(0.0, until - (wall if sent is None else sent))


def _seconds(value: str | None) -> float | None:
    try:
        seconds = float(value or "")
    except ValueError:
        return None
    return seconds if math.isfinite(seconds) and seconds >= 0 else None


def _date(value: str | None) -> float | None:
    try:
        date = parsedate_to_datetime(value or "")
        # "-0000" gives a naive date; HTTP dates are always in UTC.
        return (date if date.tzinfo else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, OverflowError):
        return None
