"""`jobs pause|resume|drain|cancel|set`: what is asked of a job, from anywhere on its machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli.patience import PATIENCE
from arena_tui.cli.running import JsonOption, StoreOption, open_for_writing, store_path
from arena_tui.output import out_json, say

if TYPE_CHECKING:
    from engine.jobs.jobs import Job
    from engine.jobs.settling import Request
    from engine.store import Store

JobArgument = Annotated[int, typer.Argument(help="Number of the job, from jobs list.", metavar="JOB")]


def pause(job: JobArgument, as_json: JsonOption = False, store: StoreOption = None) -> None:
    """Ask a job to pause. Calls in flight finish first; its worker waits, for its --pause-limit at most."""
    _ask(job, "pause", store, as_json=as_json)


def drain(job: JobArgument, as_json: JsonOption = False, store: StoreOption = None) -> None:
    """Ask a job to stop. Calls in flight finish first, within --grace; running its plan again goes on."""
    _ask(job, "drain", store, as_json=as_json)


def cancel(job: JobArgument, as_json: JsonOption = False, store: StoreOption = None) -> None:
    """Stop a job at once, for good. Calls in flight are dropped; what has landed is kept."""
    _ask(job, "cancel", store, as_json=as_json)


def resume(
    job: JobArgument,
    start: Annotated[
        bool,
        typer.Option("--start/--no-start", help="Start a worker where nobody is at it, or leave it queued."),
    ] = True,
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Let a job go on.

    Its pause ends; where nobody is at it, it is queued again and a worker is started for it. A job that failed or was
    cancelled is started afresh; what has landed is not done again.
    """
    from engine.jobs.requests import resume as ask

    with open_for_writing(store, create=False) as opened:
        if start:
            _check_keys(opened, job)
        with opened.write() as tx:
            found = ask(tx, job)
        facts = _facts(opened, found) | {"pid": None, "log": None}
    if found.state != "queued":
        _tell(facts, f"job {job} is asked to go on; its worker looks every second", as_json=as_json)
    elif start:
        from arena_tui.cli.worker import start_for

        started = start_for(store_path(store), job, PATIENCE, as_json=as_json)
        if as_json:
            out_json(facts | {"worker": started.worker, "pid": started.pid, "log": str(started.log)})
    else:
        _tell(facts, f"job {job} is queued; start a worker with: arena-tui worker", as_json=as_json)


def set_limits(
    job: JobArgument,
    limits: Annotated[
        list[str],
        typer.Argument(
            help="max_calls=N, max_tokens=N, max_cost=X, stop_after=TIME (of an attempt); none lifts one.",
            metavar="LIMIT=VALUE",
        ),
    ],
    as_json: JsonOption = False,
    store: StoreOption = None,
) -> None:
    """Change what a job may spend, or how long an attempt may take, whether it runs or not."""
    from engine.jobs import requests
    from engine.jobs.limits import parse_limit

    said = dict(map(parse_limit, limits))
    with open_for_writing(store, create=False) as opened:
        with opened.write() as tx:
            found = requests.set_limits(tx, job, said)
        facts = _facts(opened, found)
    if facts["worker"] is not None:
        after = "its worker looks every second"
    elif found.state == "queued":
        after = "they hold when a worker takes it"
    else:
        after = f"go on with: arena-tui jobs resume {job}"
    _tell(facts, f"limits of job {job} are set; {after}", as_json=as_json)


def _ask(job: int, request: Request, store: Path | None, *, as_json: bool) -> None:
    from engine.jobs.requests import ask

    with open_for_writing(store, create=False) as opened:
        with opened.write() as tx:
            found = ask(tx, job, request)
        facts = _facts(opened, found)
    if found.request is None:
        text = f"nobody is at job {job}: it is {found.state} now"
    else:
        text = f"job {job} is asked to {request}; its worker looks every second"
    _tell(facts, text, as_json=as_json)


def _check_keys(opened: Store, job: int) -> None:
    """A worker that is started here takes its keys from here."""
    from engine.jobs.attempts import at_work
    from engine.jobs.environment import check_variables
    from engine.jobs.jobs import read_job
    from engine.plan import read_plan_text

    found = at_work(opened.reader, job)
    if found is None or not found.lives:
        known = read_job(opened.reader, job)
        check_variables(read_plan_text(known.plan, source=known.name, options=False).plan)


def _facts(opened: Store, job: Job) -> dict[str, Any]:
    """A job as JSON, in short."""
    from engine.jobs.attempts import at_work

    found = at_work(opened.reader, job.id)
    worker = None if found is None or not found.lives else found.worker.id
    return {
        "job": job.id,
        "state": job.state,
        "request": job.request,
        "reason": job.reason,
        "limits": dict(job.limits),
        "worker": worker,
    }


def _tell(facts: dict[str, Any], text: str, *, as_json: bool) -> None:
    if as_json:
        out_json(facts)
    else:
        say(text)


COMMANDS: dict[str, Callable[..., None]] = {
    "pause": pause,
    "resume": resume,
    "drain": drain,
    "cancel": cancel,
    "set": set_limits,
}
