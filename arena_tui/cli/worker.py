"""`arena-tui worker`: does what is queued, and what dead workers left. By default it outlives its terminal."""

from __future__ import annotations

import asyncio
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from arena_tui.cli.patience import GRACE, PAUSE_LIMIT, GraceOption, Patience, PauseLimitOption
from arena_tui.cli.running import INTERRUPTED, JsonOption, StoreOption, open_for_writing, store_path
from arena_tui.cli.tree import commands
from arena_tui.output import out, out_json, say, say_error

if TYPE_CHECKING:
    from arena_tui.detached import Started
    from engine.jobs.jobs import Job
    from engine.jobs.workers import Worker
    from engine.store import Store

app = commands()


@app.command("worker")
def worker(
    job: Annotated[int | None, typer.Option("--job", help="Do this job only.", metavar="JOB")] = None,
    once: Annotated[bool, typer.Option("--once", help="Do one job, and end.")] = False,
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Work here, in place of a process of its own.")
    ] = False,
    grace: GraceOption = GRACE,
    pause_limit: PauseLimitOption = PAUSE_LIMIT,
    as_json: JsonOption = False,
    store: StoreOption = None,
    worker_id: Annotated[str | None, typer.Option("--id", hidden=True, help="Its id in the store.")] = None,
    log: Annotated[
        Path | None, typer.Option("--log", hidden=True, help="The file that it writes to.")
    ] = None,
) -> None:
    """Do queued jobs, and those whose worker is gone. The oldest first, until none is left.

    It starts a process that outlives this terminal, and prints its id, pid and log. Keys are taken from here: export
    the variables that the plans name. In the foreground --json prints the events of runs, one a line.
    """
    patience = Patience.read(grace, pause_limit)
    if foreground:
        if log is not None:
            signal.signal(
                signal.SIGHUP, signal.SIG_IGN
            )  # its own session has no terminal; nobody's end is its end
        raise typer.Exit(_work(store, Doing(job, once, patience, as_json), worker_id, log))
    with open_for_writing(store, create=False) as opened:
        waits = _waiting(opened, job)
    started = start_for(store_path(store), job, patience, as_json=as_json, once=once) if waits else None
    if as_json:
        out_json(started_facts(job, started))
    elif started is None:
        say("no job waits for a worker; see: arena-tui jobs list")


@dataclass(frozen=True, slots=True)
class Doing:
    """What a worker is to do.

    Attributes:
        job: this one only.
        once: one job, and no more.
    """

    job: int | None
    once: bool
    patience: Patience
    as_json: bool


def start_for(
    store: Path, job: int | None, patience: Patience, *, as_json: bool, once: bool = False
) -> Started:
    """Start a worker, for one job or for all that wait, and tell who it is; with --json that is the caller's to print.

    Raises:
        UserError: it did not start.
    """
    from arena_tui.detached import start_worker

    options = [*(["--once"] if once else []), *([] if job is None else ["--job", str(job)])]
    started = start_worker(store, [*options, *patience.options()])
    if not as_json:
        what = "" if job is None else f" on job {job}"
        out(f"worker {started.worker}, process {started.pid}, is started{what}")
        out(f"log: {started.log}")
        say(f"Watch it with: arena-tui jobs {'list' if job is None else f'logs {job} --follow'}")
        say(f"Whether it goes well tells: arena-tui jobs {'list' if job is None else f'show {job}'}")
    return started


def started_facts(job: int | None, started: Started | None) -> dict[str, Any]:
    """Who was started, as JSON; all null where nothing waits."""
    if started is None:
        return {"job": job, "worker": None, "pid": None, "log": None}
    return {"job": job, "worker": started.worker, "pid": started.pid, "log": str(started.log)}


