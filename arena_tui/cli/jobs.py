"""`jobs list|show|logs`: runs, as the store has them. (What is asked of them: `job_requests`.)"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli import job_requests
from arena_tui.cli.job_steps import next_step
from arena_tui.cli.running import JsonOption, StoreOption, one_of, open_for_reading
from arena_tui.cli.tree import commands
from arena_tui.output import out_json, out_json_line, out_lines, out_table
from engine.jobs.events import clock_time

if TYPE_CHECKING:
    from arena_tui.layout import Table
    from engine.jobs.attempts import AtWork
    from engine.jobs.events import Event
    from engine.jobs.jobs import Job
    from engine.store import Store

app = commands("Runs: what they are at, and what happened.")

JobArgument = job_requests.JobArgument

LEVELS = ("info", "warning")
FOLLOW_SECONDS = 0.5
LOG_LINES = 20
"""Of the worker's own log."""


@app.command("list")
def list_jobs(as_json: JsonOption = False, store: StoreOption = None) -> None:
    """List all jobs, newest first. A job is a plan to be done; running the plan again goes on with it."""
    from engine.jobs.attempts import at_work
    from engine.jobs.jobs import read_jobs

    with open_for_reading(store) as opened:
        jobs = [(job, at_work(opened.reader, job.id)) for job in read_jobs(opened.reader)]
    if as_json:
        out_json([_facts_of(job, found) for job, found in jobs])
    else:
        out_table(_table(jobs))


def _table(jobs: list[tuple[Job, AtWork | None]]) -> Table:
    from arena_tui.layout import Column, Table

    columns = [Column("job", right=True), Column("name"), Column("state", fit="keep")]
    columns += [Column("battles", right=True), Column("queued", fit="keep"), Column("reason", fit="wrap")]
    rows = [
        [
            str(job.id),
            job.name,
            _state(job, found),
            _battles(job.progress),
            clock_time(job.created_at),
            job.reason or "",
        ]
        for job, found in jobs
    ]
    notes = [] if jobs else ["no jobs yet: arena-tui --batch pocket"]
    if any(found is not None and not found.lives for _, found in jobs):
        notes.append("a job whose worker is gone is taken up by: arena-tui worker")
    return Table(columns, rows, notes=notes)


def _state(job: Job, found: AtWork | None) -> str:
    """With what is asked of it, or that its worker is gone."""
    if found is not None and not found.lives:
        return f"{job.state}, worker gone"
    return job.state if job.request is None else f"{job.state}, to {job.request}"


def _facts_of(job: Job, found: AtWork | None) -> dict[str, Any]:
    """As JSON."""
    worker = None
    if found is not None:
        worker = asdict(found.worker) | {"since": found.since, "lives": found.lives}
    return asdict(job) | {"worker": worker}


@app.command("show")
def show_job(job: JobArgument, as_json: JsonOption = False, store: StoreOption = None) -> None:
    """Show one job: its attempts, what it has set aside, every event, and its plan."""
    from engine.jobs.attempts import at_work, read_attempts
    from engine.jobs.events import read_events
    from engine.jobs.jobs import read_job
    from engine.store.units import read_set_aside

    with open_for_reading(store) as opened:
        found, worker = read_job(opened.reader, job), at_work(opened.reader, job)
        facts = _facts_of(found, worker)
        facts["attempts"] = read_attempts(opened.reader, job)
        facts["events"] = [_event(one) for one in read_events(opened.reader, job)]
        facts["set_aside"] = [
            {"unit": one.unit.key, "by": one.by, "prompt": one.prompt, "kills": one.kills}
            for one in read_set_aside(opened.reader, job)
        ]
    if as_json:
        out_json(facts)
    else:
        out_lines(_lines(found, worker, facts))


