"""How many requests one endpoint may have at a time: what it can take is found by asking.

Slow start, additive increase, multiplicative decrease, as TCP does it (Jacobson 1988, RFC 5681): the window
doubles in each round of answers until the first sign of overload, then grows by one a round; overload halves it.
"""

from __future__ import annotations


class Window:
    """A number of places between 1 and `limit`.

    Args:
        start: places at the beginning; at most `limit`.
        limit: places it never exceeds.
    """

    def __init__(self, start: int, limit: int) -> None:
        self.limit = limit
        self._size = float(min(start, limit))
        self._threshold = float(limit)
        self._answers_to_ignore = 0

    @property
    def size(self) -> int:
        """Places now."""
        return int(self._size)

    def answered(self, in_flight: int) -> None:
        """A request was answered while `in_flight` were asked. A window that is not used does not grow."""
        self._answers_to_ignore = max(0, self._answers_to_ignore - 1)
        if in_flight * 2 < self._size:
            return
        step = 1.0 if self._size < self._threshold else 1.0 / self._size
        self._size = min(float(self.limit), self._size + step)

    def overloaded(self, in_flight: int) -> None:
        """The server said that it is too much. What was in flight then was asked of the larger window: its
        complaints are one complaint, so that a burst of 429 halves the window once and not eight times."""
        if self._answers_to_ignore > 0:
            self._answers_to_ignore -= 1
            return
        self._size = max(1.0, self._size / 2)
        self._threshold = self._size
        self._answers_to_ignore = in_flight - 1
