"""`jobs list|show|drain`: runs, as the store has them."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli.running import JsonOption, StoreOption, open_for_reading, open_for_writing
from arena_tui.cli.tree import commands
from arena_tui.output import out, out_json, out_table, say

if TYPE_CHECKING:
    from arena_tui.layout import Table
    from engine.jobs.events import Event
    from engine.jobs.jobs import Job

app = commands("Runs: what they are at, and what happened.")


@app.command("list")
def list_jobs(as_json: JsonOption = False, store: StoreOption = None) -> None:
    """List all jobs, newest first. A job is a plan to be done; running the plan again goes on with it."""
    from engine.jobs.jobs import read_jobs

    with open_for_reading(store) as opened:
        jobs = read_jobs(opened.reader)
    if as_json:
        out_json([asdict(job) for job in jobs])
    else:
        out_table(_table(jobs))


def _table(jobs: list[Job]) -> Table:
    from arena_tui.layout import Column, Table

    columns = [Column("job", right=True), Column("name"), Column("state", fit="keep")]
    columns += [Column("battles", right=True), Column("queued", fit="keep"), Column("reason", fit="wrap")]
    rows = [
        [str(job.id), job.name, job.state, _battles(job.progress), _clock(job.created_at), job.reason or ""]
        for job in jobs
    ]
    return Table(columns, rows, notes=[] if jobs else ["no jobs yet: arena-tui --batch pocket"])


@app.command("show")
def show_job(
    job: Annotated[int, typer.Argument(help="Number of the job, from jobs list.", metavar="JOB")],
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Show one job: its attempts, every event, and its plan."""
    from engine.jobs.attempts import read_attempts
    from engine.jobs.events import read_events
    from engine.jobs.jobs import read_job

    with open_for_reading(store) as opened:
        found = read_job(opened.reader, job)
        attempts = read_attempts(opened.reader, job)
        events = [_event(one) for one in read_events(opened.reader, job)]
    if as_json:
        out_json(asdict(found) | {"attempts": attempts, "events": events})
    else:
        out("\n".join(_lines(found, attempts, events)))


@app.command("drain")
def drain(
    job: Annotated[int, typer.Argument(help="Number of the job, from jobs list.", metavar="JOB")],
    store: StoreOption = None,
) -> None:
    """Ask a running job to stop. Calls in flight finish first; running its plan again goes on."""
    from engine.jobs.requests import ask_to_drain

    with open_for_writing(store, create=False) as opened, opened.write() as tx:
        ask_to_drain(tx, job)
    say(f"job {job} is asked to drain; its worker looks every second")


def _lines(job: Job, attempts: list[dict[str, Any]], events: list[dict[str, Any]]) -> list[str]:
    lines = [f"job {job.id} · {job.name} · {job.state}" + (f" · {job.reason}" if job.reason else "")]
    lines.append(f"  {_battles(job.progress)} battles")
    for one in attempts:
        reason = f" ({one['reason']})" if one["reason"] else ""
        lines.append(
            f"  attempt {one['number']}: {one['state']}{reason}, process {one['pid']} on {one['host']},"
            f" since {_clock(one['started_at'])}"
        )
    lines += ["", "events"]
    lines += [f"  {_clock(event['at'])}  {event['kind']}  {_facts(event['facts'])}" for event in events]
    return [*lines, "", "plan", *(f"  {line}" for line in job.plan.splitlines())]


def _event(event: Event) -> dict[str, Any]:
    return {"at": event.at, "kind": event.kind, "level": event.level, "facts": dict(event.facts)}


def _facts(facts: Mapping[str, Any]) -> str:
    return "  ".join(
        f"{name} {value if isinstance(value, str) else json.dumps(value)}"
        for name, value in facts.items()
        if value is not None
    )


def _battles(progress: Mapping[str, Any]) -> str:
    return f"{progress['done']:,} of {progress['total']:,}" if progress else "-"


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
