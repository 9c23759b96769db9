"""How long to wait before trying again: doubling with jitter, and never less than the server asks."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Backoff:
    """Waits that double from `initial` up to `longest` seconds.

    Jitter keeps requests that failed together from coming back together: each wait is between half and all of
    its size, and one that the server named is lengthened by up to `initial`.

    Attributes:
        uniform: draws from 0..1; only the waits depend on it, never a result.
    """

    initial: float = 0.5
    longest: float = 30.0
    uniform: Callable[[], float] = random.random

    def wait(self, failures: int, retry_after: float | None = None) -> float:
        """Seconds to wait after so many failures in a row (1 or more)."""
        size = min(self.longest, self.initial * 2.0 ** min(failures - 1, 60))
        own = size * (0.5 + self.uniform() / 2)
        if retry_after is None:
            return own
        return max(own, retry_after + self.initial * self.uniform())
