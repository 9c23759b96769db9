"""How a run is told to people: its preflight as a table, its progress in one line, its end in a few."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from arena_tui.layout import Column, Table
from arena_tui.words import counted

BAR = "█░"
"""What is done, and what is not."""
ASCII_BAR = "#-"

LEAST_BAR = 10

Facts = Mapping[str, Any]


def progress_line(facts: Facts) -> str:
    """A progress event in one line."""
    return "  ".join(_counts(facts))


def bar_line(facts: Facts, width: int, bar: str = BAR) -> str:
    """The same with a bar before it, in at most `width` cells; what does not fit is left out from the end."""
    share = _share(facts)
    percent = f"{int(100 * share):3d} %"
    counts = _counts(facts)
    while counts[1:] and len("  ".join([percent, "█" * LEAST_BAR, *counts])) > width:
        counts.pop()
    told = "  ".join(counts)
    room = min(width - len(percent) - len(told) - 4, 50)
    if room < LEAST_BAR:
        return f"{percent}  {told}"[:width]
    done = round(share * room)
    return f"{percent}  {bar[0] * done}{bar[1] * (room - done)}  {told}"


def _share(facts: Facts) -> float:
    """Of all battles, 0 to 1."""
    return facts["done"] / facts["total"] if facts["total"] else 1.0


def _counts(facts: Facts) -> list[str]:
    """The most important first."""
    answering = facts["responses"] < facts["responses_total"]
    parts = [f"{facts['done']:,}/{facts['total']:,} battles"]
    if facts["eta_seconds"] is not None and facts["done"] < facts["total"]:
        parts.append(f"{duration(facts['eta_seconds'])} left")
    if facts["battles_per_second"]:
        parts.append(f"{facts['battles_per_second']:,.1f}/s")
    if answering:
        parts.append(f"{facts['responses']:,}/{facts['responses_total']:,} responses")
    if load := facts["load"].values():
        in_flight, window = sum(one["in_flight"] for one in load), sum(one["window"] for one in load)
        parts.append(f"{in_flight:,}/{window:,} in flight")
    if facts["waiting"]:
        parts.append(f"{facts['waiting']:,} waiting")
    return parts


def describe(kind: str, facts: Facts) -> list[str]:
    """An event other than progress, as lines for people."""
    match kind:
        case "preflight":
            return _describe_preflight(facts)
        case "started":
            return [f"job {facts['job']}, attempt {facts['attempt']}"]
        case "warning":
            return [f"warning: {facts['text']}"]
        case "paused" if facts["waits_seconds"] is not None:
            return [f"paused: {facts['reason']}; waiting up to {duration(facts['waits_seconds'])}"]
        case "resumed":
            return [f"resumed after: {facts['reason']}"]
        case "finished":
            return _describe_finished(facts)
        case _:
            return []


def preflight_table(facts: Facts) -> Table:
    """What a run would take: a row for each player and judge."""
    columns = [
        Column("asked"),
        *(
            Column(name, right=True)
            for name in ("calls", "cached", "tokens in", "tokens out", "time", "cost")
        ),
    ]
    rows = [
        [
            f"{one['role']} {one['name']}",
            f"{one['needed']:,}",
            f"{one['cached']:,}",
            _about(one["tokens_in"]),
            _about(one["tokens_out"]),
            _time(one["seconds"] if one["needed"] else 0),
            _cost(one["cost"]),
        ]
        for one in facts["calls"]
    ]
    total = ["in all", f"{facts['calls_needed']:,}", f"{sum(one['cached'] for one in facts['calls']):,}"]
    rows.append(
        [*total, "", "", _time(facts["seconds"] if facts["calls_needed"] else 0), _cost(facts["cost"])]
    )
    title = f"{counted(facts['battles'], 'battle')} on {counted(facts['prompts'], 'prompt')}; {_done(facts)}"
    return Table(columns, rows, title)


def _done(facts: Facts) -> str:
    """How many battles are done before the run begins."""
    found, tried = facts["found"], facts["tried"]
    if not tried:
        return f"{found:,} done already" if found else "none done yet"
    just = f"{tried:,} played just now, to learn tokens and time"
    return just if tried == found else f"{found:,} done already, of which {just}"


def _describe_preflight(facts: Facts) -> list[str]:
    grows, free = size(facts["store_growth_bytes"]), size(facts["disk_free_bytes"])
    return ["", f"The store grows by about {grows}; {free} are free."]


def _describe_finished(facts: Facts) -> list[str]:
    progress = facts["progress"]
    if progress is None:
        return []
    counts = f"{progress['decided']:,} of {progress['total']:,} battles decided"
    for state in ("void", "waiting"):
        if progress[state]:
            counts += f", {progress[state]:,} {state}"
    lines = [counts]
    lines += [f"  {n:,} x {what}" for what, n in sorted(progress["problems"].items())]
    if facts["exit_code"] == 0:
        lines.append(f"done in {duration(progress['seconds'])}")
    return lines


def _about(count: float | None) -> str:
    return "-" if count is None else f"{count:,.0f}"


def _time(seconds: float | None) -> str:
    return "unknown" if seconds is None else duration(seconds)


def _cost(cost: float | None) -> str:
    return "-" if cost is None else f"{cost:,.2f}"


def duration(seconds: float) -> str:
    """Such as 4 s, 3 min 20 s, 2 h 05 min, 3 d 04 h."""
    whole = round(seconds)
    if whole < 60:
        return f"{max(whole, 1) if seconds > 0 else 0} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 100 * 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86400} d {whole % 86400 // 3600:02d} h"


def size(count: float) -> str:
    """Such as 340.0 kB, 1.2 GB."""
    for unit, scale in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= scale:
            return f"{count / scale:,.1f} {unit}"
    return f"{count:,.0f} B"