def _waiting(opened: Store, only: int | None) -> list[Job]:
    """The jobs that wait for a worker here, the oldest first.

    Raises:
        StoreError: the one that is meant does not.
        UsageError: a key that it needs is not set.
    """
    from engine.errors import StoreError
    from engine.jobs.environment import check_variables
    from engine.jobs.jobs import read_job
    from engine.jobs.settling import settle_all
    from engine.plan import read_plan_text

    with opened.write() as tx:
        waiting = settle_all(tx)
    if only is None:
        return waiting
    waiting = [job for job in waiting if job.id == only]
    if not waiting:
        job = read_job(opened.reader, only)
        raise StoreError(
            f"job {only} does not wait for a worker: it is {job.state}",
            mend=f"See: arena-tui jobs show {only}. One that has stopped goes on with: arena-tui jobs resume {only}",
        )
    check_variables(read_plan_text(waiting[0].plan, source=waiting[0].name, options=False).plan)
    return waiting


def _work(store: Path | None, doing: Doing, worker_id: str | None, log: Path | None) -> int:
    """Work in this process; the worst exit code of its jobs."""
    from arena_tui.streams import strays_as_talk
    from engine.jobs.workers import register_worker, stop_worker

    with strays_as_talk(), open_for_writing(store, create=False) as opened:
        _waiting(opened, doing.job)
        with opened.write() as tx:
            worker = register_worker(tx, worker_id, log)
        try:
            return asyncio.run(_until_none_waits(opened, worker, doing))
        finally:
            with opened.write() as tx:
                stop_worker(tx, worker)


async def _until_none_waits(opened: Store, worker: Worker, doing: Doing) -> int:
    from arena_tui.cli.stopping import Stopping

    stopping = Stopping(lambda text: say(f"warning: {text}"))
    code, seen = 0, set[int]()
    try:
        while not stopping.stop.is_set() and (job := _next(opened, doing, seen)) is not None:
            seen.add(job.id)
            code = max(code, await _do(opened, worker, job, doing, stopping.stop), key=_BADNESS.index)
            if doing.once:
                break
    except asyncio.CancelledError:
        return INTERRUPTED
    return code


def _next(opened: Store, doing: Doing, seen: set[int]) -> Job | None:
    """The oldest job that waits and was not tried yet."""
    from engine.jobs.environment import missing_variables
    from engine.jobs.settling import settle_all
    from engine.plan import read_plan_text

    with opened.write() as tx:
        waiting = settle_all(tx)
    for job in waiting:
        if job.id in seen or doing.job not in (None, job.id):
            continue
        missing = missing_variables(read_plan_text(job.plan, source=job.name, options=False).plan)
        if not missing:
            return job
        seen.add(job.id)
        say(f"job {job.id} is left: this worker was started without {', '.join(missing)}")
    return None


async def _do(opened: Store, worker: Worker, job: Job, doing: Doing, stop: asyncio.Event) -> int:
    """Do one job; its exit code."""
    from arena_tui.headless import Reporter, display_for
    from engine.errors import UserError
    from engine.jobs.attempts import JobBusy
    from engine.jobs.worker import Batch, run_batch
    from engine.plan import read_plan_text

    reporter = Reporter(display_for(as_json=doing.as_json))
    reporter.job = job.id
    try:
        batch = Batch(
            opened,
            read_plan_text(job.plan, source=job.name),
            reporter,
            job.prompt_limit,
            job_id=job.id,
            grace_seconds=doing.patience.grace,
            pause_seconds=doing.patience.pause_limit,
        )
        await run_batch(batch, stop, worker)
    except JobBusy as error:
        say(f"{error.title}: left to it")
        return 0
    except UserError as error:
        reporter.end(error.exit_code, error.title)
        say_error(error)
        return error.exit_code
    except asyncio.CancelledError:
        reporter.end(INTERRUPTED, "interrupted")
        raise
    finally:
        reporter.close()
    reporter.end(0)
    return 0


_BADNESS = (0, 3, 2, 1, INTERRUPTED)
"""Exit codes; a worker ends with the worst of its jobs."""
