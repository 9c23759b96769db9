"""One endpoint of a served model: its address, its connection, and what we think of it at the moment."""

from __future__ import annotations

from urllib.parse import urlsplit

from engine.errors import UsageError
from engine.players.failures import EndpointFault, Failure
from engine.players.window import Window


class Endpoint:
    """An address with its load and its health.

    Attributes:
        url: base URL; it holds no secret (see `check_url`).
        in_flight: requests that are being asked now.
        asked: requests ever asked, to spread evenly loaded ones.
        served: it has answered a request since it was opened.
        failures: transient failures in a row.
        rounds: times in a row that it was set aside.
        failing_since: clock time of the first of them; None while it answers.
        aside_until: clock time before which nothing is asked; None when it may be asked.
        probing: it was aside, and one request at a time shows whether it answers again.
        fault: why it is never asked again; None otherwise.
        retired: it is listed no more: what is in flight ends, nothing new is asked.
        reason: the last failure, for people.
    """

    def __init__(self, url: str, window: Window) -> None:
        self.url = url
        self.window = window
        self.in_flight = 0
        self.asked = 0
        self.served = False
        self.failures = 0
        self.rounds = 0
        self.failing_since: float | None = None
        self.aside_until: float | None = None
        self.probing = False
        self.fault: str | None = None
        self.retired = False
        self.reason = ""

    @property
    def usable(self) -> bool:
        return self.fault is None and self.aside_until is None and not self.retired

    @property
    def places(self) -> int:
        """Requests that may be in flight now."""
        if not self.usable:
            return 0
        return 1 if self.probing else self.window.size

    @property
    def load(self) -> tuple[float, int]:
        """What the least loaded is least of. A failure counts as a request that hangs: an endpoint that fails
        fast would otherwise always look idle and draw everything to itself."""
        return (self.in_flight + self.failures) / max(1, self.places), self.asked

    def answered(self) -> None:
        """A request was answered, if only by a refusal of that one request."""
        self.window.answered(self.in_flight)
        self.served = True
        self.failures = 0
        self.rounds = 0
        self.failing_since = None
        self.probing = False

    def failed(self, failure: Failure, now: float) -> None:
        """A request was not answered."""
        self.reason = failure.reason
        self.failures += 1
        if self.failing_since is None:
            self.failing_since = now
        if failure.overload:
            self.window.overloaded(self.in_flight)

    def condemn(self, fault: EndpointFault) -> None:
        self.fault = self.reason = fault.reason

    def is_refused_by(self, fault: EndpointFault) -> bool:
        """Whether a refusal is taken for lasting. One that has answered before may do so again: a key that is renewed,
        a quota that is filled up, a gateway that starts before what is behind it."""
        return fault.final or not self.served

    def hopeless(self, now: float, patience_s: float) -> bool:
        """Whether waiting for it is over: it refuses us, or has not answered for longer than `patience_s`, or
        asks to be left alone for longer than that."""
        if self.fault is not None:
            return True
        if self.aside_until is None or self.failing_since is None:
            return False
        return max(now, self.aside_until) - self.failing_since > patience_s


def check_url(url: str, player: str) -> str:
    """The base URL without slashes at its end.

    Raises:
        UsageError: no http(s) URL with a host, or one with user, password, query or fragment. Its text shows
            nothing of the URL, which may hold a secret anywhere.
    """
    try:
        parts = urlsplit(url)
        is_web = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_web = False
    if not is_web:
        raise UsageError(
            f"an endpoint of player '{player}' is no URL that can be asked",
            mend="Give base URLs such as http://localhost:8000/v1.",
        )
    if any(mark in url for mark in "@?#"):
        raise UsageError(
            f"an endpoint of player '{player}' has a user, a password, a query or a fragment in its URL",
            mend="Give the base URL alone, and name the variable that holds the key as api_key_env.",
        )
    return url.rstrip("/")
