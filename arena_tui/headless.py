"""Progress of a run without a console: a bar on a terminal, plain lines in a pipe, JSON lines for programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from arena_tui.layout import Table
from arena_tui.output import out_json_line, out_table, say, say_lines, say_table
from arena_tui.progress import (
    ASCII_BAR,
    BAR,
    bar_line,
    describe,
    duration,
    preflight_table,
    progress_line,
)
from arena_tui.streams import ReaderGone, forget_data, redraw, talk_is_redrawn, talk_shows, talk_width
from arena_tui.words import counted
from engine.battles.progress import RunEvent

SCHEMA = 1
"""Version of the JSON lines; see docs/reference/events.md."""

PLAIN_SECONDS = 10.0
"""How often a pipe gets a line."""


class Display(Protocol):
    """Shows the events of a run."""

    def show(self, event: RunEvent) -> None:
        """Show one event. Progress comes twice a second."""

    def talk(self, text: str) -> None:
        """Say something that is no event."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def display_for(*, as_json: bool, dry_run: bool = False) -> Display:
    """JSON lines where asked; a bar where stderr is a terminal; plain lines else.

    Args:
        dry_run: its preflight is data, and goes to stdout.
    """
    if as_json:
        return JsonDisplay()
    if dry_run:
        return PlainDisplay(out_table)
    return BarDisplay() if talk_is_redrawn() else PlainDisplay()


class Reporter:
    """Passes the events of a run on to a display. A display that nobody looks at any more does not stop a run.

    Attributes:
        job: number of the run's job, as its events told it.
        progress: the facts of the last progress event.
    """

    def __init__(self, display: Display) -> None:
        self._display = display
        self.job: int | None = None
        self.progress: dict[str, Any] | None = None
        self._is_paused = False

    def __call__(self, event: RunEvent) -> None:
        facts = dict(event.facts)
        self.job = facts.setdefault("job", self.job)
        if event.kind == "progress":
            self.progress = {name: value for name, value in facts.items() if name != "job"}
        elif event.kind in ("paused", "resumed"):
            self._is_paused = event.kind == "paused"
        try:
            self._display.show(RunEvent(event.kind, facts, event.at))
        except ReaderGone:
            forget_data()
            self._display = PlainDisplay()
            say("nobody reads the events any more; the run goes on")

    def talk(self, text: str) -> None:
        """Say something that is no event."""
        self._display.talk(text)

    def warn(self, text: str) -> None:
        self(RunEvent("warning", {"text": text}))

    def end(self, exit_code: int, reason: str | None = None) -> None:
        """The last words of a run: `paused` before them where running it again goes on and nobody said so yet."""
        if exit_code == 3 and not self._is_paused:
            self(RunEvent("paused", {"reason": reason, "waits_seconds": None, "progress": self.progress}))
        facts = {"exit_code": exit_code, "reason": reason, "progress": self.progress}
        self(RunEvent("finished", facts))

    def close(self) -> None:
        self._display.close()


class JsonDisplay:
    """One event a line, on stdout."""

    def show(self, event: RunEvent) -> None:
        head = {"schema": SCHEMA, "event": event.kind, "time": event.at, "job": event.facts["job"]}
        out_json_line({**head, **event.facts})

    def talk(self, text: str) -> None:
        say(text)

    def close(self) -> None:
        """Nothing to leave."""


class PlainDisplay:
    """Lines on stderr: every event, and of progress one now and then.

    Args:
        show_preflight: where the table of the preflight goes.
    """

    def __init__(self, show_preflight: Callable[[Table], None] = say_table) -> None:
        self._show_preflight = show_preflight
        self._last = float("-inf")

    def show(self, event: RunEvent) -> None:
        if event.kind != "progress":
            _tell(event, self._show_preflight)
        elif self._is_due(event.facts):
            self._last = time.monotonic()
            say(progress_line(event.facts))

    def talk(self, text: str) -> None:
        say(text)

    def _is_due(self, facts: Mapping[str, Any]) -> bool:
        return time.monotonic() - self._last >= PLAIN_SECONDS or facts["done"] == facts["total"]

    def close(self) -> None:
        """Nothing to leave."""


class BarDisplay:
    """A bar on the last line of the terminal, redrawn in place; other events are lines above it."""

    def __init__(self) -> None:
        self._bar = BAR if talk_shows(BAR) else ASCII_BAR

    def show(self, event: RunEvent) -> None:
        if event.kind == "progress":
            redraw(bar_line(event.facts, (talk_width() or 80) - 1, self._bar))
        else:
            _tell(event, say_table)

    def talk(self, text: str) -> None:
        say(text)
        redraw("looking at what is to be done …")

    def close(self) -> None:
        redraw("")


class RowCounter:
    """How many rows an import has read: in place on a terminal, a line now and then in a pipe."""

    def __init__(self) -> None:
        self._begun = time.monotonic()
        self._told = self._begun
        self._in_place = talk_is_redrawn()
        self._line = ""

    def show(self, rows: int) -> None:
        """So many rows are done."""
        now = time.monotonic()
        seconds = max(now - self._begun, 1e-9)
        self._line = f"{counted(rows, 'row')} in {duration(seconds)}, {rows / seconds:,.0f} a second"
        if self._in_place:
            redraw(self._line)
        elif now - self._told >= PLAIN_SECONDS:
            self._told = now
            say(self._line)

    def close(self) -> None:
        """Say once more how many, where the line was that was redrawn."""
        if self._line:
            say(self._line)


def _tell(event: RunEvent, show_preflight: Callable[[Table], None]) -> None:
    if event.kind == "preflight":
        show_preflight(preflight_table(event.facts))
    say_lines(describe(event.kind, event.facts))
