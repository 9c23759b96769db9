"""`arena-tui --batch PLAN`: a run in the foreground with its exit codes, or queued for a worker."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from arena_tui.cli.patience import PATIENCE, Patience
from arena_tui.cli.running import INTERRUPTED, open_for_writing, store_path
from arena_tui.cli.stopping import Stopping
from arena_tui.headless import Reporter, display_for
from arena_tui.output import out_json, say
from arena_tui.streams import strays_as_talk
from engine.errors import UsageError, UserError
from engine.jobs.mirroring import HeldMirror, mirror_of_plan
from engine.jobs.worker import Batch, run_batch
from engine.plan import EffectivePlan, read_plan
from engine.store import Store


@dataclass(frozen=True, slots=True)
class Ordered:
    """What the command line says of a run, beside its plan.

    Attributes:
        limit: only the first so many prompts of the plan's seeded shuffle.
        stop_after: seconds.
    """

    limit: int | None = None
    dry_run: bool = False
    stop_after: float | None = None
    patience: Patience = PATIENCE

    def batch(self, store: Store, effective: EffectivePlan, listener: Reporter) -> Batch:
        """The batch that is ordered."""
        return Batch(
            store,
            effective,
            listener,
            self.limit,
            self.dry_run,
            stop_after=self.stop_after,
            grace_seconds=self.patience.grace,
            pause_seconds=self.patience.pause_limit,
        )


def run_plan(plan: str, sets: Sequence[str], store: Path | None, ordered: Ordered, *, as_json: bool) -> int:
    """Read, check and run a plan, and give the exit code. Every run ends with the event `finished`.

    Raises:
        UserError: as `run_batch`; a plan's mistakes come before anything is opened.
    """
    reporter = Reporter(display_for(as_json=as_json, dry_run=ordered.dry_run))
    try:
        effective = read_plan(plan, sets)
        reporter.talk(f"store: {store_path(store)}")
        with (
            strays_as_talk(),
            _mirror(effective, store, ordered, reporter) as mirror,
            open_for_writing(store) as opened,
        ):
            batch = ordered.batch(opened, effective, reporter)
            batch.mirror = mirror
            code = asyncio.run(_until_stopped(batch, reporter))
    except UserError as error:
        reporter.end(error.exit_code, error.title)
        _name_job(error, reporter.job)
        raise
    except KeyboardInterrupt:
        reporter.end(INTERRUPTED, "interrupted")
        raise
    except Exception as error:
        reporter.end(1, f"{type(error).__name__}: {error}")
        raise
    finally:
        reporter.close()
    if code == 0:
        _say_what_next(effective, ordered.dry_run)
    return code


def _name_job(error: UserError, job: int | None) -> None:
    """What is unfinished is gone on with by the plan said the same way, each --set too, or by the job's number."""
    if error.exit_code == 3 and job is not None:
        same = f"With the same --set values; or, whatever they were: arena-tui jobs resume {job}"
        error.mend = f"{error.mend}\n{same}".lstrip()


def _mirror(
    effective: EffectivePlan, store: Path | None, ordered: Ordered, reporter: Reporter
) -> AbstractContextManager[HeldMirror | None]:
    """The plan's mirror, owned before the store is opened; a dry run has none."""
    if ordered.dry_run:
        return nullcontext()
    return mirror_of_plan(effective.plan, store_path(store), reporter.talk)


def queue_plan(
    plan: str, sets: Sequence[str], store: Path | None, ordered: Ordered, *, as_json: bool
) -> None:
    """Queue a plan's job, and start a worker that outlives this terminal.

    Raises:
        UserError: the plan is wrong, its job runs already, or a key's variable is not set.
    """
    from arena_tui.cli.worker import start_for, started_facts
    from engine.jobs.claiming import queue_batch
    from engine.jobs.environment import check_variables

    if ordered.dry_run:
        raise UsageError("--detach and --dry-run do not go together", mend="A dry run takes moments.")
    effective = read_plan(plan, sets)
    check_variables(effective.plan)
    reporter = Reporter(display_for(as_json=False))
    # Whoever opens the store first takes a mirror's newer copy up; its worker then owns the mirror itself.
    with _mirror(effective, store, ordered, reporter), open_for_writing(store) as opened:
        job = queue_batch(ordered.batch(opened, effective, reporter))
    started = start_for(store_path(store), job, ordered.patience, as_json=as_json)
    if as_json:
        out_json(started_facts(job, started))


def _say_what_next(effective: EffectivePlan, dry_run: bool) -> None:
    if dry_run:
        say("Nothing more was run. Leave out --dry-run to go on.")
    else:
        say(f"See the table: arena-tui leaderboard --arena {quote(effective.plan.run.arena)}")


async def _until_stopped(batch: Batch, reporter: Reporter) -> int:
    """Run, drain on the first signal, and stop at once on a second Ctrl-C."""
    stopping = Stopping(reporter.warn)
    try:
        await _run(batch, reporter, stopping.stop)
    except asyncio.CancelledError:
        reporter.end(INTERRUPTED, "interrupted: what has landed is kept; run it again to go on")
        return INTERRUPTED
    reporter.end(0)
    return 0


async def _run(batch: Batch, reporter: Reporter, stop: asyncio.Event) -> None:
    """A run may end before its first event; its last one names the job all the same."""
    try:
        await run_batch(batch, stop)
    finally:
        reporter.job = batch.job_id
