"""Leases: until when a worker is believed to live. On one boot of a machine they go by a clock that nobody can set.

Wall time may jump by a day, and then leases would end all at once or never. Linux has CLOCK_BOOTTIME, which counts
from the start of the machine and goes on while it sleeps (clock_gettime(2)), and is one for all its processes.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

LEASE_SECONDS = 30.0
SKEW_SECONDS = 300.0
"""By how much clocks of two machines may differ."""

_BOOT_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment on this machine.

    Attributes:
        wall: seconds since 1970, as the machine believes.
        boot: names this start of this machine.
        seconds: since the machine started, sleep included.
    """

    wall: float
    boot: str
    seconds: float

    @classmethod
    def now(cls) -> Moment:
        return cls(time.time(), boot_id(), time.clock_gettime(_BOOT_CLOCK))


@cache
def boot_id() -> str:
    """Names this start of this machine, so that a pid of an earlier one is never taken for a living process."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        import psutil

        return f"boot-{psutil.boot_time():.0f}"


def lease_holds(now: Moment, boot: str, lease_boot: float | None, lease_until: float) -> bool:
    """Whether a lease still runs.

    Args:
        boot: the boot on which its holder runs; on another than ours only wall time can tell, and a lease that ends
            later than any can is none: a clock has jumped.
        lease_boot, lease_until: its end by that boot's clock and by wall time.
    """
    if boot == now.boot and lease_boot is not None:
        return now.seconds <= lease_boot
    return now.wall <= lease_until <= now.wall + LEASE_SECONDS + SKEW_SECONDS
