"""Progress of a run without a console: a bar on a terminal, plain lines in a pipe, JSON lines for programs."""

from __future__ import annotations

import sys
import time
from typing import Any, Protocol

from arena_tui.inert import inert
from arena_tui.output import out_json_line, say
from engine.battles.progress import RunEvent

SCHEMA = 1
"""Version of the JSON lines; see docs/reference/events.md."""

PLAIN_SECONDS = 10.0
"""How often a pipe gets a line."""


class Display(Protocol):
    """Shows the events of a run."""

    def show(self, event: RunEvent) -> None:
        """Show one event. Progress comes twice a second."""

    def close(self) -> None:
        """Leave the terminal as it was."""


def display_for(*, as_json: bool) -> Display:
    """JSON lines where asked; a bar where stderr is a terminal; plain lines else."""
    if as_json:
        return JsonDisplay()
    return BarDisplay() if sys.stderr.isatty() else PlainDisplay()


class JsonDisplay:
    """One event a line, on stdout."""

    def show(self, event: RunEvent) -> None:
        facts = dict(event.facts)
        job = facts.pop("job", None)
        out_json_line({"schema": SCHEMA, "event": event.kind, "time": event.at, "job": job, **facts})

    def close(self) -> None:
        """Nothing to leave."""


class PlainDisplay:
    """Lines on stderr: every event, and of progress one now and then."""

    def __init__(self) -> None:
        self._last = float("-inf")

    def show(self, event: RunEvent) -> None:
        if event.kind == "progress":
            if time.monotonic() - self._last < PLAIN_SECONDS and event.facts["done"] < event.facts["total"]:
                return
            self._last = time.monotonic()
            say(progress_line(event.facts))
        else:
            for line in describe(event):
                say(line)

    def close(self) -> None:
        """Nothing to leave."""


class BarDisplay:
    """A bar on the terminal, redrawn in place; other events are lines above it."""

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn

        self._bar = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            TextColumn("{task.fields[line]}"),
            console=Console(stderr=True, highlight=False, markup=False, emoji=False),
            refresh_per_second=4,
            transient=True,
        )
        self._task = self._bar.add_task("battles", total=None, line="")
        self._begun = False

    def show(self, event: RunEvent) -> None:
        if event.kind == "progress":
            if not self._begun:
                self._bar.start()
                self._begun = True
            facts = event.facts
            work = facts["total"] + facts["responses_total"]
            done = facts["done"] + facts["responses"]
            self._bar.update(self._task, total=work, completed=done, line=progress_line(facts))
            return
        for line in describe(event):
            self._say(line)

    def close(self) -> None:
        if self._begun:
            self._bar.stop()

    def _say(self, line: str) -> None:
        if self._begun:
            from rich.text import Text

            self._bar.console.print(Text(inert(line, lines=True)))
        else:
            say(line)


def progress_line(facts: Any) -> str:
    """A progress event in one line."""
    parts = [f"{facts['done']:,}/{facts['total']:,} battles"]
    if facts["responses"] < facts["responses_total"]:
        parts.append(f"{facts['responses']:,}/{facts['responses_total']:,} responses")
    if facts["waiting"]:
        parts.append(f"{facts['waiting']:,} waiting")
    parts.append(f"{facts['battles_per_second']:,.1f}/s")
    if facts["eta_seconds"] is not None and facts["done"] < facts["total"]:
        parts.append(f"{duration(facts['eta_seconds'])} left")
    return "  ".join(parts)


def describe(event: RunEvent) -> list[str]:
    """An event that is not progress, as lines for people."""
    facts = event.facts
    if event.kind == "preflight":
        return _describe_preflight(facts)
    if event.kind == "warning":
        return [f"warning: {facts['text']}"]
    if event.kind == "started":
        return [f"job {facts['job']}, attempt {facts['attempt']}"]
    if event.kind == "finished":
        return _describe_finished(facts)
    return [f"{event.kind}"]


def _describe_preflight(facts: Any) -> list[str]:
    lines = [
        f"{facts['battles']:,} battles on {facts['prompts']:,} prompts; {facts['found']:,} are done already"
    ]
    for one in facts["calls"]:
        tokens = "" if one["tokens_out"] is None else f", about {one['tokens_out']:,.0f} tokens out"
        took = "" if one["seconds"] is None or not one["needed"] else f", {duration(one['seconds'])}"
        cost = "" if one["cost"] is None else f", cost {one['cost']:,.2f}"
        lines.append(
            f"  {one['role']} {one['name']}: {one['needed']:,} calls ({one['cached']:,} cached){tokens}{took}{cost}"
        )
    total = "unknown" if facts["seconds"] is None else duration(facts["seconds"])
    grows, free = facts["store_growth_bytes"], facts["disk_free_bytes"]
    lines.append(
        f"  {facts['calls_needed']:,} calls in all, time about {total}; the store grows by {size(grows)} of {size(free)} free"
    )
    return lines


def _describe_finished(facts: Any) -> list[str]:
    lines = [
        f"{facts['decided']:,} of {facts['total']:,} battles decided, {facts['void']:,} void, {facts['waiting']:,} waiting"
    ]
    lines += [f"  {n:,} x {what}" for what, n in sorted(facts["problems"].items())]
    return [*lines, f"done in {duration(facts['seconds'])}"]


def duration(seconds: float) -> str:
    """Such as 4 s, 3 min 20 s, 2 h 05 min."""
    whole = round(seconds)
    if whole < 60:
        return f"{max(whole, 1) if seconds > 0 else 0} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


def size(count: float) -> str:
    """Such as 340 kB, 1.2 GB."""
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count:,.0f} B"
