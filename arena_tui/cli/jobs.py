"""`jobs list|show`: runs, as the store has them."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from typing import Annotated, Any

import typer

from arena_tui.cli.running import JsonOption, StoreOption, command, open_for_reading
from arena_tui.output import Column, Table, out, out_json, out_table

app = typer.Typer(help="Runs: what they are at, and what happened.", no_args_is_help=True)


@app.command("list")
@command
def list_jobs(as_json: JsonOption = False, store: StoreOption = None) -> None:
    """All jobs, newest first."""
    from engine.jobs.queue import read_jobs

    with open_for_reading(store) as opened:
        jobs = read_jobs(opened.reader)
    if as_json:
        out_json([asdict(job) for job in jobs])
        return
    columns = [Column("job", right=True), Column("name"), Column("state"), Column("battles", right=True)]
    columns += [Column("started"), Column("reason")]
    rows = [
        [str(job.id), job.name, job.state, _battles(job.progress), _clock(job.created_at), job.reason or ""]
        for job in jobs
    ]
    out_table(Table(columns, rows, notes=[] if jobs else ["no jobs yet: arena-tui --batch pocket"]))


@app.command("show")
@command
def show_job(
    job: Annotated[int, typer.Argument(help="Number of the job, from jobs list.", metavar="JOB")],
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """One job: its plan, its attempts, and every event."""
    from engine.jobs.queue import read_attempts, read_events, read_job

    with open_for_reading(store) as opened:
        found = read_job(opened.reader, job)
        attempts = read_attempts(opened.reader, job)
        events = read_events(opened.reader, job)
    if as_json:
        out_json(asdict(found) | {"attempts": attempts, "events": events})
        return
    out(f"job {found.id} · {found.name} · {found.state}" + (f" · {found.reason}" if found.reason else ""))
    out(f"  {_battles(found.progress)} battles")
    for one in attempts:
        out(
            f"  attempt {one['number']}: {one['state']}, process {one['pid']} on {one['host']}, {_clock(one['started_at'])}"
        )
    for event in events:
        out(f"  {_clock(event['at'])}  {event['kind']}  {json.dumps(event['facts'])}")
    out("")
    out(found.plan)


def _battles(progress: Any) -> str:
    return f"{progress['done']:,} of {progress['total']:,}" if progress else "-"


def _clock(at: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))
