"""How long a run waits: for calls in flight when it stops, and in a pause."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from engine.errors import UsageError

GraceOption = Annotated[
    str,
    typer.Option(
        "--grace",
        help="How long calls in flight may go on when a run is drained or paused.",
        metavar="TIME",
    ),
]
PauseLimitOption = Annotated[
    str,
    typer.Option(
        "--pause-limit",
        help="How long a pause may take (a full disk, servers that are down) before the run ends with 3.",
        metavar="TIME",
    ),
]
GRACE, PAUSE_LIMIT = "25s", "15m"


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds."""

    grace: float = 25.0
    pause_limit: float = 900.0

    @classmethod
    def read(cls, grace: str, pause_limit: str) -> Patience:
        """
        Raises:
            UsageError: one of them is no time.
        """
        return cls(
            seconds("--grace", grace, may_be_none=True),
            seconds("--pause-limit", pause_limit, may_be_none=True),
        )

    def options(self) -> list[str]:
        """As a command line says it."""
        return ["--grace", f"{self.grace:.0f}s", "--pause-limit", f"{self.pause_limit:.0f}s"]


PATIENCE = Patience()
"""Where nobody says."""


def seconds(option: str, text: str, *, may_be_none: bool = False) -> float:
    """A time such as 90s, 45m or 3h50m.

    Args:
        may_be_none: 0 and 0s are no time at all.

    Raises:
        UsageError: it is none.
    """
    from engine.plan import parse_duration

    if may_be_none and text in ("0", "0s"):
        return 0.0
    try:
        return float(parse_duration(text))
    except ValueError as error:
        raise UsageError(f"{option} {text}: {error}") from None
