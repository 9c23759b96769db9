"""How many requests one endpoint may have at a time: what it can take is found by asking.

Slow start, additive increase, multiplicative decrease as in TCP (RFC 5681), in rounds of about as many outcomes as
the window has places. The decrease is in proportion to the share of a round that complained, as in DCTCP (RFC 8257),
and a small share is borne: servers and proxies fail now and then whatever the load, and halving at each single
failure would hold a run of 2,000 requests with 3 % of them to a tenth of its speed. The increase is a share of the
limit and no single place, since a round of answers of language models takes seconds and a run has few of them.
"""

from __future__ import annotations

BORNE_SHARE = 0.2
"""Share of complaints in a round that is not yet taken for overload."""

SHORTEST_ROUND = 16
"""Outcomes from which a share says something: of a server that fails a tenth of all requests whatever the load, one
round in fourteen looks overloaded at 16 outcomes, and one in five at 8."""

STEPS = 32
"""Rounds in which a window grows from nothing to its limit after it was too large."""


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
        self._begin_round()

    @property
    def size(self) -> int:
        """Places now."""
        return int(self._size)

    def answered(self, in_flight: int) -> None:
        """A request was answered while `in_flight` were asked."""
        self._count(in_flight, complained=False)

    def overloaded(self, in_flight: int) -> None:
        """The server said that it is too much, or said nothing in time."""
        self._count(in_flight, complained=True)

    def _begin_round(self) -> None:
        self._outcomes = self._complaints = self._most_in_flight = 0

    def _count(self, in_flight: int, complained: bool) -> None:
        self._outcomes += 1
        self._complaints += complained
        self._most_in_flight = max(self._most_in_flight, in_flight)
        if self._outcomes >= max(SHORTEST_ROUND, self.size):
            self._adapt(self._complaints / self._outcomes)
            self._begin_round()

    def _adapt(self, share: float) -> None:
        if share > BORNE_SHARE:
            self._size = self._threshold = max(1.0, self._size * (1 - share / 2))
        elif self._most_in_flight * 2 >= self._size:  # one that is not used does not grow
            grown = (
                2 * self._size if self._size < self._threshold else self._size + max(1.0, self.limit / STEPS)
            )
            self._size = min(float(self.limit), grown)
