"""Where the servers of a model are: base URLs from the plan, and files of them that are read again while running."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from engine.errors import EndpointError
from engine.plan.endpoints import endpoints_in_file
from engine.players.endpoint import check_url

Stamp = tuple[int, int, int] | None


class Addresses:
    """The endpoints of a plan's entry.

    Args:
        entries: base URLs, or `@FILE`.
        player: for messages.

    Raises:
        UsageError: an entry is no URL that can be asked.
    """

    def __init__(self, entries: Sequence[str], player: str) -> None:
        self._player = player
        self._fixed = [check_url(entry, player) for entry in entries if not entry.startswith("@")]
        self._files = [Path(entry[1:]) for entry in entries if entry.startswith("@")]
        self._stamps: list[Stamp] = []

    @property
    def listed_in(self) -> str:
        """The files, for people; empty without any."""
        return ", ".join(map(str, self._files))

    def read(self) -> tuple[str, ...]:
        """All base URLs, each once, as the files say now.

        Raises:
            PlanError, UsageError: a file cannot be read, or lines of it are no URLs.
        """
        self._stamps = [_stamp(path) for path in self._files]  # first, so that no later change is missed
        urls = dict.fromkeys(self._fixed)
        for path in self._files:
            urls |= dict.fromkeys(check_url(url, self._player) for url in endpoints_in_file(path))
        return tuple(urls)

    def changed(self) -> bool:
        """Whether a file is another one, or was written, since `read`."""
        return self._stamps != [_stamp(path) for path in self._files]

    def none_listed(self, model: str) -> EndpointError:
        """What is said where there is no URL."""
        return EndpointError(
            f"no endpoint of the model '{model}' is listed yet",
            f"  {self.listed_in}: there is no such file, or no line in it",
            "Write the base URLs of its servers into it, one a line.",
            may_return=True,
        )


def _stamp(path: Path) -> Stamp:
    """What changes when a file is written or replaced; None while it is missing."""
    try:
        found = os.stat(path)  # noqa: PTH116 - one call; a path that cannot be asked for is as good as missing
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size