@app.command("logs")
def show_logs(
    job: JobArgument,
    follow: Annotated[
        bool, typer.Option("--follow", help="Go on until nobody is at the job any more.")
    ] = False,
    level: Annotated[
        str, typer.Option("--level", help="From which level on: info or warning.", metavar="LEVEL")
    ] = "info",
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show what happened to a job, and the end of its worker's log. With --follow --json: one event a line."""
    levels = LEVELS[LEVELS.index(one_of("--level", level, LEVELS)) :]
    with open_for_reading(store) as opened:
        if follow:
            _follow(opened, job, levels, as_json=as_json)
        else:
            _show_log(opened, job, levels, as_json=as_json)


def _show_log(opened: Store, job: int, levels: tuple[str, ...], *, as_json: bool) -> None:
    from arena_tui.detached import last_lines
    from engine.jobs.attempts import read_attempts
    from engine.jobs.events import read_events
    from engine.jobs.jobs import read_job

    read_job(opened.reader, job)
    events = [one for one in read_events(opened.reader, job) if one.level in levels]
    logs = [one["log"] for one in read_attempts(opened.reader, job) if one["log"] is not None]
    log = logs[-1] if logs else None
    lines = [] if log is None else last_lines(Path(log), LOG_LINES)
    if as_json:
        out_json({"job": job, "events": [_event(one) for one in events], "log": log, "lines": lines})
        return
    out_lines(map(_line, events))
    if log is not None:
        out_lines(["", f"the end of {log}", *(f"  {line}" for line in lines)])


def _follow(opened: Store, job: int, levels: tuple[str, ...], *, as_json: bool) -> None:
    """Show events as they come, until nobody is at the job and nobody is to come."""
    from engine.jobs.attempts import at_work
    from engine.jobs.events import read_events
    from engine.jobs.jobs import read_job

    last = 0
    while True:
        found = at_work(opened.reader, job)
        is_open = (found is not None and found.lives) or read_job(opened.reader, job).state == "queued"
        for event in read_events(opened.reader, job, last):
            last = event.id
            if event.level not in levels:
                continue
            if as_json:
                out_json_line(_event(event))
            else:
                out_lines([_line(event)])
        if not is_open:
            return
        time.sleep(FOLLOW_SECONDS)


def _lines(job: Job, worker: AtWork | None, facts: Mapping[str, Any]) -> list[str]:
    """A job as a page."""
    lines = [
        f"job {job.id} · {job.name} · {_state(job, worker)}" + (f" · {job.reason}" if job.reason else "")
    ]
    lines += _failure_lines(facts["events"]) if job.state == "failed" else []
    if (step := next_step(job, worker)) is not None:
        lines.append(f"  next: {step}")
    lines.append(f"  {_battles(job.progress)} battles")
    if job.prompt_limit is not None:
        lines.append(f"  the first {job.prompt_limit:,} prompts only")
    if job.limits:
        lines.append(f"  limits that were set since: {_limits(job.limits)}")
    for one in facts["attempts"]:
        lines += _attempt_lines(one)
    lines += [
        f"  set aside: '{one['by']}' on prompt '{one['prompt']}' ({one['unit']}),"
        f" with which in hand {one['kills']} workers died"
        for one in facts["set_aside"]
    ]
    lines += ["", "events"]
    lines += [
        f"  {clock_time(event['at'])}  {event['kind']}  {_told(event['kind'], event['facts'])}"
        for event in facts["events"]
    ]
    return [*lines, "", "plan", *(f"  {line}" for line in job.plan.splitlines())]


def _failure_lines(events: Sequence[Mapping[str, Any]]) -> list[str]:
    """What is behind the reason why it failed last, and what to do about it."""
    told = [event["facts"] for event in events if event["kind"] == "failed"][-1:]
    parts = [facts[name] for facts in told for name in ("text", "mend") if facts.get(name)]
    return [f"  {line.strip()}" for part in parts for line in part.splitlines()]


def _attempt_lines(one: Mapping[str, Any]) -> list[str]:
    reason = f" ({one['reason']})" if one["reason"] else ""
    line = (
        f"  attempt {one['number']}: {one['state']}{reason}, process {one['pid']} on {one['host']},"
        f" since {clock_time(one['started_at'])}"
    )
    return [line] if one["log"] is None else [line, f"    log: {one['log']}"]


def _line(event: Event) -> str:
    return f"{clock_time(event.at)}  {event.kind}  {_told(event.kind, event.facts)}"


def _event(event: Event) -> dict[str, Any]:
    return {"at": event.at, "kind": event.kind, "level": event.level, "facts": dict(event.facts)}


def _told(kind: str, facts: Mapping[str, Any]) -> str:
    """What an event says, in one line: its text alone where it has one, and of limits also those that were lifted."""
    if set(facts) == {"text"}:
        return str(facts["text"])
    if kind == "limits":
        return _limits(facts)
    return "  ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value)}"
        for name, value in facts.items()
        if value is not None
    )


def _limits(said: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {'none' if value is None else value}" for name, value in said.items())


def _battles(progress: Mapping[str, Any]) -> str:
    return f"{progress['done']:,} of {progress['total']:,}" if progress else "-"


for name, command in job_requests.COMMANDS.items():
    app.command(name)(command)
